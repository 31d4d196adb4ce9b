"""The lines of a file as bytes, with a way back to a line already read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from connectors.formats.pieces import Place

LINE_LIMIT = 4 * 1024 * 1024  # bytes; unless told otherwise; a longer line is cut and says so


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its line end. `offset` is its first byte in the file."""

    raw: bytes
    number: int
    offset: int
    after: Place
    cut: bool = False

    @property
    def blank(self) -> bool:
        return not self.raw.strip(b" \t\r\n\0")

    def text(self, encoding: str) -> str:
        """Raises UnicodeError naming the byte in the file; the byte itself is not shown."""
        try:
            return self.raw.decode(encoding)
        except UnicodeDecodeError as error:
            raise UnicodeError(
                f"byte offset {self.offset + error.start} is not {encoding}; "
                "declare the encoding the file has"
            ) from None


class Lines:
    """Reads lines one at a time from `start`; memory is that of one line.

    A line longer than `limit` bytes is cut and the rest of it passed over.
    `wide` names a UTF-16 byte order, where a line end is two bytes, or is empty.
    """

    def __init__(
        self, source: BinaryIO, start: Place, *, wide: str = "", limit: int = LINE_LIMIT
    ) -> None:
        self._source = source
        self._limit = limit
        self._end = "\n".encode(wide) if wide else b"\n"
        self.place = start
        source.seek(start.offset)

    def take(self) -> Line | None:
        """The next line, or None at the end of the file."""
        offset, passed = self.place
        raw = self._read()
        if not raw:
            return None
        cut = len(raw) >= self._limit and not raw.endswith(self._end)
        length = len(raw) + (self._rest() if cut else 0)
        self.place = Place(offset + length, passed + 1)
        return Line(raw, passed + 1, offset, self.place, cut)

    def back_to(self, line: Line) -> None:
        """Reads on behind `line`, whatever was taken since."""
        if self.place != line.after:
            self.place = line.after
            self._source.seek(line.after.offset)

    def _read(self) -> bytes:
        """Up to a line end, or the limit."""
        if len(self._end) == 1:
            return self._source.readline(self._limit)
        raw = b""
        while len(raw) < self._limit:
            part = self._source.readline(self._limit - len(raw))
            if (len(raw) + len(part)) % 2:  # a byte 0x0A in the first half of a character
                part += self._source.read(1)
            raw += part
            if not part or raw.endswith(self._end):
                break
        return raw

    def _rest(self) -> int:
        """Passes over what is left of an overlong line; says how many bytes that was."""
        passed = 0
        while part := self._read():
            passed += len(part)
            if part.endswith(self._end):
                break
        return passed
