"""Streams of workbooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, ClassVar, Literal

from pydantic import Field, model_validator

from connectors.files.stream import FileStream, cell_in, judged, listed, time_in
from connectors.formats import tables
from connectors.formats.pieces import START, Piece, Place


class XlsxFiles(FileStream):
    """Workbooks; a record is one row of one sheet with its header, as of a CSV file."""

    format: Literal["xlsx"] = Field(description="Workbooks, a record a row of a sheet.")
    sheet: str = Field(
        default="", description="The sheet's name; empty: the first that is not hidden."
    )
    columns: tuple[str, ...] = Field(default=(), description="Names that the header must have.")
    formulas: Literal["value", "refuse"] = Field(
        default="value",
        description="What a formula is: its value as saved, with a note, or a bad row (refuse).",
    )
    at: str = Field(
        default="", description="The column with the time of the row, ISO 8601 with offset."
    )
    threshold: float = Field(
        0.05,
        ge=0,
        le=1,
        description="The share of bad rows, 0 to 1, above which a file is refused.",
    )
    whole: bool = Field(
        default=False, description="Each file is the whole list: what it misses has gone."
    )
    id: str = Field(
        default="", description="The column that names the thing; needed where `whole` is true."
    )
    largest: int = Field(256 * 1024**2, gt=0, description="Bytes; a larger file is refused.")

    media: ClassVar[str] = tables.MEDIA
    file_media: ClassVar[str] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    @model_validator(mode="after")
    def _names_its_things(self) -> XlsxFiles:
        if self.whole and not self.id:
            raise ValueError("a whole list needs `id`: the column that names the thing")
        return self

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        from connectors.formats import sheets  # brings openpyxl, which takes long to load

        dialect = sheets.Dialect(sheet=self.sheet, columns=self.columns, formulas=self.formulas)
        return sheets.pieces(source, dialect, start)

    def refusal(self, source: BinaryIO) -> str:
        fault = judged(self.pieces(source, START), self.threshold)
        return fault or (listed(self.pieces(source, START)) if self.whole else "")

    @property
    def is_list(self) -> bool:
        return self.whole

    def thing(self, piece: Piece) -> str:
        return cell_in(piece, self.id, self.media) if self.whole else ""

    def time(self, piece: Piece) -> datetime | None:
        """Raises ValueError when the column is named but holds no time with an offset."""
        return time_in(piece, self.at, self.media)

    def test(self, _: Piece) -> bool:
        return False
