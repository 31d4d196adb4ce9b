"""Reads HL7 v2 messages in ER7 (pipe) form: lossless, lazy, and never refusing a readable one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeVar

from connectors.formats import er7_charset
from connectors.formats.er7_escape import STANDARD, Separators, unescape
from connectors.formats.er7_header import (
    BOM,
    HEADERS,
    MOST_REPETITIONS,
    MOST_SEGMENTS,
    Header,
    Unreadable,
    header,
    opening,
    separators_of,
)

__all__ = [
    "STANDARD", "Header", "Message", "Segment", "Separators", "Unreadable", "header", "read",
    "read_as",
]  # fmt: skip


class Message:
    """One message, split as far as it was asked for.

    `body` is what came; `pieces` joined give it back. Rows are raw fields by number: `row[3]` is
    field 3, for MSH too (MSH-1 is the separator itself).
    """

    __slots__ = ("_flat", "body", "codec", "notes", "rows_known", "separators", "text")

    def __init__(
        self,
        body: bytes,
        text: str,
        separators: Separators,
        codec: str = "utf-8",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.body = body
        self.text = text  # without byte order mark and leading blanks
        self.separators = separators
        self.codec = codec
        self.notes = notes  # what was wrong with it and did not stop us
        self._flat = text if "\n" not in text else "\r".join(_lines(text, separators.field))
        self.rows_known: dict[str, list[str]] = {}  # what `row` was asked for

    def row(self, name: str) -> list[str]:
        """Raw fields of the first segment called `name`; empty when there is none."""
        row = self.rows_known.get(name)
        if row is None:
            row = self.rows_known[name] = self._find(name)
        return row

    def _find(self, name: str) -> list[str]:
        flat = self._flat
        start = 0 if flat.startswith(name) else flat.find("\r" + name) + 1
        if not start and not flat.startswith(name):
            return []
        end = flat.find("\r", start)
        return _split(flat[start:] if end < 0 else flat[start:end], self.separators.field)

    def rows(self, name: str) -> list[list[str]]:
        """Raw fields of every segment called `name`, in the message's order."""
        first = self.row(name)
        if not first:
            return []
        field, flat = self.separators.field, self._flat
        lines = flat.split("\r" + name)[1 if flat.startswith(name) else 2 :]
        return [first, *[_split(name + line.partition("\r")[0], field) for line in lines]]

    def first(self, name: str) -> Segment | None:
        """The first segment called `name`."""
        row = self.row(name)
        return Segment(self, row) if row else None

    def segments(self, name: str) -> list[Segment]:
        """Every segment called `name`, in the message's order."""
        return [Segment(self, row) for row in self.rows(name)]

    def all(self) -> Iterator[Segment]:
        """Every segment in the message's order."""
        field = self.separators.field
        for line in self._flat.split("\r"):
            if line:
                yield Segment(self, _split(line, field))

    def names(self) -> list[str]:
        """The names of its segments, each once, in order of first appearance."""
        return list(dict.fromkeys(line[:3] for line in self._flat.split("\r") if line))

    def pieces(self) -> Iterator[tuple[str, str]]:
        """Every segment with the line end that followed it; blank lines included."""
        position = 0
        for match in _ends(self.separators.field).finditer(self.text):
            yield self.text[position : match.start()], match.group()
            position = match.end()
        if position < len(self.text):
            yield self.text[position:], ""


M = TypeVar("M", bound=Message)


