"""What a record shows beside its own fields when asked: sealed parts, identifiers, labels, and
who said each field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from hub.grants import visible
from hub.model.base import SEALED
from hub.model.spec import EntitySpec, entities
from hub.principal import Principal
from hub.query import View
from hub.reader import SCOPES, Reader, scope_for, sealed_parts
from hub.render import Record, moment
from hub.write import cell_place, read_provenance

Winners = dict[str, int]  # field → the number of the assertion that won it


def enrich(
    reader: Reader,
    principal: Principal,
    spec: EntitySpec,
    view: View,
    records: Sequence[Record],
    provenance: Sequence[str],
) -> None:
    """Adds what `view` includes to `records`, whose provenance texts are given beside them.

    Raises Forbidden without the scope a sealed part asks for, read or not.
    """
    for name, part in sealed_parts(spec.name).items():
        if name in view.include:
            principal.must(scope_for(part))
    winners = [_winners(spec, r, t) for r, t in zip(records, provenance, strict=True)]
    for name, part in sealed_parts(spec.name).items():
        if name in view.include:
            _add_part(reader, principal, part, name, records, winners)
    if "identifiers" in view.include:
        _add_identifiers(reader, spec, view, records)
    if "labels" in view.include:
        add_labels(reader, principal, records)
    if view.provenance:
        add_provenance(reader, records, winners)


def _winners(spec: EntitySpec, record: Record, text: str) -> Winners:
    spoken = [name for name in spec.fields if record.get(name) is not None]
    return {n: a for n, a in read_provenance(text, spoken).items() if n in record}


def _add_part(
    reader: Reader,
    principal: Principal,
    part: EntitySpec,
    name: str,
    records: Sequence[Record],
    winners: Sequence[Winners],
) -> None:
    fields = list(part.fields.values())
    columns = ", ".join(str(field.column) for field in fields)
    ids = [record["id"] for record in records]
    rows = reader.session.among(
        f"select id, provenance, {columns} from {part.table.name} where id in {{members}}", ids
    )
    found = {row[0]: row for row in rows}
    if found:
        reader.saw(part.name, sorted(found), principal)
    for record, won in zip(records, winners, strict=True):
        row = found.get(record["id"])
        if row is None:
            record[name] = None
            continue
        opened: Record = {}
        for field, cell in zip(fields, row[2:], strict=True):
            place = cell_place(part.name, record["id"], field.column)
            opened[field.name] = (
                None if cell is None else orjson.loads(reader.keyring.open(bytes(cell), place))
            )
        record[name] = opened
        won |= {f"{name}.{field}": a for field, a in _winners(part, opened, row[1]).items()}


def _add_identifiers(
    reader: Reader, spec: EntitySpec, view: View, records: Sequence[Record]
) -> None:
    wanted = _shown_types(spec, view)
    rows = reader.session.among(
        "select r.entity_id, i.type, i.assigner, i.value, i.x, i.since, i.until "
        "from xref r join identifier i on i.x = r.x where r.entity_id in {members} order by i.x",
        [record["id"] for record in records],
    )
    found: dict[str, dict[tuple[int, str, str], Record]] = {}
    for one, type_, assigner, sealed, x, since, until in rows:
        if type_ in wanted:
            value = reader.keyring.open(bytes(sealed), f"identifier|{x}|value".encode()).decode()
            own = found.setdefault(one, {})
            shown = own.setdefault(
                (wanted.index(type_), assigner, value),
                {"type": type_, "value": value, "assigner": assigner},
            )
            said = {"since": since, "until": until}
            shown |= {name: day for name, day in said.items() if day}
    for record in records:
        own = found.get(record["id"], {})
        record["identifiers"] = [own[key] for key in sorted(own)]


def _shown_types(spec: EntitySpec, view: View) -> list[str]:
    """Types that may be shown, strongest first: personal ones only beside their sealed part."""
    opened = {p.sensitivity for n, p in sealed_parts(spec.name).items() if n in view.include}
    return [
        kind.type
        for kind in spec.identifiers.values()
        if (kind.sensitivity or spec.sensitivity) not in SEALED
        or (kind.sensitivity or spec.sensitivity) in opened
    ]


def sealed_type(spec: EntitySpec, type_: str) -> str:
    """The scope that searching by this type of identifier asks for, or ""."""
    return SCOPES.get(spec.identifiers[type_].sensitivity or spec.sensitivity, "")


def add_labels(reader: Reader, principal: Principal, records: Iterable[Record]) -> None:
    """Beside each reference the name people know the other record by, where it has one and the
    principal may see that record."""
    by_entity: dict[str, list[Record]] = {}
    for record in records:
        for value in record.values():
            if type(value) is dict and value.keys() == {"entity", "id"}:
                by_entity.setdefault(value["entity"], []).append(value)
    for entity, references in by_entity.items():
        spec = entities()[entity]
        field = spec.fields.get(spec.label)
        if field is None or field.sealed:
            continue
        labels = _labels(reader, principal, spec, {one["id"] for one in references})
        for reference in references:
            reference["label"] = labels.get(reference["id"])


def _labels(
    reader: Reader, principal: Principal, spec: EntitySpec, ids: Iterable[str]
) -> dict[str, str]:
    """The names of those of these records that the principal may see."""
    label = spec.fields[spec.label].column
    clauses = visible(principal, spec, reader.session.dialect)
    seen = "".join(f"{clause.sql} and " for clause in clauses)
    rows = reader.session.among(
        f"select e.id, e.{label} from {spec.table.name} e where {seen}e.id in {{members}}",
        sorted(ids),
        [value for clause in clauses for value in clause.values],
    )
    return dict(rows)


def add_provenance(reader: Reader, records: Sequence[Record], winners: Sequence[Winners]) -> None:
    """Beside each field the assertion that won it: its number, system, message and time."""
    numbers = sorted({a for won in winners for a in won.values()})
    rows = reader.session.among(
        "select s.a, x.system, s.seq, s.at from assertion s join xref x on x.x = s.x "
        "where s.a in {members}",
        numbers,
    )
    told = {
        a: {"assertion": a, "system": system, "message": seq, "at": moment(at) if at else None}
        for a, system, seq, at in rows
    }
    for record, won in zip(records, winners, strict=True):
        record["provenance"] = {name: told[a] for name, a in won.items()}
