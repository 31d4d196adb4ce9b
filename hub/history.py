"""What was believed about a record, and when: its versions, and the record as of another day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hub.database import Row
from hub.enrich import Winners, add_labels, add_provenance
from hub.model.spec import EntitySpec
from hub.principal import Principal
from hub.query import BadQuery, View
from hub.reader import Reader, scope_for, sealed_parts
from hub.render import Record, moment, shown_values
from hub.repository import Page, current
from hub.write import read_provenance, version_place

_COLUMNS = "v, id, n, valid_from, recorded_at, changed, sealed, provenance"
_ENVELOPE = {"#withdrawn": "withdrawn", "#superseded_by": "superseded_by", "#quality": "quality"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Two clocks, in microseconds: `as_of`, what was so in the world until then; `known_at`,
    what the hub had been told until then. None: now."""

    as_of: int | None = None
    known_at: int | None = None


def rebuilt(
    reader: Reader, principal: Principal, spec: EntitySpec, one: str, view: View, asked: Asked
) -> Record | None:
    """The record `one` as its versions up to the asked time add up; None when there was none.

    Identifiers have no versions and are left out; labels are those of today. Raises Forbidden
    without the scope for a sealed part that is included.
    """
    if current(reader, principal, spec, one) is None:
        return None
    record, winners = _fold(reader, spec, _versions(reader, spec, one, asked))
    if record is None:
        return None
    for name, part in sealed_parts(spec.name).items():
        if name in view.include:
            _allow(reader, principal, part, [one])
            opened, won = _fold(reader, part, _versions(reader, part, one, asked))
            record[name] = opened and {field: opened[field] for field in part.fields}
            winners |= {f"{name}.{field}": a for field, a in won.items()}
    record = {n: v for n, v in record.items() if _is_asked(n, view)}
    if "labels" in view.include:
        add_labels(reader, [record])
    if view.provenance:
        add_provenance(reader, [record], [{n: a for n, a in winners.items() if _has(record, n)}])
    return record


def history(
    reader: Reader,
    principal: Principal,
    spec: EntitySpec,
    one: str,
    *,
    view: View,
    after: str = "",
    limit: int = 100,
) -> Page | None:
    """The versions of a record, oldest first, each with the fields it changed (null: no value
    from then on); None where the record does not exist for the principal.

    `view.include` adds the versions of sealed parts, named in `part`.
    """
    if current(reader, principal, spec, one) is None:
        return None
    parts = {n: p for n, p in sealed_parts(spec.name).items() if n in view.include}
    for part in parts.values():
        _allow(reader, principal, part, [one])
    by_entity = {spec.name: ("", spec)} | {p.name: (n, p) for n, p in parts.items()}
    rows = reader.session.among(
        f"select entity, {_COLUMNS} from version where id = ? and v > ? and entity in {{members}} "
        f"order by v limit {limit + 1:d}",
        sorted(by_entity),
        (one, _number(after)),
    )
    kept = rows[:limit]
    items = [_item(reader, by_entity[row[0]], row[1:]) for row in kept]
    if view.provenance:
        add_provenance(reader, items, [_winners(row[-1], item) for row, item in zip(
            kept, items, strict=True)])  # fmt: skip
    return Page(items, str(kept[-1][1]) if len(rows) > limit else None)


def opened(reader: Reader, spec: EntitySpec, v: int, changed: str | None, sealed: Any) -> Any:  # noqa: ANN401
    """What a version changed, as it was kept: field → value, and #withdrawn and its like."""
    if sealed is not None:
        return orjson.loads(reader.keyring.open(bytes(sealed), version_place(v)))
    return orjson.loads(changed or "{}")


def shown_changes(spec: EntitySpec, kept: dict[str, Any]) -> Record:
    """What a version changed, in the form it has in answers."""
    fields = shown_values(spec, ((n, v) for n, v in kept.items() if n not in _ENVELOPE))
    return fields | {_ENVELOPE[n]: v for n, v in kept.items() if n in _ENVELOPE}


def _versions(reader: Reader, spec: EntitySpec, one: str, asked: Asked) -> list[Row]:
    sql = f"select {_COLUMNS} from version where id = ? and entity = ?"
    values: list[Any] = [one, spec.name]
    for column, until in (("valid_from", asked.as_of), ("recorded_at", asked.known_at)):
        if until is not None:
            sql += f" and {column} <= ?"
            values.append(until)
    return reader.session.all(sql + " order by n", values)


def _fold(reader: Reader, spec: EntitySpec, rows: Sequence[Row]) -> tuple[Record | None, Winners]:
    """Versions in the order they were written; each says only what it changed."""
    if not rows:
        return None, {}
    fields: dict[str, Any] = {}
    winners: Winners = {}
    for v, _, _, _, _, changed, sealed, provenance in rows:
        kept = opened(reader, spec, v, changed, sealed)
        fields |= kept
        winners |= read_provenance(provenance, [n for n, value in kept.items() if _named(n, value)])
    _, one, n, valid_from, recorded_at, *_ = rows[-1]
    record: Record = {
        "id": one, "version": n, "valid_from": moment(valid_from),
        "recorded_at": moment(recorded_at), "quality": fields.get("#quality", "ok"),
        "withdrawn": fields.get("#withdrawn", False),
        "superseded_by": fields.get("#superseded_by"), "ext": None,
    }  # fmt: skip
    record |= shown_values(spec, ((name, fields.get(name)) for name in spec.fields))
    return record, {n: a for n, a in winners.items() if record.get(n) is not None}


def _named(name: str, value: Any) -> bool:  # noqa: ANN401 - JSON
    return value is not None and name not in _ENVELOPE


def _is_asked(name: str, view: View) -> bool:
    return not view.fields or name in view.fields or name in view.include or name == "id"


def _has(record: Record, name: str) -> bool:
    return name.partition(".")[0] in record


def _allow(reader: Reader, principal: Principal, part: EntitySpec, ids: Sequence[str]) -> None:
    principal.must(scope_for(part))
    reader.saw(part.name, ids, principal)


def _item(reader: Reader, whose: tuple[str, EntitySpec], row: Row) -> Record:
    part, spec = whose
    v, _, n, valid_from, recorded_at, changed, sealed, _ = row
    item: Record = {
        "version": n, "valid_from": moment(valid_from), "recorded_at": moment(recorded_at),
        "changed": shown_changes(spec, opened(reader, spec, v, changed, sealed)),
    }  # fmt: skip
    return item | ({"part": part} if part else {})


def _winners(text: str, item: Record) -> Winners:
    envelope = _ENVELOPE.values()
    names: Iterable[str] = (
        n for n, value in item["changed"].items() if value is not None and n not in envelope
    )
    return read_provenance(text, list(names))


def _number(cursor: str) -> int:
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise BadQuery("CROHUB-BAD-CURSOR", "cursor: expected the `next` of a page of this history")
    return int(cursor or 0)
