"""Delimited text (RFC 4180 and what people make of it): a row with its header, byte for byte.

A row's piece is the header line and the row's own line as they stand in the file, so that the
row can be read alone, years later. Nothing is interpreted here: `1E5`, `007` and `03/04/2026`
stay the text they are.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import BinaryIO
from urllib.parse import quote, unquote

from connectors.errors import Refused
from connectors.formats.lines import LINE_LIMIT, Line, Lines
from connectors.formats.pieces import START, Piece, Place

MEDIA = "text/csv;row"
COLUMN_LIMIT = 20_000
CELL_LIMIT = 131_072  # characters, the limit of Python's csv module, which reads rows later
_QUOTE = '"'
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a table is written. `columns` are names the header must have; it may have more."""

    delimiter: str = ","
    encoding: str = "utf-8"
    columns: tuple[str, ...] = ()

    @property
    def media(self) -> str:
        """The media type of one row; "text/csv;row" for UTF-8 with commas."""
        charset = "" if self.encoding == "utf-8" else f";charset={self.encoding}"
        delimiter = "" if self.delimiter == "," else f";delimiter={quote(self.delimiter)}"
        return MEDIA + charset + delimiter


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: as it stands, its names, and the encoding of the lines behind it."""

    raw: bytes
    names: tuple[str, ...]
    encoding: str


def header(source: BinaryIO, dialect: Dialect) -> Header:
    """Reads the header. Raises Refused when the table cannot be what the dialect says.

    No name of it is repeated in the error: in a file that lacks its header they are data.
    """
    source.seek(0)
    encoding = _encoding(source.read(4), dialect.encoding)
    lines = Lines(source, START, wide=_wide(encoding))
    line = lines.take()
    if line is None:
        raise Refused("CROHUB-CSV-EMPTY: the file has no line, expected a header")
    cells, raw, fault = _row(lines, line, dialect.delimiter, encoding)
    if fault:
        raise Refused(f"CROHUB-CSV-HEADER: {fault}")
    names = tuple(name.strip() for name in [cells[0].removeprefix("\ufeff"), *cells[1:]])
    _check(names, dialect)
    return Header(raw, names, encoding)


def pieces(source: BinaryIO, dialect: Dialect, start: Place = START) -> Iterator[Piece]:
    """Every row that is not blank, from `start`, in order. A bad row has a fault that names its
    line; reading goes on behind it. Memory is that of one row. Raises Refused as `header`."""
    head = header(source, dialect)
    lines = Lines(source, start, wide=_wide(head.encoding))
    if start == START:
        _row_behind(lines, head)
    while line := lines.take():
        if line.blank:
            continue
        cells, raw, fault = _row(lines, line, dialect.delimiter, head.encoding)
        if not fault and len(cells) != len(head.names):
            fault = f"line {line.number}: {len(cells)} cells where the header has {len(head.names)}"
        yield Piece(head.raw + raw, line.number, lines.place, fault)


def read_row(body: bytes, media: str = MEDIA) -> dict[str, str]:
    """The cells of one row's piece by column name, as text. The inverse of what `pieces` made.

    Raises Refused when `body` is no header and row.
    """
    settings = dict(part.partition("=")[::2] for part in media.split(";"))
    try:
        text = body.decode(settings.get("charset", "utf-8")).removeprefix("\ufeff")
        delimiter = unquote(settings.get("delimiter", ","))
        names, cells = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except (ValueError, csv.Error, LookupError):
        raise Refused(f"CROHUB-CSV-ROW: no header and one row, expected for {media}") from None
    if len(names) != len(cells):
        raise Refused(f"CROHUB-CSV-ROW: {len(cells)} cells where the header has {len(names)}")
    return {name.strip(): cell for name, cell in zip(names, cells, strict=True)}


def _encoding(head: bytes, declared: str) -> str:
    """The encoding of the lines; a byte order mark may narrow what was declared, not change it."""
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "")
    if marked and declared not in ("utf-16", marked):
        raise Refused(
            f"CROHUB-CSV-ENCODING: byte offset 0 has the mark of {marked}, declared is "
            f"{declared}; set `encoding: utf-16`"
        )
    if declared == "utf-16" and not marked:
        raise Refused(
            "CROHUB-CSV-ENCODING: byte offset 0 has no byte order mark; "
            "set `encoding: utf-16-le` or `utf-16-be`"
        )
    return marked or declared


def _wide(encoding: str) -> str:
    return encoding if encoding.startswith("utf-16") else ""


def _check(names: tuple[str, ...], dialect: Dialect) -> None:
    if len(names) > COLUMN_LIMIT:
        raise Refused(
            f"CROHUB-CSV-HEADER: {len(names):,} columns, at most {COLUMN_LIMIT:,} are read"
        )
    missing = [name for name in dialect.columns if name not in names]
    if missing:
        raise Refused(f"CROHUB-CSV-HEADER: column {', '.join(missing)} is missing")
    if len(names) == 1 and not dialect.columns:
        raise Refused(
            f"CROHUB-CSV-HEADER: one column only; expected several with {dialect.delimiter!r} "
            "between them. Name it in `columns` if one is right"
        )
    first: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        if not name:
            raise Refused(f"CROHUB-CSV-HEADER: column {place} has no name")
        if name in first:
            raise Refused(
                f"CROHUB-CSV-HEADER: columns {first[name]} and {place} have the same name"
            )
        first[name] = place


def _row_behind(lines: Lines, head: Header) -> None:
    """Passes over the header, which may itself span lines inside quotes."""
    while lines.place.offset < len(head.raw):
        lines.take()


def _row(lines: Lines, line: Line, delimiter: str, encoding: str) -> tuple[list[str], bytes, str]:
    """(cells, bytes, fault) of the row that `line` begins. With a fault it is that line alone."""
    try:
        text = line.text(encoding)
        if _QUOTE not in text:
            return _bare(text, delimiter, line), line.raw, ""
        return _quoted(lines, line, delimiter, encoding)
    except (csv.Error, UnicodeError) as error:
        lines.back_to(line)
        return [], line.raw, f"line {line.number}: {error}"


def _bare(text: str, delimiter: str, line: Line) -> list[str]:
    row = text.removesuffix("\n").removesuffix("\r")
    if "\r" in row:
        raise csv.Error("a carriage return inside a row; line ends are LF or CR LF")
    return _sound(row.split(delimiter), line.raw, cut=line.cut)


def _quoted(
    lines: Lines, line: Line, delimiter: str, encoding: str
) -> tuple[list[str], bytes, str]:
    """A quoted cell may hold line ends: takes as many lines as the row has."""
    taken = [line]

    def texts() -> Iterator[str]:
        yield line.text(encoding)
        while more := lines.take():
            taken.append(more)
            yield more.text(encoding)
        raise csv.Error("a quote is opened and never closed")

    cells = next(csv.reader(texts(), delimiter=delimiter, strict=True))
    raw = b"".join(each.raw for each in taken)
    return _sound(cells, raw, cut=any(each.cut for each in taken)), raw, ""


def _sound(cells: list[str], raw: bytes, *, cut: bool) -> list[str]:
    if len(raw) <= CELL_LIMIT and b"\0" not in raw:
        return cells
    if cut:
        raise csv.Error(f"longer than {LINE_LIMIT:,} bytes")
    for place, cell in enumerate(cells, 1):
        if len(cell) > CELL_LIMIT:
            raise csv.Error(f"cell {place} has more than {CELL_LIMIT:,} characters")
        if "\0" in cell:
            raise csv.Error(f"cell {place} holds a NUL character")
    return cells
