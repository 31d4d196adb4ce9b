"""Files of Bundles: one in the file, or one a line; each entry's resource is a piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO

import orjson

from connectors.errors import Refused
from connectors.fhir import bundle
from connectors.formats import json_text, ndjson
from connectors.formats.pieces import START, Piece, Place
from connectors.resume import instant

_BOM = b"\xef\xbb\xbf"


def pieces(source: BinaryIO, start: Place) -> Iterator[Piece]:
    """Every resource in file order, byte for byte as the file spells it; a resource outside a
    Bundle is a piece, too. The file is read from its beginning whatever `start` says.

    A resource that breaks a rule of JSON, an entry without one and a line that cannot be read have
    a fault; the next is read. Raises Refused for a file that is neither one JSON value nor one a
    line.
    """
    number = 0
    for document in _documents(source):
        for body, fault in _resources(document):
            number += 1
            if number > start.passed:
                yield Piece(body, number, Place(0, number), document.told(fault))


def changed(piece: Piece) -> datetime | None:
    """`meta.lastUpdated`, where the resource has it. Raises ValueError when that is no instant."""
    meta = orjson.loads(piece.body).get("meta")
    said = meta.get("lastUpdated") if isinstance(meta, dict) else None
    if said is None:
        return None
    found = instant(said)
    if found is None:
        raise ValueError("meta.lastUpdated is no instant")
    return found


@dataclass(frozen=True, slots=True)
class _Document:
    """One JSON value of a file, read loosely; `fault` says why it cannot be read at all."""

    body: bytes
    value: Any = None
    fault: str = ""
    line: int = 0  # where each has a line of its own

    def told(self, fault: str) -> str:
        return f"line {self.line}, {fault}" if fault and self.line else fault


def _documents(source: BinaryIO) -> Iterator[_Document]:
    """A file whose first line is a whole value has one on each line."""
    source.seek(0)
    first = next(ndjson.pieces(source, START), None)
    source.seek(0)
    if first is not None and not _read(first.body).fault:
        for line in ndjson.pieces(source, START):
            yield replace(_read(line.body), line=line.number)
        return
    whole = _read(source.read().removeprefix(_BOM).strip(b" \t\r\n"))
    if whole.fault:
        raise Refused(whole.fault)
    yield whole


def _read(body: bytes) -> _Document:
    """The value, also where one of its parts breaks a rule: the other resources are sound."""
    try:
        reader = json_text.Reader(json_text.decode(body))
        part = reader.part()
        reader.end()
    except Refused as error:
        return _Document(body, fault=str(error))
    return _Document(body, part.value)


def _resources(document: _Document) -> Iterator[tuple[bytes, str]]:
    """What a document holds: resources, each with what is wrong with it."""
    body, said = document.body, document.value
    if document.fault:
        yield body, document.fault
    elif not isinstance(said, dict) or not isinstance(said.get("resourceType"), str):
        yield body, "no FHIR resource: an object with a resourceType was expected"
    elif said["resourceType"] != "Bundle":
        yield body, _fault(body)
    else:
        yield from _entries(body)


def _entries(body: bytes) -> Iterator[tuple[bytes, str]]:
    try:
        entries = bundle.read(body).entries
    except Refused as error:
        yield body, str(error)
        return
    for position, entry in enumerate(entries, 1):
        fault = entry.fault or ("" if entry.text else _without(entry))
        text = (entry.text or entry.whole).encode()
        yield text, f"entry {position}: {fault}" if fault else ""


def _fault(body: bytes) -> str:
    try:
        json_text.read(body)
    except Refused as error:
        return str(error)
    return ""


def _without(entry: bundle.Entry) -> str:
    asked = str(entry.request.get("method", ""))
    if asked == "DELETE":
        return "a deletion, which only a pull from the server's history can tell of"
    return "no resource"
