"""JSON bodies addressed by JMESPath, whose answers the closures made here give."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn

import jmespath
import orjson
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.lexer import Lexer

from mappings.media.json_closures import closure, is_false
from mappings.media.medium import LONGEST_PATH, Document, Element, Found, Get, GetAll, Medium
from mappings.mistakes import one_of
from mappings.values import BadPath, BadValue, NotUnderstood

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = re.compile(rf"{_NAME}(\[-?\d+\])*(\.{_NAME}(\[-?\d+\])*)*")
_EITHER = rf"{_DOTTED.pattern}(\s*\|\|\s*{_DOTTED.pattern})+"
_ALTERNATIVES = re.compile(
    rf"\((?P<inner>{_EITHER})\)\.(?P<rest>{_DOTTED.pattern})|(?P<bare>{_EITHER})"
)
_STEP = re.compile(rf"({_NAME})|\[(-?\d+)\]")

_FUNCTIONS = frozenset(Functions.FUNCTION_TABLE)

Find = Callable[[Any], Any]


def medium(*, exact: bool) -> Medium:
    """JSON. With `exact`, numbers with a fraction are read as Decimal, so that 1.10 stays 1.10
    (slower; chosen when a mapping states a decimal)."""
    read = _read_exactly if exact else _read
    return Medium(read=read, one=one, all=_all, each=_all, unread=unread, text=False)


def _read(body: bytes, _media: str) -> Found:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _unreadable(f"column {error.colno} of line {error.lineno}") from None


def _read_exactly(body: bytes, _media: str) -> Found:
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _unreadable(type(error).__name__) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unreadable(where: str) -> NotUnderstood:
    return NotUnderstood(rule="unreadable-json", place=where, expected="one JSON value")


def one(path: str) -> Get:
    """The value at `path`; null counts as absent (None)."""
    if path == ".":
        return lambda _document, element: element
    if path.startswith("."):
        inner = _find(path[1:])
        return lambda _document, element: inner(element)
    whole = _find(path)
    return lambda document, _element: whole(document)


def _all(path: str) -> GetAll:
    get = one(path)

    def values(document: Document, element: Element) -> Sequence[Any]:
        found = get(document, element)
        if found is None:
            return ()
        if not isinstance(found, list):
            return (found,)  # one object where others send a list of one
        return [item for item in found if item is not None]

    return values


def _find(path: str) -> Find:
    if len(path) > LONGEST_PATH:
        raise BadPath(f"a path of {len(path)} characters", f"at most {LONGEST_PATH}")
    if _DOTTED.fullmatch(path):
        return _dotted(path)
    alternatives = _ALTERNATIVES.fullmatch(path)
    if alternatives:
        return _either(alternatives["inner"] or alternatives["bare"], alternatives["rest"])
    try:
        compiled = jmespath.compile(path)
    except (JMESPathError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deep"
        raise BadPath(f"the path {path[:60]!r} ({reason})", "JMESPath") from None
    _only_known_functions(compiled.parsed)

    head, without = _without_head(compiled)
    find = closure(compiled.parsed)

    def search(value: Found) -> Found:
        if head and type(value) is dict and value.get(head) is None:
            return without
        try:
            return find(value)
        except JMESPathError as error:
            raise BadValue("expression-failed", type(error).__name__) from None
        except RecursionError:
            raise BadValue("too-deep", "fewer levels") from None

    return search


def _either(alternatives: str, rest: str | None) -> Find:
    """`a.b || c` and `(a || b).c`: the first that JMESPath does not take for false, else the last;
    these are how one mapping reads two versions of a standard."""
    *firsts, last = [_dotted(path.strip()) for path in alternatives.split("||")]
    after = _dotted(rest) if rest else None

    def first(value: Found) -> Found:
        for get in firsts:
            found = get(value)
            if not is_false(found):
                return found
        return last(value)

    return (lambda value: after(first(value))) if after else first


def _only_known_functions(tree: Found) -> None:
    """JMESPath itself notices an unknown function only when data reach it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        waiting += [child for child in node["children"] if isinstance(child, dict)]
        if node["type"] == "function_expression" and node["value"] not in _FUNCTIONS:
            raise BadPath(f"the function {node['value'][:40]!r}", one_of(node["value"], _FUNCTIONS))


def _without_head(compiled: Any) -> tuple[str, Found]:  # noqa: ANN401 - jmespath is untyped
    """The name through which alone an expression sees the value, and what it makes of its absence;
    "" where there are several names, or where absence is an error.

    Most elements of a standard are absent from most documents: what an expression makes of null
    is known once, and the interpreter, which is slow, need not be asked again.
    """
    head = _head(compiled.parsed)
    try:
        return head, compiled.search({}) if head else None
    except JMESPathError:
        return "", None


# In these nodes of a JMESPath tree the first child reads the value at hand, and every other child
# only what came of it.
_IN_LINE = (
    "and_expression", "filter_projection", "flatten", "index_expression", "pipe", "projection",
    "subexpression", "value_projection",
)  # fmt: skip


def _head(node: dict[str, Any]) -> str:
    while node["type"] in _IN_LINE:
        node = node["children"][0]
    return str(node["value"]) if node["type"] == "field" else ""


def _dotted(path: str) -> Find:
    """JMESPath's own answer for names and indexes: null where the shape is another."""
    steps = [name or int(index) for name, index in _STEP.findall(path)]

    def walk(value: Found) -> Found:
        for step in steps:
            if type(step) is str:
                if type(value) is not dict:
                    return None
                value = value.get(step)
            elif type(value) is list and -len(value) <= step < len(value):
                value = value[step]
            else:
                return None
        return value

    if len(steps) == 1:
        name = steps[0]
        return lambda value: value.get(name) if type(value) is dict else None
    return walk


def unread(document: Document, paths: Iterable[str]) -> list[str]:
    """Names at the top and one level below that hold data and that no path mentions."""
    mentioned = {name for path in paths for name in _names(path)}
    first = document[0] if isinstance(document, list) and document else document
    return sorted(set(_unmentioned(first, mentioned)))


@cache
def _names(path: str) -> frozenset[str]:
    """The names in a path; there are as many paths as mappings have."""
    bare = path.lstrip(".")
    tokens = Lexer().tokenize(bare) if bare else ()
    named = ("unquoted_identifier", "quoted_identifier")
    return frozenset(token["value"] for token in tokens if token["type"] in named)


def _unmentioned(document: Document, mentioned: set[str]) -> Iterator[str]:
    if not isinstance(document, dict):
        return
    for name, value in document.items():
        if value in (None, "", [], {}):
            continue
        if name not in mentioned:
            yield name
            continue
        inner = value if isinstance(value, list) else [value]
        for item in inner:
            if isinstance(item, dict):
                yield from (f"{name}.{key}" for key in item if key not in mentioned)
