"""The streams of a folder: which files belong together and how they are read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, BinaryIO, ClassVar, Literal, cast
from zipfile import ZipFile
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from connectors.errors import Refused
from connectors.files.documents import DocumentFiles, OdmFiles, Zone
from connectors.files.sheets import XlsxFiles
from connectors.files.stream import (
    Delimiter,
    Encoding,
    FileStream,
    Glob,
    cell_in,
    judged,
    listed,
    time_in,
)
from connectors.formats import er7_header, hl7batch, ndjson, tables, xml, zips
from connectors.formats.er7_time import read_time
from connectors.formats.pieces import START, Piece, Place

_IN_MEMORY = 8 * 1024 * 1024  # bytes; a larger member of an archive goes to a temporary file


class CsvFiles(FileStream):
    """Delimited tables; a record is one row with its header."""

    format: Literal["csv"] = Field(description="Delimited tables, a record a row.")
    delimiter: Delimiter = Field(default=",", description="The character between two cells.")
    encoding: Encoding = Field(
        default="utf-8",
        description="How text is written: utf-8, cp1252, utf-16, or another of Python's.",
    )
    columns: tuple[str, ...] = Field(default=(), description="Names that the header must have.")
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

    file_media: ClassVar[str] = "text/csv"

    @model_validator(mode="after")
    def _names_its_things(self) -> CsvFiles:
        if self.whole and not self.id:
            raise ValueError("a whole list needs `id`: the column that names the thing")
        return self

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


class NdjsonFiles(FileStream):
    """One JSON value a line, each a record."""

    format: Literal["ndjson"] = Field(description="One JSON value a line, each a record.")
    media: str = Field(default="application/json", description="The media type of a record.")
    threshold: float = Field(
        0.05,
        ge=0,
        le=1,
        description="The share of bad lines, 0 to 1, above which a file is refused.",
    )

    file_media: ClassVar[str] = "application/x-ndjson"

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        return ndjson.pieces(source, start)

    def refusal(self, source: BinaryIO) -> str:
        return judged(self.pieces(source, START), self.threshold)

    def time(self, _: Piece) -> datetime | None:
        """Lines and elements are not looked into here: the file's time stands."""
        return None

    def test(self, _: Piece) -> bool:
        return False


class BundleFiles(FileStream):
    """FHIR Bundles, one in a file or one a line; a record is the resource of one entry.

    A file that is no JSON is refused whole. One Bundle is held in memory.
    """

    format: Literal["bundle"] = Field(
        description="FHIR Bundles, a record the resource of an entry."
    )
    largest: int = Field(64 * 1024**2, gt=0, description="Bytes; a larger file is refused.")

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

    format: Literal["xml"] = Field(description="XML documents, a record an element.")
    element: str = Field(description="Which element: SubjectData, or {namespace}SubjectData.")
    ancestors: bool = Field(
        default=False, description="A record stands inside the tags of its ancestors."
    )
    media: str = Field(
        default="", description="The media type of a record; empty: application/xml;<element>."
    )
    may_be_empty: bool = Field(
        default=False, description="A document without the element is right."
    )

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

    format: Literal["hl7"] = Field(description="HL7 v2 messages, in a batch envelope or not.")
    zone: Zone = Field(
        default="", description="Time zone of an MSH-7 without an offset; empty: the file's time."
    )
    largest: int = Field(64 * 1024**2, gt=0, description="Bytes; a larger file is refused.")

    media: ClassVar[str] = "hl7v2"
    file_media: ClassVar[str] = "hl7v2;batch"

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        source.seek(0)
        try:
            messages = hl7batch.split(source.read()).messages
        except hl7batch.BadBatch as error:
            raise Refused(f"CROHUB-HL7-BATCH: {error}") from None
        for number, body in enumerate(messages[start.passed :], start.passed + 1):
            yield Piece(body, number, Place(0, number), _unreadable(body, number))

    def refusal(self, source: BinaryIO) -> str:
        return judged(self.pieces(source, START), threshold=1)

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


Member = Annotated[
    CsvFiles
    | NdjsonFiles
    | BundleFiles
    | XmlFiles
    | Hl7Files
    | OdmFiles
    | DocumentFiles
    | XlsxFiles,
    Field(discriminator="format"),
]


class ZipFiles(FileStream):
    """Zip archives; each member that matches `inside` is read as if it lay in the folder.

    Members come by name. Folders within the archive are looked into; an archive within it is not.
    """

    format: Literal["zip"] = Field(description="Zip archives, whose members are read as files.")
    inside: Glob = Field(description="Which members, by the last part of their names, e.g. *.csv.")
    of: Member = Field(
        description="How members are read; what it says of the folder does not count."
    )

    file_media: ClassVar[str] = "application/zip"

    @property
    def media(self) -> str:
        return self.of.media

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        passed = 0
        with zips.opened(source) as archive:
            for name, member in self._members(archive):
                for piece in self.of.pieces(member, START):
                    passed += 1
                    if passed > start.passed:
                        fault = piece.fault and f"{name}: {piece.fault}"
                        yield replace(piece, number=passed, after=Place(0, passed), fault=fault)

    def _members(self, archive: ZipFile) -> Iterator[tuple[str, BinaryIO]]:
        """Each member as a file that can be sought in, unlinked and gone afterwards."""
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            name = info.filename.rpartition("/")[2]
            if not name or not fnmatchcase(name, self.inside):
                continue
            if info.file_size > self.of.largest:
                raise Refused(f"CROHUB-ZIP-SIZE: a member has more than {self.of.largest:,} bytes")
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
                with zips.member(archive, info) as packed:
                    for block in zips.blocks(packed):
                        spool.write(block)
                spool.seek(0)
                yield info.filename, cast("BinaryIO", spool)

    def refusal(self, source: BinaryIO) -> str:
        """One member that is to be refused refuses the archive: it is one delivery."""
        found = 0
        try:
            with zips.opened(source) as archive:
                for name, member in self._members(archive):
                    found += 1
                    reason = self.of.refusal(member)
                    if reason:
                        return f"{name}: {reason}"
        except Refused as error:
            return str(error)
        return "" if found else f"CROHUB-ZIP-NONE: no member matches {self.inside!r}"

    def time(self, piece: Piece) -> datetime | None:
        """As the members' stream tells it."""
        return self.of.time(piece)

    def test(self, piece: Piece) -> bool:
        """As the members' stream tells it."""
        return self.of.test(piece)


Stream = Annotated[Member | ZipFiles, Field(discriminator="format")]
