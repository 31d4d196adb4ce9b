"""Streams of documents: ODM files, and files that are one XML or JSON document each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, BinaryIO, ClassVar, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from connectors.errors import Refused
from connectors.files.stream import FileStream, Link
from connectors.formats import json_text, odm, xml
from connectors.formats.pieces import START, Piece, Place


def _a_zone(zone: str) -> str:
    if zone and zone not in available_timezones():
        raise ValueError(f"{zone!r} is no time zone; expected a name such as Europe/Vienna")
    return zone


Zone = Annotated[str, AfterValidator(_a_zone)]


class OdmFiles(FileStream):
    """CDISC ODM, Snapshot and Transactional; a record is a subject's data, a study's definition
    or the users and sites, each inside the tags that say of which file and study it is.

    A study whose OID ends in parentheses names its environment: what `production` does not list
    is no production data. A removed subject is gone; one that a later Snapshot leaves out is gone
    only where `whole` says that each file is a Snapshot of all there is.
    """

    format: Literal["odm"] = Field(
        description="CDISC ODM, a record a subject, a study, or users and sites."
    )
    production: tuple[str, ...] = Field(
        default=("prod", "production", "live"),
        description="The environments, in the study OID's parentheses, that are real.",
    )
    zone: Zone = Field(
        default="",
        description="Time zone of a CreationDateTime without offset; empty: the file's time.",
    )
    largest_part: int = Field(
        odm.LARGEST_PART, gt=0, description="Bytes; a file with a larger record is refused."
    )
    whole: bool = Field(
        default=False, description="Each file is the whole list: what it misses has gone."
    )

    media: ClassVar[str] = odm.MEDIA
    file_media: ClassVar[str] = odm.MEDIA

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        named: Counter[str] = Counter()  # a subject may stand in a file more than once
        for part in self._parts(source, start.passed):
            outside = part.environment and part.environment.lower() not in self.production
            yield Piece(
                part.body,
                part.number,
                Place(0, part.number),
                notes=part.notes,
                test=bool(outside),
                gone=part.change == "Remove",
                at=self._at(part),
                of=_named(part, named) if self.whole else "",
            )

    def _parts(
        self, source: BinaryIO, skip: int = 0, *, serialise: bool = True
    ) -> Iterator[odm.Part]:
        return odm.parts(
            source,
            skip=skip,
            serialise=serialise,
            largest=self.largest_part,
            limits=xml.Limits(size=self.largest),
        )

    def _at(self, part: odm.Part) -> datetime | None:
        said = part.header.as_of or part.header.created
        try:
            return odm.moment(said, ZoneInfo(self.zone) if self.zone else None)
        except ValueError:
            return None

    def refusal(self, source: BinaryIO) -> str:
        """A file without any part is right, unless it is to be the whole list."""
        found = 0
        try:
            for part in self._parts(source, serialise=False):
                found += 1
                if self.whole and part.header.file_type == "Transactional":
                    return "CROHUB-ODM-TYPE: a Transactional file, expected a Snapshot of all"
        except Refused as error:
            return str(error)
        return "" if found or not self.whole else "CROHUB-LIST-EMPTY: the file has no part"

    @property
    def is_list(self) -> bool:
        return self.whole

    def thing(self, piece: Piece) -> str:
        return piece.of

    def link(self, source: BinaryIO) -> Link | None:
        """FileOID and PriorFileOID. A Snapshot follows nothing."""
        found = odm.header(source)
        return Link(found.file_oid, found.prior_oid)

    def time(self, piece: Piece) -> datetime:
        """When the file says it was so. Raises ValueError where it does not say when, or where."""
        if piece.at is None:
            raise ValueError("no time with an offset")
        return piece.at

    def test(self, piece: Piece) -> bool:
        """The study's environment says so."""
        return piece.test


def _named(part: odm.Part, named: Counter[str]) -> str:
    """Which thing a part is of; the second of one name is told apart by its place."""
    name = f"{part.name}|{part.study}|{part.key}"
    named[name] += 1
    return name if named[name] == 1 else f"{name}|{named[name]}"


class DocumentFiles(FileStream):
    """Files that are one document each: an invoice, a study design. The record is the file, byte
    for byte; one that is no sound document is refused."""

    format: Literal["document"] = Field(
        description="One XML or JSON document a file, the record is the file."
    )
    media: str = Field(
        pattern=r"^[\w.+/;=-]*(xml|json)[\w.+/;=-]*$",
        description="The media type of the document, e.g. application/xml;invoice.",
    )
    largest: int = Field(64 * 1024**2, gt=0, description="Bytes; a larger file is refused.")

    @property
    def file_media(self) -> str:
        return self.media

    def pieces(self, source: BinaryIO, start: Place) -> Iterator[Piece]:
        if start.passed:
            return
        source.seek(0)
        yield Piece(source.read(), 1, Place(0, 1))

    def refusal(self, source: BinaryIO) -> str:
        [piece] = self.pieces(source, START)
        try:
            if "xml" in self.media:
                xml.document(piece.body, limits=xml.Limits(size=self.largest))
            else:
                json_text.read(piece.body)
        except Refused as error:
            return str(error)
        return ""

    def time(self, _: Piece) -> datetime | None:
        """A document is not looked into here: the file's time stands."""
        return None

    def test(self, _: Piece) -> bool:
        return False
