"""CDISC ODM documents, streamed: one part for each subject, study and list of users and sites.

Read are 1.2, 1.3 and 2.0 in XML, with their namespace or without, and vendors' extensions. A
part's body is an ODM document of its own: the start tags that were open around the element, with
all their attributes, and the element as it stands, in UTF-8. Nothing of the context is lost, and
the part can be read alone, years later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import BinaryIO

from lxml import etree

from connectors.errors import Refused
from connectors.formats import xml
from connectors.formats.xml_prolog import PROLOG_LIMIT

MEDIA = "application/odm+xml"
STANDARD = "http://www.cdisc.org/ns/odm/"
NAMESPACES = ("", f"{STANDARD}v1.2", f"{STANDARD}v1.3", f"{STANDARD}v2.0")
_SUBJECT, _CLINICAL, _DEFINITIONS, _GROUP = (
    "SubjectData", "ClinicalData", "MetaDataVersion", "ItemGroupData",
)  # fmt: skip
_WHOLE = ("Study", "AdminData")  # parts that stand directly below the root
_TAGS = tuple(
    f"{{*}}{name}"
    for name in ("ODM", _CLINICAL, _SUBJECT, _DEFINITIONS, "ReferenceData", _GROUP, *_WHOLE)
)
_ENVIRONMENT = re.compile(r"\(([^()]{1,40})\)\s*$")
LARGEST_PART = 64 * 1024 * 1024  # bytes of the document that one part may take
CHANGES = ("Insert", "Update", "Remove", "Upsert", "Context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the root says of the whole file; "" for what it does not say."""

    name: str = ""  # "ODM"; "MetaDataVersion" for a bare definition
    file_oid: str = ""
    prior_oid: str = ""
    file_type: str = ""  # Snapshot, Transactional
    created: str = ""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One element of the file that says something by itself."""

    number: int  # 1 is the first
    name: str  # SubjectData, Study, AdminData, MetaDataVersion
    study: str  # StudyOID
    key: str  # SubjectKey
    change: str  # TransactionType
    header: Header
    body: bytes  # "" for one that was passed over

    @property
    def environment(self) -> str:
        """What stands in parentheses behind a StudyOID: `Project(TEST)`; "" for nothing."""
        found = _ENVIRONMENT.search(self.study)
        return found[1] if found else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the standard asks for and the file does not say."""
        return tuple(_notes(self))


def parts(
    source: BinaryIO,
    *,
    skip: int = 0,
    serialise: bool = True,
    largest: int = LARGEST_PART,
    limits: xml.Limits = xml.DEFAULT,
) -> Iterator[Part]:
    """The parts of a document in its order, the first `skip` passed over.

    Streams: memory is that of one part. Raises Refused for what is no ODM document, holds
    datasets instead of subjects, or breaks a rule of `connectors.formats.xml`; what was yielded
    before stands.
    """
    source.seek(0)
    reading = _Reading(skip, serialise=serialise)
    freed = 0
    for fed in xml.chunks(source, limits, _TAGS):
        for event, element in fed.events:
            if event == "start":
                reading.begin(element)
                continue
            part = reading.end(element)
            if part:
                yield part
            if reading.frees(element):
                xml.forget(element)
                freed = fed.size
        if fed.size - freed > largest:
            raise Refused(f"CROHUB-ODM-SIZE: one part has more than {largest:,} bytes")
    if reading.header is None:
        raise Refused(f"CROHUB-ODM-ROOT: no {STANDARD[:-1]} document; expected ODM as its root")


def header(source: BinaryIO) -> Header:
    """What the root says; an empty Header where none is found at the beginning."""
    source.seek(0)
    reading = _Reading(0, serialise=False)
    for fed in xml.chunks(source, xml.DEFAULT, _TAGS):
        for event, element in fed.events:
            if event == "start" and reading.header is None:
                reading.begin(element)
        if reading.header or fed.size > PROLOG_LIMIT:
            break
    return reading.header or Header()


