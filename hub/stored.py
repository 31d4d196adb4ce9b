"""Records as they are written down, for where that is not what their statements fold to now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from hub.context import Context
from hub.model.spec import EntitySpec, FieldSpec, entities
from hub.things import Fields, Thing
from hub.write import cell_place, read_provenance


def as_written(context: Context, entity: str, things: Sequence[Thing]) -> None:
    """Gives things of one entity the fields and provenance that their rows have."""
    spec = entities()[entity]
    fields = tuple(spec.fields.values())
    columns = ", ".join(str(field.column) for field in fields)
    rows = context.session.among(
        f"select id, provenance, {columns} from {spec.table.name} where id in {{members}}",
        [thing.id for thing in things],
    )
    found = {row[0]: row for row in rows}
    for thing in things:
        row = found.get(thing.id)
        thing.golden = _fields(context, spec, fields, row) if row else {}
        thing.provenance = read_provenance(row[1], list(thing.golden)) if row else {}


def _fields(
    context: Context, spec: EntitySpec, fields: Sequence[FieldSpec], row: Sequence[Any]
) -> Fields:
    found: Fields = {}
    for field, cell in zip(fields, row[2:], strict=True):
        if cell is None:
            continue
        if field.sealed:
            place = cell_place(spec.name, row[0], field.column)
            found[field.name] = orjson.loads(context.keyring.open(bytes(cell), place))
        elif field.meta.kind == "texts":
            found[field.name] = orjson.loads(cell) if isinstance(cell, str) else cell
        else:
            found[field.name] = bool(cell) if field.meta.kind == "flag" else cell
    return found
