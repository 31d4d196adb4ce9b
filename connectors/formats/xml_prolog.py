"""What stands before an XML document's root: its encoding, and that it has no DOCTYPE."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from connectors.errors import Refused

PROLOG_LIMIT = 65_536  # bytes within which the root must begin

_UTF16 = ("utf-16", "utf-16-le", "utf-16-be")
# Encodings in which no character can hide as another. UTF-7 can spell `<!DOCTYPE` without `<`.
_PLAIN = ("utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252")
_MARKS = (
    (b"\xff\xfe\x00\x00", ""),
    (b"\x00\x00\xfe\xff", ""),
    (b"\x00\x00\x00<", ""),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_DECLARED = re.compile(r"""\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_BETWEEN = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Opening:
    """Where the document really begins."""

    encoding: str
    skipped: int  # bytes of white space before the declaration, which XML does not allow
    lines: int  # line ends among them


def opening(head: bytes) -> Opening:
    """Reads the first bytes (up to PROLOG_LIMIT) of a document without any XML parser.

    Raises Refused for a DOCTYPE, an encoding that is not read or that contradicts the byte
    order mark, and a root that does not begin in time.
    """
    found = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if found == "":
        raise Refused("CROHUB-XML-ENCODING: UTF-32; expected UTF-8, UTF-16 or Latin-1")
    text = head.decode(found or "latin-1", errors="ignore").removeprefix("\ufeff")
    declared = _declared(text)
    _agree(found, declared)
    _no_doctype(text, whole=len(head) < PROLOG_LIMIT)
    return _opening(head, found or declared or "utf-8")


def _declared(text: str) -> str:
    match = _DECLARED.match(text)
    if not match:
        return ""
    try:
        return codecs.lookup(match[1]).name
    except LookupError:
        raise Refused(f"CROHUB-XML-ENCODING: declares {match[1]!r}, which is not known") from None


def _agree(found: str | None, declared: str) -> None:
    if declared and declared not in (*_UTF16, *_PLAIN):
        raise Refused(f"CROHUB-XML-ENCODING: {declared} is not read; save it as UTF-8")
    wide = found in _UTF16
    if declared and wide != (declared in _UTF16):
        raise Refused(
            f"CROHUB-XML-ENCODING: declares {declared}, but its bytes are "
            f"{found or 'no UTF-16'}; declare what it is"
        )


def _no_doctype(text: str, *, whole: bool) -> None:
    place = 0
    while match := _BETWEEN.match(text, place):
        place = match.end()
    if text[place : place + 9].upper() == "<!DOCTYPE":
        line = text.count("\n", 0, place) + 1
        raise Refused(
            f"CROHUB-XML-DTD: line {line}: a document type declaration is not accepted; "
            "send the document without it"
        )
    begun = re.compile(r"<[^!?]").match(text, place)
    if not begun and not whole:
        raise Refused(f"CROHUB-XML-PROLOG: no root element within the first {PROLOG_LIMIT:,} bytes")


def _opening(head: bytes, encoding: str) -> Opening:
    """White space before the declaration is left out, where bytes are characters."""
    if encoding in _UTF16:
        return Opening(encoding, 0, 0)
    bare = head.removeprefix(codecs.BOM_UTF8)
    stripped = bare.lstrip(b" \t\r\n")
    if not stripped.startswith(b"<?xml"):
        return Opening(encoding, 0, 0)
    skipped = len(head) - len(stripped)
    return Opening(encoding, skipped, head[:skipped].count(b"\n"))
