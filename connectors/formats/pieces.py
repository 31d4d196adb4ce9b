"""What a file falls into: pieces, each with the place behind it from where reading may resume."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Place(NamedTuple):
    """A position in a file: bytes before it, and lines (or elements, or messages) before it."""

    offset: int = 0
    passed: int = 0


START = Place()


@dataclass(frozen=True, slots=True)
class Piece:
    """One row, line, element or message of a file.

    `number` is its line, or its ordinal where lines mean nothing; unique within the file and
    the same in every reading. `fault` says why it cannot be understood ("" where it can), `notes`
    what was odd about it. The last four are what a format itself says of a piece: when it was
    so, that it is no production data, that the thing is no more, which thing it is.
    """

    body: bytes
    number: int
    after: Place
    fault: str = ""
    notes: tuple[str, ...] = ()
    at: datetime | None = None
    test: bool = False
    gone: bool = False
    of: str = ""
