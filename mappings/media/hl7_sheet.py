"""An HL7 v2 message whose fields are split once, however many mappings read their components."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from connectors.formats import er7
from connectors.formats.er7_escape import unescape
from connectors.formats.er7_header import HEADERS
from connectors.formats.er7_path import Path, Where

REMOVED = '""'  # HL7 v2.5.1 §2.5.3: the field is to be deleted at the receiver

# Components of a removed field: each of them is removed, however many there may be.
NONE_LEFT: Sequence[str] = (REMOVED,)


class Repetition:
    """One repetition of a field: as it was sent, and the first subcomponent of each component,
    unescaped. `removed`: the sender deletes the field, so each of its components is removed."""

    __slots__ = ("parts", "raw", "removed")

    def __init__(self, raw: str, sheet: Sheet) -> None:
        self.raw = raw
        self.removed = raw == REMOVED
        self.parts = _components(raw, sheet)


def _components(raw: str, sheet: Sheet) -> Sequence[str]:
    _, component, _, escape, subcomponent = marks = sheet.separators
    parts = raw.split(component)
    if escape not in raw and subcomponent not in raw:
        return parts
    firsts = (part.partition(subcomponent)[0] for part in parts)
    return [unescape(first, marks, sheet.codec) for first in firsts]


class Sheet(er7.Message):
    """A message that remembers the fields that were asked for, by name: `PID-3`. `authority`
    assigns its numbers where it does not say who does."""

    __slots__ = ("_all", "_first", "_others", "authority", "parts")

    def __init__(
        self,
        body: bytes,
        text: str,
        separators: er7.Separators,
        codec: str = "utf-8",
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(body, text, separators, codec, notes)
        self.authority = ""
        self.parts: dict[str, Sequence[str]] = {}  # of the first repetition in the first segment
        self._first: dict[str, Sequence[Repetition]] = {}
        self._all: dict[str, Sequence[Sequence[Repetition]]] = {}
        self._others: dict[str, Sequence[Sequence[str]]] = {}  # rows after a segment's first

    def split(self, place: str, segment: str, field: int) -> Sequence[str]:
        """The components of the field's first repetition in the first segment of its name."""
        row = self.rows_known.get(segment) or self.row(segment)
        raw = row[field] if field < len(row) else ""
        _, component, again, escape, subcomponent = self.separators
        if again in raw:
            raw = raw[: raw.index(again)]
        parts: Sequence[str]
        if raw == REMOVED:
            parts = NONE_LEFT
        elif escape in raw or subcomponent in raw:
            parts = _components(raw, self)
        else:
            parts = raw.split(component)
        self.parts[place] = parts
        return parts

    def first_row(self, place: str, segment: str, field: int) -> Sequence[Repetition]:
        """The field's repetitions in the first segment of its name."""
        found = self._first.get(place)
        if found is None:
            found = self._first[place] = self._split(self.row(segment), field)
        return found

    def every_row(self, place: str, segment: str, field: int) -> Sequence[Sequence[Repetition]]:
        """The field's repetitions in each segment of its name, in order."""
        found = self._all.get(place)
        if found is None:
            first = self.first_row(place, segment, field)
            # Looking for a second segment is dearer than all the rest, and rarely finds one.
            others = self._others.get(segment)
            if others is None:
                others = self._others[segment] = self._rows_after_first(segment)
            found = self._all[place] = [first, *[self._split(row, field) for row in others]]
        return found

    def _rows_after_first(self, segment: str) -> Sequence[Sequence[str]]:
        # The message starts with MSH; any other segment has a segment end before it.
        first = 0 if segment == "MSH" else 1
        if "\n" not in self.text and self.text.count("\r" + segment) <= first:
            return ()
        return self.rows(segment)[1:]

    def _split(self, row: Sequence[str], field: int) -> Sequence[Repetition]:
        raw = row[field] if field < len(row) else ""
        if not raw:
            return ()
        mark = self.separators.repetition
        if mark not in raw:
            return (Repetition(raw, self),)
        return [Repetition(one, self) for one in raw.split(mark)]


# From a message, and the element of an `each`, which only a relative path looks at.
One = Callable[[Sheet, object], str | None]
All = Callable[[Sheet, object], list[str]]
Take = Callable[[Sheet, object, dict[str, Any]], list[int]]


