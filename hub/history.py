"""What was believed about a record, and when: its versions, and the record as of another day.

What was believed at a time, its versions tell; what was so on a day, the statements about that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hub.asof import Past, past
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
    """The record `one` as it was believed at `known_at`, or was in the world at `as_of` as far as
    was known then; None when there was none.

    Identifiers have no versions and are left out; labels are those of today. Raises Forbidden
    without the scope for a sealed part that is included.
    """
    if current(reader, principal, spec, one) is None:
        return None
    record, winners = _then(reader, spec, one, asked)
    if record is None:
        return None
    for name, part in sealed_parts(spec.name).items():
        if name in view.include:
            _allow(reader, principal, part, [one])
            opened, won = _then(reader, part, one, asked)
            record[name] = opened and {field: opened[field] for field in part.fields}
            winners |= {f"{name}.{field}": a for field, a in won.items()}
    record = {n: v for n, v in record.items() if _is_asked(n, view)}
    if "labels" in view.include:
        add_labels(reader, principal, [record])
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


def _then(
    reader: Reader, spec: EntitySpec, one: str, asked: Asked
) -> tuple[Record | None, Winners]:
    if asked.as_of is None:
        return _fold(reader, spec, _versions(reader, spec, one, asked))
    found = past(reader, spec, [one], asked.as_of, asked.known_at).get(one)
    if found is None:
        return None, {}
    envelope = envelopes(reader, spec, [one], asked).get(one, {})
    return as_record(spec, one, found, envelope), found.winners


def then_all(
    reader: Reader, spec: EntitySpec, ids: Sequence[str], asked: Asked
) -> Iterator[Record]:
    """Those of the records `ids` that there were then, in their order, without sealed parts."""
    if asked.as_of is None:
        rows = _versions_of(reader, spec, ids, asked)
        for one in ids:
            record, _ = _fold(reader, spec, rows.get(one, []))
            if record:
                yield record
        return
    found = past(reader, spec, ids, asked.as_of, asked.known_at)
    about = envelopes(reader, spec, ids, asked)
    for one in ids:
        if one in found:
            yield as_record(spec, one, found[one], about.get(one, {}))


def _versions_of(
    reader: Reader, spec: EntitySpec, ids: Sequence[str], asked: Asked
) -> dict[str, list[Row]]:
    sql = f"select {_COLUMNS} from version where entity = ? and recorded_at <= ?"
    rows = reader.session.among(
        f"{sql} and id in {{members}} order by n", list(ids), (spec.name, asked.known_at)
    )
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[1], []).append(row)
    return found


def as_record(spec: EntitySpec, one: str, found: Past, envelope: Record) -> Record:
    """A record of the past in the form it has in answers."""
    return {
        "id": one, "version": 0, "valid_from": None, "recorded_at": None,
        "quality": "ok" if found.fields else "stub", **envelope,
        "withdrawn": found.withdrawn, "superseded_by": None, "ext": None,
        **shown_values(spec, ((name, found.fields.get(name)) for name in spec.fields)),
    }  # fmt: skip


def envelopes(
    reader: Reader, spec: EntitySpec, ids: Sequence[str], asked: Asked
) -> dict[str, Record]:
    """Of each record the last version that the asked times allow: its number and times, and the
    quality that the record had then, where it was not plainly good."""
    sql = "select id, n, valid_from, recorded_at, changed from version where entity = ?"
    values: list[Any] = [spec.name]
    for column, until in (("valid_from", asked.as_of), ("recorded_at", asked.known_at)):
        if until is not None:
            sql += f" and {column} <= ?"
            values.append(until)
    rows = reader.session.among(f"{sql} and id in {{members}} order by n", list(ids), values)
    found: dict[str, Record] = {}
    for one, n, since, recorded, changed in rows:
        own = found.setdefault(one, {})
        own |= {"version": n, "valid_from": moment(since), "recorded_at": moment(recorded)}
        if changed and "#quality" in changed:
            own["quality"] = orjson.loads(changed).get("#quality", "ok")
    return found


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