class Segment:
    """One segment: fields, repetitions, components and subcomponents by number, from 1."""

    __slots__ = ("_message", "row")

    def __init__(self, message: Message, row: list[str]) -> None:
        self._message = message
        self.row = row

    @property
    def name(self) -> str:
        return self.row[0]

    def field(self, number: int) -> str:
        """The whole field as it was sent; "" when absent."""
        return self.row[number] if number < len(self.row) else ""

    def repetitions(self, number: int) -> list[str]:
        """The field's repetitions as they were sent; none when the field is absent."""
        raw = self.field(number)
        if not raw:
            return []
        if self._is_delimiters(number):
            return [raw]
        return raw.split(self._message.separators.repetition)

    def value(
        self, number: int, component: int = 1, subcomponent: int = 1, repetition: int = 1
    ) -> str:
        """One value, unescaped; "" when absent, `""` (two quotes) when the sender removed it."""
        repetitions = self.repetitions(number)
        if repetition > len(repetitions):
            return ""
        raw = repetitions[repetition - 1]
        if self._is_delimiters(number):
            return raw
        separators = self._message.separators
        raw = part(
            part(raw, separators.component, component), separators.subcomponent, subcomponent
        )
        return unescape(raw, separators, self._message.codec)

    def _is_delimiters(self, number: int) -> bool:
        return number <= 2 and self.row[0] in HEADERS


def read(body: bytes) -> Message:
    """The message in `body`; see `read_as`."""
    return read_as(Message, body)


def read_as(made: type[M], body: bytes) -> M:
    """The message in `body`, as a `made`.

    Segments may end with CR, LF or CRLF, mixed. A line feed that no segment name follows belongs
    to the field it stands in. Raises Unreadable only when there is no message to read.
    """
    if b"\0" in body:
        raise Unreadable("the message holds a NUL byte", "102")
    if body.isascii() and body.startswith(b"MSH") and b"\x1b" not in body:
        text = body.decode("ascii")
        message = made(body, text, _separators(text))
    else:
        start = opening(body)
        head = header(start)
        text, codec, complaint = er7_charset.decode(start, head.charset)
        notes = _notes(body, start, complaint)
        message = made(body, text, head.separators, codec, notes)
    if len(text) > MOST_REPETITIONS:
        refuse_excess(text, message.separators)
    return message


def _separators(text: str) -> Separators:
    mark = text[3:4]
    end = text.find(mark, 4) if mark else -1
    if 0 < end < 12:
        return separators_of(mark, text[4:end])
    return header(text.encode()).separators  # a very short MSH, or none


def _notes(body: bytes, start: bytes, complaint: str) -> tuple[str, ...]:
    notes = [complaint] if complaint else []
    if body.startswith(BOM):
        notes.append("a byte order mark before MSH was passed over")
    elif start is not body:
        notes.append("blanks before MSH were passed over")
    return tuple(notes)


def refuse_excess(text: str, separators: Separators) -> None:
    """Raises Unreadable for a message past 50,000 segments or a field past 10,000 repetitions."""
    segments = sum(1 for line in _lines(text, separators.field) if line)
    if segments > MOST_SEGMENTS:
        raise Unreadable(f"{segments} segments, at most {MOST_SEGMENTS} are read", "102")
    mark = separators.repetition
    if text.count(mark) < MOST_REPETITIONS:
        return
    most = max(
        field.count(mark) for field in re.split(f"[{re.escape(separators.field)}\r\n]", text)
    )
    if most >= MOST_REPETITIONS:
        raise Unreadable(f"{most + 1} repetitions of a field, at most {MOST_REPETITIONS}", "102")


def _lines(text: str, field: str) -> list[str]:
    return text.split("\r") if "\n" not in text else _ends(field).split(text)


@lru_cache(maxsize=64)
def _ends(field: str) -> re.Pattern[str]:
    # The look-ahead is bounded, else a long run of line feeds would be walked once for each.
    return re.compile(rf"\r\n?|\n(?=[\r\n]{{0,4}}(?:[A-Z][A-Z0-9]{{2}}{re.escape(field)}|\Z))")


def _split(line: str, field: str) -> list[str]:
    row = line.split(field)
    if row[0] in HEADERS:
        row.insert(1, field)
    return row


def part(value: str, separator: str, number: int) -> str:
    """The `number`th piece of `value`, from 1; "" when there are not so many."""
    if number == 1:
        end = value.find(separator)
        return value if end < 0 else value[:end]
    pieces = value.split(separator, number)
    return pieces[number - 1] if len(pieces) >= number else ""
