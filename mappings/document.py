"""A YAML file as text, tables and lists that know their line; every scalar stays as it was written.

YAML's own guesses (`.10` is 0.1, `on` is true) never happen. Refused: tags, anchors and aliases,
more than one document, duplicate keys, files over 1 MB, more than 40 levels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mappings.mistakes import Mark, Mistakes

LARGEST = 1_000_000
DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Many:
    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Table:
    """`keys` tells where each key of `items` stands."""

    items: dict[str, Node]
    keys: dict[str, Mark]
    mark: Mark


Node = Text | Many | Table

# libyaml where it is installed, else PyYAML's own scanner: both give the same events.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Unfit(Exception):
    """The file breaks a rule after which reading on makes no sense."""

    def __init__(self, mark: Mark, found: str, expected: str) -> None:
        super().__init__(found)
        self.place = (mark, found, expected)


def read(path: Path, mistakes: Mistakes, *, name: str = "") -> Table | None:
    """The table in the file at `path`, or None with a mistake noted. `name` is how mistakes call
    the file. Duplicate keys are noted and the first is kept."""
    start = Mark(name or str(path))
    try:
        body = path.read_bytes()
    except OSError as error:
        mistakes.add(start, f"the file cannot be read ({error.strerror})", "a readable file")
        return None
    return parse(body, mistakes, name=start.file)


def parse(body: bytes, mistakes: Mistakes, *, name: str) -> Table | None:
    """`read` for bytes already at hand."""
    start = Mark(name)
    if len(body) > LARGEST:
        mistakes.add(start, f"a file of {len(body)} bytes", f"at most {LARGEST}")
        return None
    try:
        node = _document(_Events(body, start), mistakes)
    except _Unfit as unfit:
        mistakes.add(*unfit.place)
        return None
    if not isinstance(node, Table):
        mistakes.add(start, "no table", "keys and values, such as 'reads: hl7v2'")
        return None
    return node


class _Events:
    """The file's YAML events, with our own marks and our own refusals."""

    def __init__(self, body: bytes, start: Mark) -> None:
        self._start = start
        self._events = self._parsed(body)

    def _parsed(self, body: bytes) -> Iterator[Any]:
        try:
            yield from yaml.parse(body.decode("utf-8-sig"), Loader=_LOADER)
        except UnicodeDecodeError as error:
            raise _Unfit(self._start, f"byte {error.start} is not UTF-8", "UTF-8 text") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = self.mark(mark) if mark else self._start
            raise _Unfit(place, f"no YAML: {error.problem}", "YAML indented by spaces") from None
        except yaml.YAMLError as error:
            reason = getattr(error, "reason", "unreadable")
            raise _Unfit(self._start, f"no YAML: {reason}", "printable text") from None

    def mark(self, mark: Any) -> Mark:  # noqa: ANN401 - PyYAML has two mark classes
        return Mark(self._start.file, mark.line + 1, mark.column + 1)

    def next(self) -> tuple[Any, Mark]:
        """The next event; refuses what a mapping never needs."""
        event = next(self._events)
        mark = self.mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise _Unfit(mark, f"the alias *{event.anchor}", "the value; aliases are refused")
        if getattr(event, "anchor", None):
            raise _Unfit(mark, f"the anchor &{event.anchor}", "no anchor; anchors are refused")
        if getattr(event, "tag", None):
            raise _Unfit(mark, f"the tag {event.tag}", "no tag; every value is plain text")
        return event, mark


def _document(events: _Events, mistakes: Mistakes) -> Node | None:
    events.next()  # stream start
    event, _ = events.next()
    if isinstance(event, yaml.StreamEndEvent):
        return None
    node = _node(*events.next(), events, mistakes, 1)
    events.next()  # document end
    event, mark = events.next()
    if not isinstance(event, yaml.StreamEndEvent):
        raise _Unfit(mark, "a second document", "one document a file")
    return node


def _node(event: Any, mark: Mark, events: _Events, mistakes: Mistakes, depth: int) -> Node:  # noqa: ANN401
    if depth > DEEPEST:
        raise _Unfit(mark, f"more than {DEEPEST} levels", "a flatter file")
    if isinstance(event, yaml.ScalarEvent):
        return Text(event.value, mark)
    if isinstance(event, yaml.SequenceStartEvent):
        return _many(mark, events, mistakes, depth)
    return _table(mark, events, mistakes, depth)


def _many(start: Mark, events: _Events, mistakes: Mistakes, depth: int) -> Many:
    items: list[Node] = []
    while True:
        event, mark = events.next()
        if isinstance(event, yaml.SequenceEndEvent):
            return Many(tuple(items), start)
        items.append(_node(event, mark, events, mistakes, depth + 1))


def _table(start: Mark, events: _Events, mistakes: Mistakes, depth: int) -> Table:
    items: dict[str, Node] = {}
    keys: dict[str, Mark] = {}
    while True:
        event, mark = events.next()
        if isinstance(event, yaml.MappingEndEvent):
            return Table(items, keys, start)
        if not isinstance(event, yaml.ScalarEvent):
            raise _Unfit(mark, "a list or table as a key", "a name as a key")
        value = _node(*events.next(), events, mistakes, depth + 1)
        if event.value in items:
            first = keys[event.value].line
            mistakes.add(mark, f"the key {event.value!r} again", f"it once (line {first} has it)")
            continue
        items[event.value], keys[event.value] = value, mark
