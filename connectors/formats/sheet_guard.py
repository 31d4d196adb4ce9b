"""What a workbook may not bring along: macros, links to other files, things that run or connect."""

from __future__ import annotations

from typing import BinaryIO
from zipfile import ZipFile

from lxml import etree

from connectors.errors import Refused
from connectors.formats import xml, zips

_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an OLE file: .xls, or a workbook with a password
_LARGEST_PART = 4 * 1024 * 1024  # bytes of a content type list or a relationship part
TYPES = "[Content_Types].xml"
# parts by the folder or file they stand in, and how a person calls them
_FORBIDDEN = {
    "xl/vbaproject": "macros",
    "xl/macrosheets/": "macros",
    "xl/dialogsheets/": "macros",
    "xl/externallinks/": "links to other files",
    "xl/connections.xml": "a connection to a database",
    "xl/querytables/": "a connection to a database",
    "xl/embeddings/": "an embedded file",
    "xl/activex/": "a control",
    "xl/ctrlprops/": "a control",
    "customui/": "a ribbon of its own",
}
_MACRO_TYPES = ("macroenabled", "vbaproject", "macrosheet")


def judge(source: BinaryIO) -> None:
    """Raises Refused for an old or encrypted workbook, before it is taken for a zip archive."""
    source.seek(0)
    if source.read(len(_OLD)) == _OLD:
        raise Refused(
            "CROHUB-SHEET-OLD: an .xls file or a workbook with a password; save it as .xlsx "
            "without one"
        )


def judge_parts(archive: ZipFile) -> None:
    """Raises Refused naming the first thing a workbook may not have. No cell has been read."""
    names = archive.namelist()
    for name in names:
        for start, what in _FORBIDDEN.items():
            if name.lower().startswith(start):
                raise _refusal(what)
    types = zips.read(archive, TYPES, largest=_LARGEST_PART)
    for element in xml.document(types).iter(etree.Element):
        said = str(element.get("ContentType", "")).lower()
        if any(word in said for word in _MACRO_TYPES):
            raise _refusal("macros")
    for name in names:
        if name.endswith(".rels"):
            _judge_links(zips.read(archive, name, largest=_LARGEST_PART))


def _judge_links(part: bytes) -> None:
    """A hyperlink in a cell leads nowhere by itself; any other link outward is followed on load."""
    for element in xml.document(part).iter(etree.Element):
        outward = element.get("TargetMode", "").lower() == "external"
        if outward and not element.get("Type", "").endswith("/hyperlink"):
            raise _refusal("links to other files")


def _refusal(what: str) -> Refused:
    return Refused(f"CROHUB-SHEET-PARTS: the workbook has {what}; send the cells alone")
