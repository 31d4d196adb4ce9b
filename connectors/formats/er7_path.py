"""Paths into HL7 v2 messages, compiled once into closures: `PID-3[5=MR].1`, `OBX[3.1=8302-2]-5`.

    SEG[which segment]-field[which repetition].component.subcomponent

`[2]` is the second, `[*]` any, `[5=MR]` the one whose component 5 is MR; of segments, `[3.1=X]`
the one whose field 3, component 1, is X. Without brackets `compile_path` takes the first and
`compile_all` takes all. A component that has subcomponents is read as its first one. A field read
whole (`PID-3`) is one repetition as it was sent, with its components; one without components is
unescaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from connectors.formats.er7 import Message
from connectors.formats.er7_escape import unescape
from connectors.formats.er7_header import HEADERS

One = Callable[[Message], str | None]
All = Callable[[Message], list[str]]
Part = Callable[[Message, str], str | None]  # the string is one repetition as it was sent


@dataclass(frozen=True, slots=True)
class Where:
    """The one whose value at `numbers` (component.subcomponent, or field.component) is `value`."""

    numbers: tuple[int, ...]
    value: str


Which = int | Where | None  # the nth; the one that; None: no choice was written


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A path, taken apart. `component` 0 means the whole repetition."""

    segment: str
    field: int
    which_segment: Which = None
    which_repetition: Which = None
    any_segment: bool = False  # [*] was written
    any_repetition: bool = False
    component: int = 0
    subcomponent: int = 1

    @property
    def reads(self) -> str:
        """The field it reads: `PID-3`."""
        return f"{self.segment}-{self.field}"


def compile_path(path: str) -> One:
    """Reads the first value at `path`; None when it is absent or empty.

    HL7's `""` comes back as those two quotes: the sender says there is no value any more. Raises
    ValueError, naming the place, when `path` is none.
    """
    at = parse(path)
    plain = at.which_segment is None and not at.any_segment
    if not plain or at.any_repetition:
        every = _every(at)
        return lambda message: next(every(message), None)
    if at.segment in HEADERS and at.field <= 2:
        return _delimiter(at.segment, at.field)
    if at.which_repetition is None:
        return _first(at.segment, at.field, _leaf(at.component, at.subcomponent))
    leaf = _leaf(at.component, at.subcomponent)
    if isinstance(at.which_repetition, int):
        return _numbered(at.segment, at.field, at.which_repetition, leaf)
    return _matching(at.segment, at.field, at.which_repetition, leaf)


def compile_all(path: str) -> All:
    """Reads every value at `path`, in the message's order; empty ones are left out."""
    every = _every(parse(path))
    return lambda message: list(every(message))


def compile_each(path: str) -> All:
    """Reads every repetition of a field as it was sent, for `compile_part` to look into.

    Raises ValueError when `path` goes on below the field.
    """
    at = parse(path)
    if at.component:
        raise ValueError(f"path {path!r} ends in a component, expected a whole field: {at.reads}")
    rows, choose, field = _rows(at), _repetitions(at.which_repetition), at.field
    if at.segment in HEADERS and field <= 2:
        raise ValueError(f"path {path!r} is the delimiters, which have no repetitions")

    def each(message: Message) -> list[str]:
        return [raw for row in rows(message) for raw in choose(message, _at(row, field)) if raw]

    return each


def compile_part(path: str) -> Part:
    """Reads `.4.1`, `.5` (component, subcomponent) or `.` (whole) of one repetition."""
    match = _PART.fullmatch(path)
    if path != "." and not match:
        raise ValueError(f"path {path!r}: expected .component or .component.subcomponent: .4.1")
    return _leaf(int(match[1]), int(match[2] or 1)) if match else _leaf(0, 1)


# -- reading a path

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_BRACKET = re.compile(r"\[(?:(\*)|([1-9]\d*)|([1-9]\d*(?:\.[1-9]\d*){0,2})=([^\]]*))\]")
_FIELD = re.compile(r"-([1-9]\d{0,2})")
_PART = re.compile(r"\.([1-9]\d{0,2})(?:\.([1-9]\d{0,2}))?")


def parse(path: str) -> Path:
    """`path` taken apart. Raises ValueError naming the place and what was expected there."""
    segment = _expect(_SEGMENT, path, 0, "a segment name of three capitals: PID")
    which, any_segment, end = _bracket(path, segment.end())
    if isinstance(which, Where) and len(which.numbers) > 2:
        raise ValueError(_fault(path, segment.end(), "[field.component=value]: OBX[3.1=8302-2]"))
    number = _expect(_FIELD, path, end, "a field: -5")
    choice, any_repetition, end = _bracket(path, number.end())
    if isinstance(choice, Where) and len(choice.numbers) > 2:
        raise ValueError(_fault(path, number.end(), "[component=value]: PID-3[5=MR]"))
    part = _PART.match(path, end)
    if part:
        end = part.end()
    if end != len(path):
        raise ValueError(_fault(path, end, ".component or the end of the path"))
    return Path(
        segment=segment[0],
        field=int(number[1]),
        which_segment=which,
        which_repetition=choice,
        any_segment=any_segment,
        any_repetition=any_repetition,
        component=int(part[1]) if part else 0,
        subcomponent=int(part[2] or 1) if part else 1,
    )


