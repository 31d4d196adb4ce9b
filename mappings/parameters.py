"""What a site may set in a mapping without copying it: `${name}` in any text, with a default.

A project of an EDC chooses its own field names; the mapping says what it needs and the pipeline
says how that is called there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mappings import shapes
from mappings.document import Many, Node, Table, Text
from mappings.mistakes import Mark, Mistakes, one_of

_KEY = "parameters"
_PARAMETER = re.compile(r"\$\{([A-Za-z_]\w*)\}")


def values_of(top: Table, wanted: Mapping[str, str], mistakes: Mistakes) -> dict[str, str]:
    """The value of each parameter that a mapping declares: its default unless `wanted` has it."""
    table = shapes.table_of(top.items.get(_KEY), mistakes, "names with their defaults")
    values: dict[str, str] = {}
    for name, node in table.items.items() if table else ():
        if isinstance(node, Text):
            values[name] = wanted.get(name, node.value)
        else:
            mistakes.add(node, shapes.shape(node), f"the default of {name}, a text")
    return values


def filled(top: Table, values: Mapping[str, str], mistakes: Mistakes) -> Table:
    """`top` with each `${name}`, in keys too, replaced by the value of that parameter."""

    def text(said: str, mark: Mark) -> str:
        for name in _PARAMETER.findall(said):
            if name not in values:
                mistakes.add(mark, f"the parameter {name!r}", one_of(name, values))
        return _PARAMETER.sub(lambda found: values.get(found[1], ""), said)

    def fill(node: Node) -> Node:
        if isinstance(node, Text):
            return Text(text(node.value, node.mark), node.mark)
        if isinstance(node, Many):
            return Many(tuple(fill(item) for item in node.items), node.mark)
        return whole(node)

    def whole(table: Table) -> Table:
        named = {key: text(key, mark) for key, mark in table.keys.items()}
        items = {named[key]: fill(node) for key, node in table.items.items()}
        return Table(items, {named[key]: mark for key, mark in table.keys.items()}, table.mark)

    return whole(top)


def unknown(wanted: Mapping[str, str], known: Mapping[str, str], file: str) -> Mistakes:
    """A mistake for each parameter that is set and that no mapping in use declares."""
    mistakes = Mistakes()
    for name in wanted:
        if name not in known:
            mistakes.add(Mark(file), f"the parameter {name!r}", one_of(name, known))
    return mistakes
