"""All records of a kind that meet some conditions, as a table: read page by page, in one moment of
the store, so that their number costs no memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hub import cursors
from hub.model.spec import EntitySpec, FieldSpec
from hub.principal import Principal
from hub.query import LARGEST, Query, View
from hub.reader import Reader, sealed_parts
from hub.render import Record, sheet
from hub.repository import page
from hub.tabular.column import Column, Kind

_ENVELOPE: dict[str, Kind] = {
    "version": "integer", "valid_from": "moment", "recorded_at": "moment", "withdrawn": "flag",
    "ext": "json",
}  # fmt: skip
_AS_THEY_ARE: tuple[Kind, ...] = ("date", "instant", "integer", "decimal", "flag", "texts")


def columns(spec: EntitySpec, view: View, *, nested: bool) -> list[Column]:
    """The columns of a table. `nested`: values as an answer of the API has them; else a reference
    is an id, a label stands beside it as `study_label`, a sealed field as `phi.birth_date`."""
    made: list[Column] = []
    for name in sheet(spec.name, view.fields).names:
        field = spec.fields.get(name)
        made.append(Column(name, _kind(field, nested=nested) if field else _envelope(name)))
        if field and field.meta.kind == "ref" and "labels" in view.include and not nested:
            made.append(Column(f"{name}_label"))
    for part, sealed in sealed_parts(spec.name).items():
        if part in view.include and nested:
            made.append(Column(part, "json"))
        elif part in view.include:
            made += [
                Column(f"{part}.{name}", _kind(field, nested=False))
                for name, field in sealed.fields.items()
            ]
    made += [Column("identifiers", "json")] if "identifiers" in view.include else []
    return [*made, Column("provenance", "json")] if view.provenance else made


def rows(
    reader: Reader, principal: Principal, spec: EntitySpec, query: Query, *, nested: bool
) -> Iterator[Sequence[Any]]:
    """The records, in the order of `columns`. The reader's session must show one moment for as
    long as this is read. Raises what `hub.repository.page` raises, before the first row."""
    names = [column.name for column in columns(spec, query.view, nested=nested)]
    query = replace(query, limit=LARGEST)
    while True:
        found = page(reader, principal, spec, query)
        for record in found.items:
            shown = record if nested else _flat(record)
            yield [shown.get(name) for name in names]
        if found.next is None:
            return
        query = replace(query, after=cursors.read(found.next, query.order))


def _envelope(name: str) -> Kind:
    return _ENVELOPE.get(name, "text")


def _kind(field: FieldSpec, *, nested: bool) -> Kind:
    if field.meta.kind == "ref" and nested:
        return "json"
    return next((kind for kind in _AS_THEY_ARE if kind == field.meta.kind), "text")


def _flat(record: Record) -> Record:
    made: Record = {}
    for name, value in record.items():
        if name in ("ext", "identifiers", "provenance") or type(value) is not dict:
            made[name] = value
        elif "entity" in value:
            made |= {name: value["id"], f"{name}_label": value.get("label")}
        else:
            made |= {f"{name}.{inner}": cell for inner, cell in value.items()}
    return made
