"""What every stream of files says, whatever is in them."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, BinaryIO, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.errors import Refused
from connectors.formats import tables
from connectors.formats.pieces import Piece


def _of_one_folder(glob: str) -> str:
    if "/" in glob or "\\" in glob:
        raise ValueError("a glob names files of one folder, without / or \\")
    return glob


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ValueError(f"{encoding!r} is no encoding; expected utf-8, cp1252, utf-16 …") from None


Glob = Annotated[str, AfterValidator(_of_one_folder)]
Encoding = Annotated[str, AfterValidator(_known)]
Delimiter = Annotated[str, Field(pattern=r'^[^"\r\n\x00\w]$')]


class FileStream(BaseModel):
    """What every stream of files says, whatever is in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    glob: Glob = Field(description="The names of its files, of one folder, e.g. roster*.csv.")
    settle: float = Field(10.0, ge=0, description="Seconds a file must rest before it is read.")
    marker: str = Field(
        default="",
        description="What x.csv waits for: .done is x.csv.done; .sha256, .md5: with its sum.",
    )
    after: Literal["leave", "archive"] = Field(
        default="leave", description="What becomes of a file that the hub has stored."
    )
    archive: Annotated[Glob, Field(pattern=r"^[^.-].*$")] = Field(
        default="archive", description="The folder below this one that stored files are moved to."
    )
    largest: int = Field(1024**3, gt=0, description="Bytes; a larger file is refused.")

    def link(self, _source: BinaryIO) -> Link | None:
        """The file's place in a chain of files, where its format says it."""
        return None

    @property
    def is_list(self) -> bool:
        """Is each file the whole list, so that what it misses has gone?"""
        return False

    def thing(self, _piece: Piece) -> str:
        """Which thing a piece of a whole list is."""
        return ""


class Link(NamedTuple):
    """What a file is called inside, and what the one that it follows is called ("": unsaid)."""

    own: str
    prior: str


def listed(pieces: Iterator[Piece]) -> str:
    """Why a file is no list, or "": one without a row is more likely a failed export."""
    return "" if next(pieces, None) else "CROHUB-LIST-EMPTY: the list has no row"


def judged(pieces: Iterator[Piece], threshold: float) -> str:
    """Why no row of a file is to be taken, or "". Reads all of it.

    One bad row alone never condemns its file: among ten rows it would be ten percent.
    """
    total = bad = 0
    first = ""
    try:
        for piece in pieces:
            total += 1
            bad += bool(piece.fault)
            first = first or piece.fault
    except Refused as error:
        return str(error)
    if bad < 2 or bad <= total * threshold:
        return ""
    return (
        f"CROHUB-FILE-THRESHOLD: {bad:,} of {total:,} rows are bad, more than {threshold:.0%}; "
        f"the first: {first}"
    )


def cell_in(piece: Piece, column: str, media: str) -> str:
    """The text in a row's `column`; "" where there is none."""
    return "" if piece.fault else tables.read_row(piece.body, media).get(column, "").strip()


def time_in(piece: Piece, column: str, media: str) -> datetime | None:
    """The time in a row's `column`; None where none is named. Raises ValueError when it holds no
    time with an offset."""
    if not column or piece.fault:
        return None
    cell = tables.read_row(piece.body, media).get(column)
    if cell is None:
        raise ValueError(f"there is no column {column}")
    time = datetime.fromisoformat(cell)
    if time.tzinfo is None:
        raise ValueError("no offset")
    return time
