"""Reads records as they are compared, sealed parts opened: within the settling process only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson

from hub.database import Row, Session
from hub.matching.traits import Number, Subject, subject
from hub.model.spec import EntitySpec, entities
from hub.seal import CannotOpen, Keyring
from hub.write import cell_place

# the fields that are compared or found by; a sealed part's stand in it
_FIELDS = {
    "Participant": ("year_of_birth", "sex"),
    "ParticipantPhi": (
        "family_name", "previous_family_name", "given_name", "birth_date", "postal_code", "phone",
        "mobile_phone", "work_phone", "email",
    ),
    "Person": ("family_name", "given_name", "middle_name", "email", "phone", "department"),
    "Organization": (
        "name", "alias", "kind", "city", "postal_code", "country", "phone", "website",
    ),
}  # fmt: skip
PARTS = {"ParticipantPhi": "Participant"}  # sealed parts, by the record they stand beside


def subjects(
    session: Session, keyring: Keyring, entity: str, ids: Sequence[str]
) -> dict[str, Subject]:
    """These records as they stand; those that were merged away or withdrawn are left out."""
    fields = _plain(session, entity, ids)
    for part, owner in PARTS.items():
        if owner == entity:
            for one, opened in _opened(session, keyring, part, sorted(fields)).items():
                fields[one] |= opened
    numbers = _numbers(session, keyring, entity, sorted(fields))
    return {
        one: subject(entity, one, own, numbers.get(one, ())) for one, own in sorted(fields.items())
    }


def _plain(session: Session, entity: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    names, columns, table = _columns(entity)
    rows = session.among(
        f"select id, {columns} from {table} "
        "where superseded_by is null and not withdrawn and id in {members}",
        ids,
    )
    return {row[0]: _read(names, row[1:]) for row in rows}


def _read(names: Sequence[str], cells: Row) -> dict[str, Any]:
    found = {name: cell for name, cell in zip(names, cells, strict=True) if cell is not None}
    if isinstance(found.get("alias"), str):  # SQLite keeps JSON as text, psycopg reads it
        found["alias"] = orjson.loads(found["alias"])
    return found


def _opened(
    session: Session, keyring: Keyring, part: str, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    names, columns, table = _columns(part)
    fields = [entities()[part].fields[name] for name in names]
    rows = session.among(f"select id, {columns} from {table} where id in {{members}}", ids)
    found: dict[str, dict[str, Any]] = {}
    for one, *cells in rows:
        own = found.setdefault(one, {})
        for field, cell in zip(fields, cells, strict=True):
            if cell is not None:
                place = cell_place(part, one, field.column)
                own[field.name] = _open(keyring, bytes(cell), place)
    return found


def _open(keyring: Keyring, cell: bytes, place: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return orjson.loads(keyring.open(cell, place))
    except CannotOpen:
        return None  # whoever reads the record is told; here it says nothing


def _numbers(
    session: Session, keyring: Keyring, entity: str, ids: Sequence[str]
) -> dict[str, list[Number]]:
    types = entities()[entity].identifiers
    rows = session.among(
        "select r.entity_id, i.x, i.type, i.assigner, i.digest, i.value, i.strong "
        "from xref r join identifier i on i.x = r.x where r.entity_id in {members}",
        ids,
    )
    found: dict[str, list[Number]] = {}
    for one, x, type_, assigner, digest, sealed, strong in rows:
        kind = types.get(type_)
        if kind is None:
            continue
        value = keyring.open(bytes(sealed), f"identifier|{x}|value".encode()).decode()
        number = Number(type_, assigner, bytes(digest), value, bool(strong), kind.single)
        found.setdefault(one, []).append(number)
    return found


@cache
def _columns(entity: str) -> tuple[tuple[str, ...], str, str]:
    spec: EntitySpec = entities()[entity]
    names = _FIELDS[entity]
    return names, ", ".join(str(spec.fields[name].column) for name in names), spec.table.name
