"""Reads a query as it stands in a URL: typed filters, sort, cursor, fields, includes.

Filters are `name=value` or `name__test=value`. Dates and moments compare as they are written:
`le` takes everything inside the day or month that was named, moments count to the minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from hub import cursors, dates
from hub.clock import micros
from hub.model.spec import EntitySpec, entities
from hub.query import LARGEST, PAGE, BadQuery, Condition, Order, Query, Sought, View, shown
from hub.reader import sealed_parts

Params = Sequence[tuple[str, str]]
Parse = Callable[[str], Any]
Filterable = Mapping[str, tuple[str, str, tuple[str, ...]]]  # name → column, kind, allowed codes

_ORDERED = ("lt", "le", "gt", "ge")
_TESTS: dict[str, tuple[str, ...]] = {
    "text": ("", "in", "contains", "missing"),
    "code": ("", "in", "missing"),
    "date": ("", "in", *_ORDERED, "missing"),
    "instant": (*_ORDERED, "missing"),
    "integer": ("", "in", *_ORDERED, "missing"),
    "decimal": ("", *_ORDERED, "missing"),
    "flag": ("", "missing"),
    "ref": ("", "in", "missing"),
    "texts": ("", "missing"),
    "micros": _ORDERED,
}
_ENVELOPE: dict[str, tuple[str, tuple[str, ...]]] = {
    "id": ("text", ()),
    "quality": ("code", ("ok", "stub", "warning", "conflict")),
    "withdrawn": ("flag", ()),
    "recorded_at": ("micros", ()),
    "valid_from": ("micros", ()),
}
_SORTED_ENVELOPE = {
    "id": "text",
    "version": "integer",
    "valid_from": "micros",
    "recorded_at": "micros",
}
OF_PAGES = ("sort", "cursor", "limit", "_limit", "identifier", "superseded")
OF_VIEWS = ("fields", "include", "provenance")
_LONGEST = 1000  # characters of one value
_MOST = 200  # members of an `in`


def parse(spec: EntitySpec, params: Params) -> Query:
    """The query in `params`. Raises BadQuery naming what is unknown or unreadable."""
    given = once(params, (*OF_PAGES[:-2], "superseded", *OF_VIEWS))
    wanted = _order(spec, given.get("sort", "id"))
    filters = [(n, v) for n, v in params if n not in OF_PAGES and n not in OF_VIEWS]
    return Query(
        conditions=tuple(_condition(spec, name, value) for name, value in filters),
        identifiers=tuple(sought(spec, v) for n, v in params if n == "identifier"),
        order=wanted,
        after=cursors.read(given["cursor"], wanted) if given.get("cursor") else None,
        limit=limit(given.get("limit", given.get("_limit", ""))),
        superseded=_flag("superseded", given.get("superseded", "false")),
        view=view(spec, params),
    )


def view(spec: EntitySpec, params: Params) -> View:
    """What of a record is asked for."""
    given = once(params, OF_VIEWS)
    parts = (*sealed_parts(spec.name), "labels")
    parts += ("identifiers",) if spec.identifiers else ()
    known = (*spec.fields, *_SORTED_ENVELOPE, "quality", "withdrawn", "superseded_by", "ext")
    return View(
        fields=_members(given.get("fields", ""), known, "CROHUB-UNKNOWN-FIELD", "fields"),
        include=_members(given.get("include", ""), parts, "CROHUB-UNKNOWN-INCLUDE", "include"),
        provenance=_flag("provenance", given.get("provenance", "false")),
    )


def limit(text: str) -> int:
    """How many records a page may have: at most 500, whatever is asked for."""
    if not text:
        return PAGE
    if not text.isascii() or not text.isdigit() or not text.strip("0"):
        raise BadQuery("CROHUB-BAD-VALUE", "limit: expected a whole number from 1")
    return min(int(text[:9]), LARGEST)


def sought(spec: EntitySpec, text: str) -> Sought:
    """`type|value` or `type|assigner|value`; the type in any case."""
    type_, _, rest = text.partition("|")
    if not rest:
        raise BadQuery("CROHUB-BAD-VALUE", "identifier: expected type|value or type|assigner|value")
    assigner, separated, value = rest.partition("|")
    return sought_of(spec, type_, value if separated else rest, assigner if separated else None)


def sought_of(spec: EntitySpec, type_: str, value: str, assigner: str | None) -> Sought:
    """An identifier to search for, its type checked."""
    if type_.lower() not in spec.identifiers:
        known = ", ".join(spec.identifiers) or "none"
        raise BadQuery(
            "CROHUB-UNKNOWN-IDENTIFIER-TYPE", f"{spec.name} has the identifier types: {known}"
        )
    return Sought(type_.lower(), _storable("identifier", value), assigner)


def moment(name: str, text: str) -> int:
    """An ISO 8601 moment or date in microseconds. In a URL a plus may have become a blank."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
        return micros(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise _unreadable(name, "an ISO 8601 date or moment") from None


def once(params: Params, names: Iterable[str]) -> dict[str, str]:
    """Those of the parameters that are in `names`; none may be given twice."""
    found: dict[str, str] = {}
    for name, value in params:
        if name in found:
            raise BadQuery("CROHUB-BAD-VALUE", f"{name} is given twice")
        if name in names:
            found[name] = value
    return found


def _order(spec: EntitySpec, text: str) -> Order:
    return order(_sorted_by(spec.name), text)


def order(known: Mapping[str, tuple[str, str]], text: str) -> Order:
    """`name` or `-name` over what can be sorted by: name → column, kind."""
    name = text.removeprefix("-")
    if name not in known:
        raise BadQuery(
            "CROHUB-UNKNOWN-SORT",
            f"{shown(name)} cannot be sorted by; expected one of: {', '.join(known)}",
        )
    return Order(name, known[name][0], known[name][1], text.startswith("-"))


@cache
def _sorted_by(entity: str) -> MappingProxyType[str, tuple[str, str]]:
    """What records can be sorted by: name → column, kind."""
    known = {name: (name, kind) for name, kind in _SORTED_ENVELOPE.items()}
    for field in entities()[entity].fields.values():
        if not field.sealed and field.meta.kind not in ("texts", "ref"):
            known[field.name] = (field.column, field.meta.kind)
    return MappingProxyType(known)


@cache
def filterable(entity: str) -> MappingProxyType[str, tuple[str, str, tuple[str, ...]]]:
    """What records can be filtered by: name → column, kind, allowed codes."""
    known = {name: (name, kind, codes) for name, (kind, codes) in _ENVELOPE.items()}
    for field in entities()[entity].fields.values():
        if not field.sealed:
            known[field.name] = (field.column, field.meta.kind, field.meta.codes)
    return MappingProxyType(known)


def tests_of(kind: str) -> tuple[str, ...]:
    """The tests a kind of field can be put to; "" is equality."""
    return _TESTS[kind]


def _condition(spec: EntitySpec, parameter: str, text: str) -> Condition:
    return condition(filterable(spec.name), spec.name, (*OF_PAGES, *OF_VIEWS), parameter, text)


def condition(
    known: Filterable, what: str, others: Iterable[str], parameter: str, text: str
) -> Condition:
    """`name=text` or `name__test=text` over what can be filtered by; `what` is filtered, and
    `others` are the parameters beside the filters, both for whoever reads the refusal."""
    name, _, test = parameter.partition("__")
    if name not in known:
        raise BadQuery(
            "CROHUB-UNKNOWN-PARAMETER",
            f"{shown(name)} is no filter of {what}; expected one of: "
            f"{', '.join((*known, *others))}",
        )
    column, kind, codes = known[name]
    if test not in _TESTS[kind]:
        allowed = ", ".join(name + (f"__{t}" if t else "") for t in _TESTS[kind])
        raise BadQuery("CROHUB-UNKNOWN-PARAMETER", f"{name} is filtered by: {allowed}")
    if test == "missing":
        return Condition(column, kind, test, _flag(parameter, text))
    read = partial(_PARSE[kind], parameter) if not codes else partial(_code, parameter, codes)
    if test != "in":
        return Condition(column, kind, test, read(text))
    members = text.split(",")
    if len(members) > _MOST:
        raise BadQuery("CROHUB-BAD-VALUE", f"{parameter}: at most {_MOST} values")
    return Condition(column, kind, test, [read(member) for member in members])


def _members(text: str, known: Sequence[str], code: str, name: str) -> frozenset[str]:
    given = frozenset(part for part in text.split(",") if part)
    for part in sorted(given - set(known)):
        raise BadQuery(code, f"{name}: {shown(part)} is not one of: {', '.join(known)}")
    return given


def _unreadable(name: str, expected: str) -> BadQuery:
    return BadQuery("CROHUB-BAD-VALUE", f"{name}: expected {expected}")


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise _unreadable(name, "true or false")
    return text == "true"


def _code(name: str, codes: tuple[str, ...], text: str) -> str:
    if text not in codes:
        raise _unreadable(name, f"one of: {', '.join(codes)}")
    return text


def _storable(name: str, text: str) -> str:
    if not text or len(text) > _LONGEST or "\0" in text or not text.isprintable():
        raise _unreadable(name, f"1 to {_LONGEST} printable characters")
    return text


def _integer(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise _unreadable(name, "a whole number of at most 18 digits")
    return int(text)


def _decimal(name: str, text: str) -> float:
    plain = text.removeprefix("-").replace(".", "", 1)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 30):
        raise _unreadable(name, "a decimal number")
    return float(text)


def _date(name: str, text: str) -> str:
    if not dates.is_date(text):
        raise _unreadable(name, "a date: 2026, 2026-03 or 2026-03-01")
    return text


def _instant(name: str, text: str) -> str:
    try:
        return dates.iso_instant(text.replace(" ", "+"), UTC).text.partition("Z")[0][:16]
    except ValueError:
        raise _unreadable(name, "an ISO 8601 date or moment") from None


_PARSE: dict[str, Callable[[str, str], Any]] = {
    "text": _storable, "code": _storable, "ref": _storable, "texts": _storable, "flag": _flag,
    "integer": _integer, "decimal": _decimal, "date": _date, "instant": _instant, "micros": moment,
}  # fmt: skip