class _Reading:
    """Where in a document we are. Extensions may reuse the standard's names in a namespace of
    their own, or further down: an element counts only in its right place."""

    __slots__ = ("_around", "_data", "_namespace", "_number", "_root", "_serialise", "_skip",
                 "header")  # fmt: skip

    def __init__(self, skip: int, *, serialise: bool) -> None:
        self._skip, self._serialise = skip, serialise
        self._number = 0
        self._namespace = ""
        self._root: etree._Element | None = None
        self._data: etree._Element | None = None  # the ClinicalData we are in
        self._around: tuple[bytes, bytes] = (b"", b"")  # tags around a part of it
        self.header: Header | None = None

    def begin(self, element: etree._Element) -> None:
        if self._root is None:
            self._open(element)
        elif element.getparent() is self._root and self._is(element, _CLINICAL):
            self._data = element
            self._around = _around(self._root, element) if self._serialise else (b"", b"")
        elif element.getparent() is self._data and self._is(element, _GROUP):
            raise Refused(
                "CROHUB-ODM-DATASET: a Dataset-XML file, which holds tables and no subjects"
            )

    def end(self, element: etree._Element) -> Part | None:
        """The part that this end completes, if any and if it is not passed over."""
        name = self._part(element)
        if not name:
            return None
        self._number += 1
        if self._number <= self._skip:
            return None
        holder = self._data if name == _SUBJECT else element
        study = "" if holder is None else holder.get("StudyOID", "")
        return Part(
            self._number,
            name,
            study or (element.get("OID", "") if name == "Study" else ""),
            element.get("SubjectKey", "") if name == _SUBJECT else "",
            element.get("TransactionType", "") if name == _SUBJECT else "",
            self.header or Header(),
            self._body(element, name) if self._serialise else b"",
        )

    def frees(self, element: etree._Element) -> bool:
        """Is nothing of it, or before it, needed any more? What is inside a part goes with it."""
        if element is self._root:
            return False
        parent = element.getparent()
        return parent is self._root or (parent is self._data and self._data is not None)

    def _open(self, root: etree._Element) -> None:
        xml.no_doctype(root)
        if root.getparent() is not None:
            raise Refused("CROHUB-ODM-ROOT: the root is none of ODM; expected ODM as the root")
        name = etree.QName(root)
        if (name.namespace or "") not in NAMESPACES:
            raise Refused(
                f"CROHUB-ODM-NAMESPACE: {(name.namespace or '')[:100]!r}; expected that of "
                "ODM 1.2, 1.3 or 2.0, or none"
            )
        if name.localname not in ("ODM", _DEFINITIONS):
            raise Refused(f"CROHUB-ODM-ROOT: the root is {name.localname}; expected ODM")
        self._root, self._namespace = root, name.namespace or ""
        self.header = Header(
            name=name.localname,
            file_oid=root.get("FileOID", ""),
            prior_oid=root.get("PriorFileOID", ""),
            file_type=root.get("FileType", ""),
            created=root.get("CreationDateTime", "").strip(),
            as_of=root.get("AsOfDateTime", "").strip(),
        )

    def _is(self, element: etree._Element, name: str) -> bool:
        return element.tag == (f"{{{self._namespace}}}{name}" if self._namespace else name)

    def _part(self, element: etree._Element) -> str:
        parent = element.getparent()
        if parent is None:
            return _DEFINITIONS if self._is(element, _DEFINITIONS) else ""
        if parent is self._data and self._is(element, _SUBJECT):
            return _SUBJECT
        if parent is not self._root:
            return ""
        return next((name for name in _WHOLE if self._is(element, name)), "")

    def _body(self, element: etree._Element, name: str) -> bytes:
        own = etree.tostring(element, encoding="utf-8", with_tail=False)
        if name == _DEFINITIONS or self._root is None:
            return own
        before, after = self._around if name == _SUBJECT else _around(self._root)
        return before + own + after


def _around(*open_: etree._Element) -> tuple[bytes, bytes]:
    """The start tags of elements, outermost first, and their end tags."""
    starts = [xml.start_tag(element) for element in open_]
    names = [start[1:].split(None, 1)[0].rstrip(b">") for start in starts]
    return b"".join(starts), b"".join(b"</%s>" % name for name in reversed(names))


def moment(said: str, zone: tzinfo | None) -> datetime:
    """An ODM date and time; without an offset it is local to `zone`. Raises ValueError for what
    is none, and for one without an offset where no zone is known."""
    found = datetime.fromisoformat(said)
    if found.tzinfo is None and zone is None:
        raise ValueError("no offset")
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _notes(part: Part) -> Iterator[str]:
    head = part.header
    if head.name == _DEFINITIONS:
        yield "a MetaDataVersion alone: nothing says of which study"
    elif head.file_type not in ("Snapshot", "Transactional"):
        yield "FileType is missing or neither Snapshot nor Transactional; read as Snapshot"
    if part.change and part.change not in CHANGES:
        yield f"TransactionType is none of {', '.join(CHANGES)}; read as Upsert"
