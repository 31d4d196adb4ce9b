"""A mapping tried on a file: what each message in it means, without any hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from connectors.formats import hl7batch, ndjson, odm, tables
from connectors.formats.pieces import START, Piece
from connectors.record import Record
from hub.statement import Meaning
from mappings.code_tables import CodeTables, load_codes
from mappings.collection import Library, Mapping, load, load_library
from mappings.deployed import deployed
from mappings.mistakes import one_of
from mappings.setting import Context
from mappings.values import NotUnderstood
from pipelines.validating import validated

_ARRIVED = datetime(2026, 1, 1, tzinfo=UTC)  # mappings never look at it
ROW = "text/csv;row"


class NoMapping(Exception):
    """Nothing is called so: neither a mapping nor a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One message of the file: its number from 1, and what it means or why it means nothing."""

    number: int
    meaning: Meaning | None = None
    fault: str = ""
    place: str = ""


def library_of(config: Path | None) -> Library:
    """The packaged mappings, with a deployment's own on top. Raises MappingErrors."""
    if config is not None:
        return deployed(config)
    return load_library(codes=load_codes(), packaged=True)


def mapping_of(name: str, config: Path | None, context: Context) -> Mapping:
    """A mapping by its name in the library, or by the path of its file.

    Raises NoMapping, and MappingErrors with every mistake.
    """
    library = library_of(config)
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return load(path, codes=library.codes, context=context)
    if name not in library.inbound:
        raise NoMapping(f"no mapping is called {name!r}; {one_of(name, library.inbound)}")
    return _ready(library, name, library.codes, context)


def _ready(library: Library, name: str, codes: CodeTables, context: Context) -> Mapping:
    return Mapping(library.inbound[name], codes, library.reader([name], context))


def tried(
    mapping: Mapping, file: Path, *, said: Literal["said", "gone"] = "said", check: str = ""
) -> Iterator[Tried]:
    """What every message, row or resource of a file means, in its order. `check`, a FHIR version,
    has each compared with its standard, too: its faults are complaints.

    Raises connectors.errors.Refused when the file as a whole cannot be read.
    """
    for piece, media in _pieces(mapping.spec.reads, file):
        if piece.fault:
            yield Tried(number=piece.number, fault=piece.fault)
            continue
        record = Record(
            stream="trial",
            message_key=f"{file.name}:{piece.number}",
            at=_ARRIVED,
            body=piece.body,
            media=media,
            said=said,
        )
        try:
            meaning = mapping(record)
            if check:
                meaning = validated(meaning, piece.body, media, check)
            yield Tried(number=piece.number, meaning=meaning)
        except NotUnderstood as error:
            yield Tried(number=piece.number, fault=str(error), place=error.place)


def _pieces(reads: str, file: Path) -> Iterator[tuple[Piece, str]]:
    if reads == "hl7v2":
        yield from ((piece, reads) for piece in _messages(file.read_bytes()))
    elif reads == ROW and file.suffix == ".xlsx":
        from connectors.formats import sheets  # brings openpyxl, which takes long to load

        with file.open("rb") as source:
            yield from ((piece, ROW) for piece in sheets.pieces(source, sheets.Dialect()))
    elif reads == odm.MEDIA:
        with file.open("rb") as source:
            yield from ((Piece(part.body, part.number, START), reads) for part in odm.parts(source))
    elif reads == ROW:
        dialect = tables.Dialect()
        with file.open("rb") as source:
            yield from ((piece, dialect.media) for piece in tables.pieces(source, dialect, START))
    elif file.suffix == ".ndjson":
        with file.open("rb") as source:
            yield from ((piece, reads) for piece in ndjson.pieces(source, START))
    else:
        yield Piece(file.read_bytes(), 1, START), reads


def _messages(content: bytes) -> Iterator[Piece]:
    try:
        messages = hl7batch.split(content).messages
    except hl7batch.BadBatch as error:
        yield Piece(b"", 1, START, str(error))
        return
    yield from (Piece(body, n, START) for n, body in enumerate(messages, 1))