def is_plain(at: Path) -> bool:
    """Does a path stay within the fields of a segment taken by its name alone, and read first
    subcomponents? All others are left to `er7_path`."""
    chosen = at.which_repetition
    simple = not isinstance(chosen, Where) or len(chosen.numbers) == 1
    delimiters = at.segment in HEADERS and at.field <= 2
    anywhere = at.which_segment is None and not at.any_segment and not delimiters
    return anywhere and simple and at.subcomponent == 1


def is_first(at: Path) -> bool:
    """Is it the field's first repetition that a path reads, whatever stands there?"""
    return at.which_repetition is None and not at.any_repetition


def taking(columns: Sequence[tuple[Path, str, int]]) -> Take:
    """Puts what `component` reads for each of these first repetitions under its name, where it is
    printable text no longer than said; the numbers of those that are something else come back."""
    # columns of one field that follow each other: it is looked up once for all of them
    numbered = list(enumerate(columns))
    runs = [
        (place, run[0][1][0].segment, run[0][1][0].field, [_column(one) for one in run])
        for place, of_one in groupby(numbered, key=lambda one: one[1][0].reads)
        if (run := list(of_one))
    ]

    def take(sheet: Sheet, _element: object, into: dict[str, Any]) -> list[int]:
        left: list[int] = []
        known, rows = sheet.parts, sheet.rows_known
        for place, segment, field, wanted in runs:
            row = rows.get(segment) or sheet.row(segment)
            if field >= len(row) or not row[field]:
                continue
            parts = known.get(place) or sheet.split(place, segment, field)
            if parts is NONE_LEFT:
                left += [number for number, *_ in wanted]
                continue
            many = len(parts)
            for number, at, name, longest in wanted:
                if at < many and (text := parts[at]):
                    if len(text) <= longest and text.isprintable() and text != REMOVED:
                        into[name] = text
                    else:
                        left.append(number)
        return left

    return take


def _column(one: tuple[int, tuple[Path, str, int]]) -> tuple[int, int, str, int]:
    number, (at, name, longest) = one
    return number, at.component - 1, name, longest


def component(at: Path) -> One:
    """Reads what `er7_path.compile_path` reads, for a plain path; in addition a removed field has
    each of its components removed."""
    place, segment, field, index = at.reads, at.segment, at.field, at.component - 1

    def first(sheet: Sheet, _element: object) -> str | None:
        parts = sheet.parts.get(place) or sheet.split(place, segment, field)
        if index < len(parts):
            return parts[index] or None
        return REMOVED if parts is NONE_LEFT else None

    if is_first(at):
        return first
    choose = _choice(at)

    def chosen(sheet: Sheet, _element: object) -> str | None:
        found = sheet.first_row(place, segment, field)
        for one in choose(found):
            value = _part(one, index)
            if value is not None:
                return value
        return REMOVED if len(found) == 1 and found[0].removed else None

    return chosen


def components(at: Path) -> All:
    """Reads what `er7_path.compile_all` reads, for a plain path."""
    place, segment, field, index = at.reads, at.segment, at.field, at.component - 1
    choose = _choice(at)

    def every(sheet: Sheet, _element: object) -> list[str]:
        rows = sheet.every_row(place, segment, field)
        found = [_part(one, index) for row in rows for one in choose(row)]
        return [value for value in found if value is not None]

    return every


def _part(one: Repetition, index: int) -> str | None:
    parts = one.parts
    if index < len(parts):
        return parts[index] or None
    return REMOVED if one.removed else None


def _choice(at: Path) -> Callable[[Sequence[Repetition]], Sequence[Repetition]]:
    which = at.which_repetition
    if which is None:
        return lambda found: found
    if isinstance(which, int):
        return lambda found: found[which - 1 : which]
    index, wanted = which.numbers[0] - 1, which.value or None
    return lambda found: [one for one in found if _part(one, index) == wanted]


def each(at: Path) -> Callable[[Sheet, object], Sequence[Repetition]]:
    """The repetitions that a plain path to a whole field names."""
    place, segment, field, choose = at.reads, at.segment, at.field, _choice(at)

    def repetitions(sheet: Sheet, _element: object) -> Sequence[Repetition]:
        rows = sheet.every_row(place, segment, field)
        return [one for row in rows for one in choose(row) if one.raw]

    return repetitions


def of_repetition(number: int) -> Callable[[object, Repetition], str | None]:
    """Reads `.4` of the repetition at hand."""
    index = number - 1

    def read(_message: object, one: Repetition) -> str | None:
        parts = one.parts
        if index < len(parts):
            return parts[index] or None
        return REMOVED if one.removed else None

    return read
