"""The streams of a folder: which files belong together and how they are read."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, BinaryIO, ClassVar, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from connectors.errors import Refused
from connectors.formats import er7_header, hl7batch, ndjson, tables, xml
from connectors.formats.er7_time import read_time
from connectors.formats.pieces import START, Piece, Place


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

    glob: Glob
    settle: float = Field(10.0, ge=0)  # seconds a file must rest before it is read
    marker: str = ""  # ".done": read x.csv only when x.csv.done is there
    after: Literal["leave", "archive"] = "leave"  # once the hub has stored it
    archive: Annotated[Glob, Field(pattern=r"^[^.-].*$")] = "archive"  # folder below this one
    largest: int = Field(1024**3, gt=0)  # bytes; a larger file is refused


class CsvFiles(FileStream):
    """Delimited tables; a record is one row with its header."""

    format: Literal["csv"]
    delimiter: Delimiter = ","
    encoding: Encoding = "utf-8"
    columns: tuple[str, ...] = ()  # names that the header must have
    at: str = ""  # a column with the time of the row, ISO 8601 with offset
    threshold: float = Field(0.05, ge=0, le=1)  # the share of bad rows that refuses the file

    file_media: ClassVar[str] = "text/csv"

    @property
    def media(self) -> str:
        return self._dialect.media

    @property
    def _dialect(self) -> tables.Dialect:
        return tables.Dialect(
            delimiter=self.delimiter, encoding=self.encoding, columns=self.columns
        )

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        return tables.pieces(source, self._dialect, start)

    def refusal(self, source: BinaryIO) -> str:
        return _refusal(self.pieces(source, START), self.threshold)

    def time(self, piece: Piece) -> datetime | None:
        """Raises ValueError when the column is named but holds no time with an offset."""
        if not self.at or piece.fault:
            return None
        cell = tables.read_row(piece.body, self.media).get(self.at)
        if cell is None:
            raise ValueError(f"there is no column {self.at}")
        time = datetime.fromisoformat(cell)
        if time.tzinfo is None:
            raise ValueError("no offset")
        return time

    def test(self, _: Piece) -> bool:
        return False


class NdjsonFiles(FileStream):
    """One JSON value a line, each a record."""

    format: Literal["ndjson"]
    media: str = "application/json"
    threshold: float = Field(0.05, ge=0, le=1)

    file_media: ClassVar[str] = "application/x-ndjson"

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        return ndjson.pieces(source, start)

    def refusal(self, source: BinaryIO) -> str:
        return _refusal(self.pieces(source, START), self.threshold)

    def time(self, _: Piece) -> datetime | None:
        """Lines and elements are not looked into here: the file's time stands."""
        return None

    def test(self, _: Piece) -> bool:
        return False


class BundleFiles(FileStream):
    """FHIR Bundles, one in a file or one a line; a record is the resource of one entry.

    A file that is no JSON is refused whole. One Bundle is held in memory.
    """

    format: Literal["bundle"]
    largest: int = Field(64 * 1024**2, gt=0)

    media: ClassVar[str] = "application/fhir+json"
    file_media: ClassVar[str] = "application/fhir+json;bundle"

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        from connectors.fhir import bundle_file  # brings the HTTP client, which takes long to load

        return bundle_file.pieces(source, start)

    def refusal(self, source: BinaryIO) -> str:
        try:
            found = sum(1 for _ in self.pieces(source, START))
        except Refused as error:
            return f"CROHUB-FHIR-BUNDLE: {error}"
        return "" if found else "CROHUB-FHIR-NONE: the file has no resource"

    def time(self, piece: Piece) -> datetime | None:
        """When the server says that the resource changed. Raises ValueError when that is none."""
        from connectors.fhir import bundle_file

        return None if piece.fault else bundle_file.changed(piece)

    def test(self, _: Piece) -> bool:
        return False


class XmlFiles(FileStream):
    """XML documents; a record is one element, inside its ancestors' tags when wanted so."""

    format: Literal["xml"]
    element: str  # "SubjectData" or "{namespace}SubjectData"
    ancestors: bool = False
    media: str = ""  # "" is "application/xml;<element>"
    may_be_empty: bool = False  # a document without the element is right

    file_media: ClassVar[str] = "application/xml"

    @model_validator(mode="after")
    def _has_media(self) -> XmlFiles:
        if not self.media:
            name = self.element.rpartition("}")[2]
            object.__setattr__(self, "media", f"application/xml;{name}")
        return self

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        source.seek(0)
        found = xml.elements(
            source,
            [self.element],
            skip=start.passed,
            ancestors=self.ancestors,
            limits=xml.Limits(size=self.largest),
        )
        for one in found:
            yield Piece(one.body, one.number, Place(0, one.number))

    def refusal(self, source: BinaryIO) -> str:
        try:
            found = sum(1 for _ in self.pieces(source, START))
        except Refused as error:
            return str(error)
        if found or self.may_be_empty:
            return ""
        return f"CROHUB-XML-NONE: the document has no element {self.element}"

    def time(self, _: Piece) -> datetime | None:
        """Lines and elements are not looked into here: the file's time stands."""
        return None

    def test(self, _: Piece) -> bool:
        return False


class Hl7Files(FileStream):
    """HL7 v2 messages, in a batch envelope (FHS, BHS) or not; a record is one message.

    A batch whose counts are wrong is refused whole. The file is held in memory.
    """

    format: Literal["hl7"]
    zone: str = ""  # of MSH-7 without an offset, "Europe/Vienna"; "" takes the file's time then
    largest: int = Field(64 * 1024**2, gt=0)

    media: ClassVar[str] = "hl7v2"
    file_media: ClassVar[str] = "hl7v2;batch"

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        if zone and zone not in available_timezones():
            raise ValueError(f"{zone!r} is no time zone; expected a name such as Europe/Vienna")
        return zone

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        source.seek(0)
        try:
            messages = hl7batch.split(source.read()).messages
        except hl7batch.BadBatch as error:
            raise Refused(f"CROHUB-HL7-BATCH: {error}") from None
        for number, body in enumerate(messages[start.passed :], start.passed + 1):
            yield Piece(body, number, Place(0, number), _unreadable(body, number))

    def refusal(self, source: BinaryIO) -> str:
        return _refusal(self.pieces(source, START), threshold=1)

    def time(self, piece: Piece) -> datetime | None:
        """MSH-7. Raises ValueError when it is none, or has no offset and no zone is set."""
        if piece.fault:
            return None
        said = er7_header.header(piece.body).time
        offset = said[-5:-4] in ("+", "-")
        time = read_time(said, ZoneInfo(self.zone or "UTC"))
        if time is None or not (offset or self.zone):
            raise ValueError("MSH-7 is no instant")
        return time

    def test(self, piece: Piece) -> bool:
        """MSH-11 says so."""
        return not piece.fault and er7_header.header(piece.body).processing_id in ("T", "D")


def _unreadable(body: bytes, number: int) -> str:
    try:
        er7_header.header(body)
    except er7_header.Unreadable as error:
        return f"message {number}: {error}"
    return ""


Stream = Annotated[
    CsvFiles | NdjsonFiles | BundleFiles | XmlFiles | Hl7Files, Field(discriminator="format")
]


def _refusal(pieces: Iterator[Piece], threshold: float) -> str:
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