def _expect(pattern: re.Pattern[str], path: str, place: int, what: str) -> re.Match[str]:
    match = pattern.match(path, place)
    if not match:
        raise ValueError(_fault(path, place, what))
    return match


def _fault(path: str, place: int, what: str) -> str:
    found = repr(path[place : place + 12]) if place < len(path) else "the end"
    return f"path {path!r}, character {place + 1}: found {found}, expected {what}"


def _bracket(path: str, place: int) -> tuple[Which, bool, int]:
    if path[place : place + 1] != "[":
        return None, False, place
    match = _expect(_BRACKET, path, place, "[2], [*] or [5=MR]")
    if match[1]:
        return None, True, match.end()
    if match[2]:
        return int(match[2]), False, match.end()
    numbers = tuple(int(n) for n in match[3].split("."))
    return Where(numbers, match[4]), False, match.end()


# -- closures


def _first(segment: str, field: int, leaf: Part) -> One:
    def first(message: Message) -> str | None:
        row = message.row(segment)
        if len(row) <= field:
            return None
        raw = row[field]
        if not raw:
            return None
        mark = message.separators.repetition
        return leaf(message, raw[: raw.index(mark)] if mark in raw else raw)

    return first


def _numbered(segment: str, field: int, number: int, leaf: Part) -> One:
    def numbered(message: Message) -> str | None:
        raw = _at(message.row(segment), field)
        return leaf(message, _nth(raw, message.separators.repetition, number))

    return numbered


def _matching(segment: str, field: int, where: Where, leaf: Part) -> One:
    test, value = _test(where), where.value or None

    def matching(message: Message) -> str | None:
        row = message.row(segment)
        if len(row) <= field:
            return None
        for raw in row[field].split(message.separators.repetition):
            if test(message, raw) == value:
                found = leaf(message, raw)
                if found is not None:
                    return found
        return None

    return matching


def _delimiter(segment: str, field: int) -> One:
    return lambda message: _at(message.row(segment), field) or None


def _every(at: Path) -> Callable[[Message], Iterator[str]]:
    if at.segment in HEADERS and at.field <= 2:
        one = _delimiter(at.segment, at.field)
        return lambda message: iter([value] if (value := one(message)) else [])
    rows, field = _rows(at), at.field
    choose, leaf = _repetitions(at.which_repetition), _leaf(at.component, at.subcomponent)

    def every(message: Message) -> Iterator[str]:
        for row in rows(message):
            for raw in choose(message, _at(row, field)):
                value = leaf(message, raw)
                if value is not None:
                    yield value

    return every


_Rows = Callable[[Message], list[list[str]]]
_Choose = Callable[[Message, str], Sequence[str]]


def _rows(at: Path) -> _Rows:
    segment, which = at.segment, at.which_segment
    if which is None:
        return lambda message: message.rows(segment)
    if isinstance(which, int):
        start, end = which - 1, which
        return lambda message: message.rows(segment)[start:end]
    component = which.numbers[1] if len(which.numbers) > 1 else 0
    test = _first_of_row(which.numbers[0], _leaf(component, 1))
    value = which.value or None
    return lambda message: [row for row in message.rows(segment) if test(message, row) == value]


def _first_of_row(field: int, leaf: Part) -> Callable[[Message, list[str]], str | None]:
    def test(message: Message, row: list[str]) -> str | None:
        raw, _, _ = _at(row, field).partition(message.separators.repetition)
        return leaf(message, raw)

    return test


def _repetitions(which: Which) -> _Choose:
    if which is None:
        return lambda message, raw: raw.split(message.separators.repetition)
    if isinstance(which, int):
        start, end = which - 1, which
        return lambda message, raw: raw.split(message.separators.repetition)[start:end]
    test, value = _test(which), which.value or None

    def matching(message: Message, raw: str) -> Sequence[str]:
        found = raw.split(message.separators.repetition)
        return [one for one in found if test(message, one) == value]

    return matching


def _test(where: Where) -> Part:
    return _leaf(where.numbers[0], where.numbers[1] if len(where.numbers) > 1 else 1)


def _leaf(component: int, subcomponent: int) -> Part:
    if component == 0:
        return _whole
    if subcomponent == 1:
        return _first_subcomponent(component)

    def below(message: Message, raw: str) -> str | None:
        marks = message.separators
        value = _nth(_nth(raw, marks.component, component), marks.subcomponent, subcomponent)
        return unescape(value, marks, message.codec) or None

    return below


def _first_subcomponent(component: int) -> Part:
    def leaf(message: Message, raw: str) -> str | None:
        _, mark, _, escape, below = marks = message.separators
        if component == 1:
            end = raw.find(mark)
            value = raw if end < 0 else raw[:end]
        else:
            pieces = raw.split(mark, component)
            if len(pieces) < component:
                return None
            value = pieces[component - 1]
        if below in value:
            value = value[: value.index(below)]
        if escape in value:
            value = unescape(value, marks, message.codec)
        return value or None

    return leaf


def _whole(message: Message, raw: str) -> str | None:
    _, component, _, escape, below = marks = message.separators
    if escape in raw and component not in raw and below not in raw:
        return unescape(raw, marks, message.codec)
    return raw or None


def _nth(value: str, mark: str, number: int) -> str:
    pieces = value.split(mark, number)
    return pieces[number - 1] if len(pieces) >= number else ""


def _at(row: list[str], field: int) -> str:
    return row[field] if field < len(row) else ""
