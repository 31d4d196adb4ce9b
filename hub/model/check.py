"""Are the fields of a statement what their entity says they are? SQLModel tables do not ask.

The rules of an entity are read off its specification once; checking is then a few calls a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from hub import dates
from hub.model.base import Meta
from hub.model.spec import entities
from hub.statement import REMOVED, Ref, Value

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_LONGEST_DECIMAL = 40
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1  # what the column holds on every database
_FEW = 12  # codes worth listing in a message


class Fault(NamedTuple):
    """A field that cannot be taken. Says what was expected, never what was found."""

    field: str
    rule: str  # "unknown-field", "wrong-type", "too-long", "unknown-code", "unreadable-date", …
    expected: str


Rule = Callable[[Value], tuple[str, str] | None]  # None: fits; else (rule, expected)


def check(entity: str, fields: Mapping[str, Value]) -> tuple[dict[str, Value], list[Fault]]:
    """The fields that fit, in the order given, and what is wrong with the others.

    REMOVED and None fit everywhere. Raises KeyError for an entity that does not exist: that is a
    mistake of the caller, not of a source.
    """
    rules = _rules(entity)
    accepted: dict[str, Value] = {}
    faults: list[Fault] = []
    for name, value in fields.items():
        rule = rules.get(name)
        if rule is None:
            faults.append(Fault(name, "unknown-field", f"a field of {entity}"))
        elif value is None or value is REMOVED:
            accepted[name] = value
        elif fault := rule(value):
            faults.append(Fault(name, *fault))
        else:
            accepted[name] = value
    return accepted, faults


def rule(entity: str, field: str) -> Rule:
    """The rule of one field, for whoever checks values as they are made. It is not to be asked
    about None and REMOVED, which fit everywhere. Raises KeyError for a field there is not."""
    return _rules(entity)[field]


def illegal_jump(entity: str, old: str | None, new: str | None) -> bool:
    """Does the lifecycle of `entity` not draw a step from `old` to `new`? To be reported, never
    blocked. A first state, a state taken back and an entity without lifecycle are no jumps."""
    lifecycle = entities()[entity].lifecycle
    if lifecycle is None or not old or not new:
        return False
    return not lifecycle.allows(old, new)


@cache
def _rules(entity: str) -> MappingProxyType[str, Rule]:
    fields = entities()[entity].fields.values()
    return MappingProxyType({field.name: _BY_KIND[field.meta.kind](field.meta) for field in fields})


def _text(meta: Meta) -> Rule:
    longest = meta.longest

    def rule(value: Value) -> tuple[str, str] | None:
        if not isinstance(value, str):
            return "wrong-type", "text"
        if not value or len(value) > longest:
            return ("too-long", f"at most {longest} characters") if value else _EMPTY
        return None if value.isascii() and "\0" not in value else _storable(value)

    return rule


_EMPTY = ("empty", "a value, or nothing said")


def _storable(value: str) -> tuple[str, str] | None:
    """PostgreSQL takes neither NUL nor half a surrogate pair; so nobody does."""
    if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        return "wrong-text", "text without NUL and lone surrogates"
    return None


def _code(meta: Meta) -> Rule:
    codes = frozenset(meta.codes)
    listed = ", ".join(meta.codes) if len(codes) <= _FEW else f"one of {len(codes)} codes"
    fault = ("unknown-code", listed)

    def rule(value: Value) -> tuple[str, str] | None:
        return None if isinstance(value, str) and value in codes else fault

    return rule


def _texts(meta: Meta) -> Rule:
    one = _code(meta) if meta.codes else _text(meta)

    def rule(value: Value) -> tuple[str, str] | None:
        if not isinstance(value, list | tuple):
            return "wrong-type", "a list of texts"
        for item in value:
            if fault := one(item):
                return fault
        return None

    return rule


def _readable(is_one: Callable[[str], bool], fault: tuple[str, str]) -> Callable[[Meta], Rule]:
    def rule(value: Value) -> tuple[str, str] | None:
        return None if isinstance(value, str) and is_one(value) else fault

    return lambda _meta: rule


def _integer(_meta: Meta) -> Rule:
    def rule(value: Value) -> tuple[str, str] | None:
        if type(value) is not int:  # a bool is an int to isinstance
            return "wrong-type", "a whole number"
        return None if _SMALLEST <= value <= _LARGEST else ("too-large", "32 bits")

    return rule


def _flag(_meta: Meta) -> Rule:
    return lambda value: None if type(value) is bool else ("wrong-type", "true or false")


def _is_decimal(value: str) -> bool:
    return len(value) <= _LONGEST_DECIMAL and _DECIMAL.fullmatch(value) is not None


def _ref(meta: Meta) -> Rule:
    fault = ("wrong-reference", f"a reference to {meta.of} by key or identifiers")

    def rule(value: Value) -> tuple[str, str] | None:
        if type(value) is not Ref or value.entity != meta.of:
            return fault
        return None if value.key or value.identifiers or value.id else fault

    return rule


_BY_KIND: Mapping[str, Callable[[Meta], Rule]] = MappingProxyType(
    {
        "text": _text,
        "texts": _texts,
        "code": _code,
        "integer": _integer,
        "flag": _flag,
        "ref": _ref,
        "decimal": _readable(_is_decimal, ("wrong-type", "a decimal number as text")),
        "date": _readable(dates.is_date, ("unreadable-date", "YYYY, YYYY-MM or YYYY-MM-DD")),
        "instant": _readable(
            dates.is_instant, ("unreadable-date", "YYYY-MM-DDThh:mm[:ss[.s]]Z[+hh:mm] or a date")
        ),
    }
)
