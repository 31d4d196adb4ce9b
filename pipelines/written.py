"""A YAML table as values that were checked: what does not fit is a mistake with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mappings.document import Many, Node, Table
from mappings.mistakes import Mark, Mistakes, one_of

Kind = TypeVar("Kind", bound=BaseModel)
FOLDER = "${folder}"  # where the configuration lies
_DEFAULTED = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*):-([^}]*)\}")


def checked(
    table: Table, kind: type[Kind], mistakes: Mistakes, environment: Mapping[str, str]
) -> Kind | None:
    """The table as a `kind`; None, and every mistake noted, where it is none."""
    try:
        return kind.model_validate(plain(table, environment))
    except ValidationError as error:
        note(error, table, mistakes, kind.model_fields)
        return None


def note(
    error: ValidationError,
    table: Table,
    mistakes: Mistakes,
    known: Iterable[str],
    below: tuple[str, ...] = (),
) -> None:
    """Every fault of `error` as a mistake at its key in `table`, `below` a path of keys."""
    for fault in error.errors():
        loc = fault["loc"]
        mark, name = mark_of(table, (*below, *loc)), ".".join(map(str, loc)) or "the file"
        if fault["type"] == "extra_forbidden":
            found, expected = f"the key {name!r}", one_of(str(loc[-1]), known)
        elif fault["type"] == "missing":
            found, expected = f"no {name!r}", "a value for it"
        else:
            said = fault["msg"].removeprefix("Value error, ")
            found, expected = f"{name}: {said}", "a value that fits"
        mistakes.add(mark, found, expected)


def plain(node: Node, environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - YAML
    """The node's own value; `${env:NAME:-default}` and `${folder}` are put in."""
    if isinstance(node, Table):
        return {key: plain(value, environment) for key, value in node.items.items()}
    if isinstance(node, Many):
        return [plain(item, environment) for item in node.items]
    text = _DEFAULTED.sub(lambda m: environment.get(m[1], m[2]), node.value)
    return text.replace(FOLDER, environment.get(FOLDER, FOLDER))


def mark_of(table: Table, loc: tuple[int | str, ...]) -> Mark:
    """The place of a value, or of the nearest one above it that was written."""
    mark, node = table.mark, table
    for part in loc:
        if isinstance(node, Table) and part in node.items:
            mark = node.keys[str(part)]
            node = node.items[str(part)]  # type: ignore[assignment]
        elif isinstance(node, Many) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            mark = node.mark
        else:
            break
    return mark
