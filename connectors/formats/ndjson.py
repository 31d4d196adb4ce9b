"""JSON, one value a line: each line is a piece, byte for byte, without its line end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from connectors.errors import Refused
from connectors.formats import json_text
from connectors.formats.lines import Line, Lines
from connectors.formats.pieces import START, Piece, Place

LINE_LIMIT = 16 * 1024 * 1024  # bytes; a longer line is a fault
_BOM = b"\xef\xbb\xbf"
_SHOWN = 1024  # bytes kept of a line that is too long to be one


def pieces(source: BinaryIO, start: Place = START) -> Iterator[Piece]:
    """Every line that is not blank, from `start`, in order.

    A line that is no JSON, or not JSON that may be trusted (`json_text.read`), has a fault; the
    next one is read. Memory is that of one line.
    """
    lines = Lines(source, start, limit=LINE_LIMIT)
    while line := lines.take():
        body = line.raw.removeprefix(_BOM) if line.number == 1 else line.raw
        body = body.strip(b" \t\r\n")
        if body:
            kept = body[:_SHOWN] if line.cut else body
            yield Piece(kept, line.number, lines.place, _fault(body, line))


def _fault(body: bytes, line: Line) -> str:
    if line.cut:
        return f"line {line.number}: longer than {len(line.raw):,} bytes"
    try:
        json_text.read(body)
    except Refused as error:
        return f"line {line.number}: {error}"
    return ""
