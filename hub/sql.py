"""Conditions of a query as SQL with its values apart: no value ever stands in the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.database import Dialect
from hub.query import NUMBERS, Condition, Order, Position

_SIGNS = {"": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_BEHIND = "["  # sorts behind every way a date or minute is continued: -, T, :, Z


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition and the values for its marks."""

    sql: str
    values: list[Any] = field(default_factory=list)


def members(dialect: Dialect, values: Sequence[Any]) -> tuple[str, Any]:
    """The test that a column is one of `values`, with its one mark, and the value for it."""
    if dialect == "postgresql":
        return "= any(?)", list(values)
    return "in (select value from json_each(?))", orjson.dumps(list(values)).decode()


def condition(one: Condition, dialect: Dialect) -> Clause:
    """A filter on the record `e`."""
    column = f"e.{one.column}"
    if one.test == "missing":
        return Clause(f"{column} is {'' if one.value else 'not '}null")
    if one.test == "not":
        return Clause(f"({column} is null or {column} <> ?)", [one.value])
    if one.test == "in":
        test, value = members(dialect, one.value)
        return Clause(f"{column} {test}", [value])
    return _BY_KIND.get(one.kind, _plain)(column, one, dialect)


def after(order: Order, position: Position, dialect: Dialect) -> Clause:
    """Records behind `position`; those without a value come last in either direction."""
    sign, column = "<" if order.descending else ">", sorted_by(order, dialect)
    if order.name == "id":
        return Clause(f"{column} {sign} ?", [position.id])
    if position.value is None:
        return Clause(f"({column} is null and e.id {sign} ?)", [position.id])
    return Clause(
        f"({column} {sign} ? or ({column} = ? and e.id {sign} ?) or {column} is null)",
        [position.value, position.value, position.id],
    )


def ordered(order: Order, dialect: Dialect) -> str:
    """The `order by` of a page."""
    way, column = "desc" if order.descending else "asc", sorted_by(order, dialect)
    if order.name == "id":
        return f"{column} {way}"
    return f"({column} is null), {column} {way}, e.id {way}"


def sorted_by(order: Order, dialect: Dialect) -> str:
    """The sorted column, in one order on both databases: texts by code point, numbers by size. An
    id stands for itself, in the order of its index: told to sort by code point, PostgreSQL would
    read the whole table for the first page."""
    column = f"e.{order.column}"
    if order.name == "id":
        return column
    if order.kind == "decimal":
        return _number(column)
    return column if order.kind in NUMBERS else _bytewise(column, dialect)


def _number(column: str) -> str:
    return f"cast({column} as double precision)"


def _bytewise(column: str, dialect: Dialect) -> str:
    return f'{column} collate "C"' if dialect == "postgresql" else column


def _plain(column: str, one: Condition, dialect: Dialect) -> Clause:
    if one.test == "contains":
        like = "ilike" if dialect == "postgresql" else "like"
        text = one.value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return Clause(f"{column} {like} ? escape '\\'", [f"%{text}%"])
    return Clause(f"{column} {_SIGNS[one.test]} ?", [one.value])


def _dated(column: str, one: Condition, dialect: Dialect) -> Clause:
    column = _bytewise(column, dialect)
    if one.test in ("", "lt", "ge"):
        return Clause(f"{column} {_SIGNS[one.test]} ?", [one.value])
    sign = {"le": "<", "gt": ">="}[one.test]
    return Clause(f"{column} {sign} ?", [one.value + _BEHIND])


def _decimal(column: str, one: Condition, _dialect: Dialect) -> Clause:
    return Clause(f"{_number(column)} {_SIGNS[one.test]} ?", [one.value])


def _element(column: str, one: Condition, dialect: Dialect) -> Clause:
    each = "json_array_elements_text" if dialect == "postgresql" else "json_each"
    return Clause(f"exists (select 1 from {each}({column}) t where t.value = ?)", [one.value])


_BY_KIND: dict[str, Callable[[str, Condition, Dialect], Clause]] = {
    "date": _dated, "instant": _dated, "decimal": _decimal, "texts": _element,
}  # fmt: skip
