"""Conditions of a query put to a record that no table holds: what `hub.sql` says as SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from hub.query import Condition

_BEHIND = "["  # sorts behind every way a date or minute is continued: -, T, :, Z


def meets(one: Condition, value: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether a field's value, a reference as its id, passes the test; None passes none but
    `missing` and `not`."""
    if one.test == "not":
        return bool(value != one.value)
    if one.test == "missing" or value is None:
        return one.test == "missing" and (value is None) is bool(one.value)
    if one.kind == "texts":
        return one.value in value
    test, other = one.test, one.value
    if one.kind == "decimal":
        value = float(Decimal(value))
    elif one.kind in ("date", "instant") and test in ("le", "gt"):
        test, other = ("lt" if test == "le" else "ge"), other + _BEHIND
    return _TESTS[test](value, other)


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "": lambda value, other: bool(value == other),
        "lt": lambda value, other: bool(value < other),
        "le": lambda value, other: bool(value <= other),
        "gt": lambda value, other: bool(value > other),
        "ge": lambda value, other: bool(value >= other),
        "in": lambda value, other: value in other,
        "contains": lambda value, other: str(other).casefold() in str(value).casefold(),
    }
)
