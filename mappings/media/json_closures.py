"""JMESPath expressions as closures. The library's interpreter walks an expression's tree anew for
each document, which takes many times as long; what is rare in mappings is left to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jmespath.visitor import TreeInterpreter

Node = Any  # a tree of the library
Find = Callable[[Any], Any]


def closure(node: Node) -> Find:
    """What the interpreter finds for the tree `node`, errors included."""
    make = _MAKERS.get(node["type"])
    made = make(node) if make else None
    return made or _interpreted(node)


def _interpreted(node: Node) -> Find:
    visit = TreeInterpreter().visit
    return lambda value: visit(node, value)


def is_false(value: Any) -> bool:  # noqa: ANN401 - JSON
    """What JMESPath takes for false: zero is not."""
    return not value and (value is None or value is False or value in ("", [], {}))


def _field(node: Node) -> Find:
    name = node["value"]
    return lambda value: value.get(name) if isinstance(value, dict) else None


def _index(node: Node) -> Find:
    at = node["value"]
    return lambda value: (
        value[at] if isinstance(value, list) and -len(value) <= at < len(value) else None
    )


def _itself(_node: Node) -> Find:
    return lambda value: value


def _literal(node: Node) -> Find:
    fixed = node["value"]
    return lambda _value: fixed


def _in_line(node: Node) -> Find:
    """Each child reads what the one before it found."""
    first, *others = [closure(child) for child in node["children"]]
    if len(others) == 1:
        then = others[0]
        return lambda value: then(first(value))

    def line(value: Any) -> Any:  # noqa: ANN401 - JSON
        value = first(value)
        for other in others:
            value = other(value)
        return value

    return line


def _projection(node: Node) -> Find:
    base, each = (closure(child) for child in node["children"])

    def project(value: Any) -> list[Any] | None:  # noqa: ANN401 - JSON
        items = base(value)
        if not isinstance(items, list):
            return None
        return [found for item in items if (found := each(item)) is not None]

    return project


def _filter(node: Node) -> Find:
    base, each, holds = (closure(child) for child in node["children"])

    def keep(value: Any) -> list[Any] | None:  # noqa: ANN401 - JSON
        items = base(value)
        if not isinstance(items, list):
            return None
        return [
            found
            for item in items
            if not is_false(holds(item)) and (found := each(item)) is not None
        ]

    return keep


def _flatten(node: Node) -> Find:
    base = closure(node["children"][0])

    def flat(value: Any) -> list[Any] | None:  # noqa: ANN401 - JSON
        items = base(value)
        if not isinstance(items, list):
            return None
        return [one for item in items for one in (item if isinstance(item, list) else (item,))]

    return flat


def _list(node: Node) -> Find:
    finds = [closure(child) for child in node["children"]]
    return lambda value: None if value is None else [find(value) for find in finds]


def _or(node: Node) -> Find:
    first, second = (closure(child) for child in node["children"])
    return lambda value: second(value) if is_false(found := first(value)) else found


def _and(node: Node) -> Find:
    first, second = (closure(child) for child in node["children"])
    return lambda value: found if is_false(found := first(value)) else second(value)


def _comparison(node: Node) -> Find | None:
    """With a text, to which nothing is equal but that text; None for all others, where zero, one,
    true and false are told apart by rules of their own."""
    left, right = node["children"]
    text = right.get("value") if right["type"] == "literal" else None
    if not isinstance(text, str) or node["value"] not in ("eq", "ne"):
        return None
    find = closure(left)
    if node["value"] == "eq":
        return lambda value: find(value) == text
    return lambda value: find(value) != text


_MAKERS: dict[str, Callable[[Node], Find | None]] = {
    "field": _field, "index": _index, "current": _itself, "identity": _itself,
    "literal": _literal, "subexpression": _in_line, "index_expression": _in_line,
    "pipe": _in_line, "projection": _projection, "filter_projection": _filter,
    "flatten": _flatten, "multi_select_list": _list, "or_expression": _or,
    "and_expression": _and, "comparator": _comparison,
}  # fmt: skip
