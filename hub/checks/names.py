"""What people call a record, so that a sentence never shows an id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from hub.model.base import SEALED
from hub.model.spec import entities
from hub.reader import Reader

# the numbers people use before a title, the first that a study has
_NUMBERS = ("local_protocol_no", "sponsor_protocol_no", "nct", "irb_no")


def called(reader: Reader, entity: str, ids: Sequence[str]) -> dict[str, str]:
    """The names of records of one kind, by id; those without a name are left out."""
    found = _NAMED.get(entity, _labels)(reader, entity, ids)
    return {one: name for one, name in found.items() if name}


def identifiers(reader: Reader, entity: str, ids: Sequence[str], *types: str) -> dict[str, str]:
    """Of each record the identifier of the first of these types that it has; of several of one
    type the last given. Raises ValueError for a personal one."""
    spec = entities()[entity]
    if any((spec.identifiers[t].sensitivity or spec.sensitivity) in SEALED for t in types):
        raise ValueError(f"identifiers of {entity} that are personal are not for a name")
    rows = reader.session.among(
        "select r.entity_id, i.type, i.value, i.x from xref r join identifier i on i.x = r.x "
        "where r.entity_id in {members} order by i.x",
        ids,
    )
    found: dict[str, dict[str, str]] = {}
    for one, type_, sealed, x in rows:
        if type_ in types:
            value = reader.keyring.open(bytes(sealed), f"identifier|{x}|value".encode()).decode()
            found.setdefault(one, {})[type_] = value
    return {one: next(own[t] for t in types if t in own) for one, own in found.items()}


def _columns(
    reader: Reader, entity: str, ids: Sequence[str], *columns: str
) -> dict[str, tuple[str | None, ...]]:
    table = entities()[entity].table.name
    rows = reader.session.among(
        f"select id, {', '.join(columns)} from {table} where id in {{members}}", ids
    )
    return {row[0]: row[1:] for row in rows}


def _labels(reader: Reader, entity: str, ids: Sequence[str]) -> dict[str, str]:
    spec = entities()[entity]
    field = spec.fields.get(spec.label)
    if field is None or field.sealed:
        return {}
    return {
        one: str(row[0] or "") for one, row in _columns(reader, entity, ids, field.column).items()
    }


def _studies(reader: Reader, entity: str, ids: Sequence[str]) -> dict[str, str]:
    numbers = identifiers(reader, entity, ids, *_NUMBERS)
    found = _columns(reader, entity, ids, "sponsor_protocol_no", "acronym", "title")
    return {
        one: numbers.get(one) or next((word for word in row if word), "")
        for one, row in found.items()
    }


def _people(reader: Reader, entity: str, ids: Sequence[str]) -> dict[str, str]:
    """Ana Moreno (E217)"""
    numbers = identifiers(reader, entity, ids, "hr_id")
    found = {}
    for one, row in _columns(reader, entity, ids, "given_name", "family_name").items():
        name, number = " ".join(word for word in row if word), numbers.get(one, "")
        found[one] = f"{name} ({number})" if name and number else name or number
    return found


def _subjects(reader: Reader, entity: str, ids: Sequence[str]) -> dict[str, str]:
    found = _columns(reader, entity, ids, "subject_number", "screening_no")
    numbers = identifiers(reader, entity, ids, "subject_number", "screening_no", "registration_no")
    return {
        one: next((word for word in row if word), "") or numbers.get(one, "")
        for one, row in found.items()
    }


def _sites(reader: Reader, entity: str, ids: Sequence[str]) -> dict[str, str]:
    """site 101, or the institution's name where it has no number"""
    found = _columns(reader, entity, ids, "site_number", "organization_id")
    houses = _labels(reader, "Organization", [str(row[1]) for row in found.values() if row[1]])
    return {
        one: f"site {row[0]}" if row[0] else houses.get(row[1] or "", "")
        for one, row in found.items()
    }


_NAMED: Mapping[str, Callable[[Reader, str, Sequence[str]], dict[str, str]]] = MappingProxyType(
    {"Study": _studies, "Person": _people, "Enrollment": _subjects, "StudySite": _sites}
)
