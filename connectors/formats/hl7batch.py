"""Batch files: [FHS] {[BHS] {message} [BTS]} [FTS], and files of messages without an envelope."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from connectors.formats.er7_header import BOM, Unreadable, separators_of


class BadBatch(ValueError):
    """The file's shape or its counts are wrong: none of it is taken. Names line and reason."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of one file, in its order, and what its envelope says of itself."""

    messages: tuple[bytes, ...]
    file_header: bytes = b""  # FHS as it was sent
    batch_headers: tuple[bytes, ...] = ()
    control_id: str = ""  # FHS-11, else BHS-11 of the first batch


_SEGMENT = re.compile(rb"(?:\A|(?<=[\r\n]))(MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\s]|[\r\n]|\Z)")
_LINE = re.compile(rb"\r\n|\r|\n")


def is_batch(body: bytes) -> bool:
    """Does `body` begin with an envelope, or hold more than one message?"""
    if body.startswith(b"MSH") and body.rfind(b"MSH") == 0:
        return False  # said fast: it is so for nearly every message
    names = [match[1] for match in _SEGMENT.finditer(_start(body))]
    return names[:1] in ([b"FHS"], [b"BHS"]) or names.count(b"MSH") > 1


def split(body: bytes) -> Batch:
    """The messages in `body`, each exactly as it stands there.

    Everything is verified before anything is given: headers and trailers in pairs and in place,
    BTS-1 against the messages of its batch, FTS-1 against the batches (against the messages where
    there are none; both trailers may leave the count out). Raises BadBatch otherwise.
    """
    text = _start(body)
    marks = [(match[1], match.start()) for match in _SEGMENT.finditer(text)]
    if not marks or marks[0][1] != 0:
        raise BadBatch("line 1: expected MSH, FHS or BHS")
    reader = _Reader(text)
    ends = [place for _, place in marks[1:]] + [len(text)]
    for (name, start), end in zip(marks, ends, strict=True):
        reader.take(name.decode(), start, end)
    return reader.finish()


def _start(body: bytes) -> bytes:
    return body.removeprefix(BOM).lstrip(b"\r\n\t ")


@dataclass(slots=True)
class _Reader:
    text: bytes
    messages: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    file_header: bytes = b""
    in_file: bool = False
    in_batch: bool = False
    closed: bool = False  # FTS was read
    batches: int = 0
    since: int = 0  # messages when this batch began

    def take(self, name: str, start: int, end: int) -> None:
        try:
            if self.closed:
                raise BadBatch(f"{name} after FTS, expected the end of the file")
            _STEPS[name](self, self.text[start:end])
        except BadBatch as fault:
            line = len(_LINE.findall(self.text[:start])) + 1
            raise BadBatch(f"line {line}: {fault}") from None

    def message(self, piece: bytes) -> None:
        if self.batches and not self.in_batch:
            raise BadBatch("a message after BTS, expected BHS or FTS")
        self.messages.append(piece)

    def fhs(self, piece: bytes) -> None:
        if self.in_file or self.messages or self.batches or self.in_batch:
            raise BadBatch("FHS in the middle, expected it once on the first line")
        self.in_file, self.file_header = True, _header_line(piece)

    def bhs(self, piece: bytes) -> None:
        if self.in_batch:
            raise BadBatch("BHS in the middle of a batch, expected BTS before it")
        if self.messages and not self.batches:
            raise BadBatch("BHS in the middle, after messages outside a batch")
        self.in_batch, self.since = True, len(self.messages)
        self.heads.append(_header_line(piece))

    def bts(self, piece: bytes) -> None:
        if not self.in_batch:
            raise BadBatch("BTS without BHS")
        count = len(self.messages) - self.since
        if count == 0:
            raise BadBatch("a batch without a message, expected MSH")
        _verify("BTS-1", _only_line(piece), count, "messages in this batch")
        self.in_batch = False
        self.batches += 1

    def fts(self, piece: bytes) -> None:
        if not self.in_file:
            raise BadBatch("FTS without FHS")
        if self.in_batch:
            raise BadBatch("FTS in the middle of a batch, expected BTS before it")
        if not self.messages:
            raise BadBatch("a file without a message, expected MSH")
        count = self.batches or 1  # messages outside a batch are one batch without its envelope
        _verify("FTS-1", _only_line(piece), count, "batches in this file")
        self.closed = True

    def finish(self) -> Batch:
        if self.in_batch:
            raise BadBatch("the file ends in a batch, expected BTS")
        if self.in_file and not self.closed:
            raise BadBatch("the file ends without FTS, which its FHS asks for")
        if not self.messages:
            raise BadBatch("no message in the file")
        return Batch(tuple(self.messages), self.file_header, tuple(self.heads), self._control_id())

    def _control_id(self) -> str:
        line = self.file_header or (self.heads[0] if self.heads else b"")
        fields = line.decode("latin-1").split(line[3:4].decode("latin-1") or "|")
        return fields[10] if len(fields) > 10 else ""


_STEPS = {
    "MSH": _Reader.message,
    "FHS": _Reader.fhs,
    "BHS": _Reader.bhs,
    "BTS": _Reader.bts,
    "FTS": _Reader.fts,
}


def _only_line(piece: bytes) -> bytes:
    line = _LINE.split(piece, maxsplit=1)[0]
    after = piece[len(line) :].strip()
    if after:
        raise BadBatch(f"{_name(line)} is followed by {_name(after)}, expected MSH before it")
    return line


def _header_line(piece: bytes) -> bytes:
    line = _only_line(piece)
    try:
        delimiters(line)
    except Unreadable as error:
        raise BadBatch(f"{_name(line)}: {error.reason}") from None
    return line


def _name(line: bytes) -> str:
    return line[:3].decode("latin-1")


def _verify(name: str, line: bytes, count: int, what: str) -> None:
    fields = line.split(line[3:4]) if len(line) > 3 else [line]
    said = fields[1].strip() if len(fields) > 1 else b""
    if said and said != str(count).encode():
        raise BadBatch(f"{name} says {said[:12].decode('latin-1')!r}, found {count} {what}")


def delimiters(line: bytes) -> str:
    """Field separator and encoding characters of an FHS or BHS line, for answering in kind.

    Raises Unreadable as MSH would.
    """
    text = line.decode("latin-1")
    parts = text.split(text[3:4], 2) if len(text) > 4 else ["", ""]
    if len(parts) < 2 or not parts[1]:
        raise Unreadable("the batch header ends before its encoding characters", "100")
    separators = separators_of(text[3], parts[1])
    return separators.field + separators.encoding_characters
