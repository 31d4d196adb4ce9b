"""Reads texts, choices and tables off a document's nodes, noting what has the wrong shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mappings.document import Many, Node, Table, Text
from mappings.mistakes import Mistakes, one_of


def text_of(node: Node | None, mistakes: Mistakes, expected: str) -> str:
    """The text of `node`; "" with a mistake when it is a list, a table or empty. None gives ""."""
    if node is None:
        return ""
    if not isinstance(node, Text) or not node.value:
        mistakes.add(node, shape(node), expected)
        return ""
    return node.value


def texts_of(node: Node | None, mistakes: Mistakes, expected: str) -> tuple[str, ...]:
    """One text or a list of them."""
    if node is None:
        return ()
    items = node.items if isinstance(node, Many) else (node,)
    if not items:
        mistakes.add(node, "an empty list", expected)
    return tuple(text for item in items if (text := text_of(item, mistakes, expected)))


def choice_of(node: Node | None, choices: Iterable[str], default: str, mistakes: Mistakes) -> str:
    """One of `choices`."""
    if node is None:
        return default
    known = list(choices)
    value = text_of(node, mistakes, one_of("", known))
    if value and value not in known:
        mistakes.add(node, repr(value), one_of(value, known))
        return default
    return value or default


def table_of(node: Node | None, mistakes: Mistakes, expected: str) -> Table | None:
    """The table `node`, else None with a mistake."""
    if node is None or isinstance(node, Table):
        return node
    mistakes.add(node, shape(node), expected)
    return None


def tables_of(node: Node | None, mistakes: Mistakes, expected: str) -> Iterator[Table]:
    """One table or a list of them."""
    if node is None:
        return
    for item in node.items if isinstance(node, Many) else (node,):
        table = table_of(item, mistakes, expected)
        if table:
            yield table


def only(table: Table, allowed: Iterable[str], mistakes: Mistakes, what: str) -> None:
    """Notes every key of `table` that is not allowed."""
    names = list(allowed)
    for key, mark in table.keys.items():
        if key not in names:
            mistakes.add(mark, f"the key {key!r} in {what}", one_of(key, names))


def shape(node: Node) -> str:
    """What `node` is, for a mistake."""
    if isinstance(node, Text):
        return repr(node.value[:60]) if node.value else "nothing"
    return "a list" if isinstance(node, Many) else "a table"
