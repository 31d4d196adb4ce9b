"""XML bodies addressed by XPath 1.0 with the prefixes that the mapping declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import etree

from connectors.errors import Refused
from connectors.formats import xml
from mappings.media.medium import LONGEST_PATH, Document, Element, Found, Get, GetAll, Medium
from mappings.values import BadPath, BadValue, NotUnderstood

_WORD = re.compile(r"[A-Za-z_][\w.-]*")


def medium(*, prefixes: Mapping[str, str]) -> Medium:
    """XML; `prefixes` are the only ones that paths may use."""

    def one(path: str) -> Get:
        return _one(path, prefixes)

    def texts(path: str) -> GetAll:
        return _texts(path, prefixes)

    def each(path: str) -> GetAll:
        return _nodes(path, prefixes)

    return Medium(read=_read, one=one, all=texts, each=each, unread=_unread, text=False)


def _read(body: bytes, _media: str) -> Found:
    try:
        return xml.document(body)
    except Refused as refusal:
        rule = "xml-doctype" if "CROHUB-XML-DTD" in str(refusal) else "unreadable-xml"
        raise NotUnderstood(rule=rule, place="document", expected=str(refusal)) from None


def _nodes(path: str, prefixes: Mapping[str, str]) -> GetAll:
    """What the path selects; "./…" from the element at hand, all else from the document."""
    if len(path) > LONGEST_PATH:
        raise BadPath(f"a path of {len(path)} characters", f"at most {LONGEST_PATH}")
    try:
        compiled = etree.XPath(
            path, namespaces=dict(prefixes) or None, regexp=False, smart_strings=False
        )
        # Unknown prefixes and functions show only when a path is evaluated.
        compiled(etree.Element("probe"))
    except etree.XPathError as error:
        known = ", ".join(sorted(prefixes)) or "none"
        expected = f"XPath 1.0 (declared prefixes: {known})"
        raise BadPath(f"the path {path[:60]!r} ({error})", expected) from None
    relative = path.startswith(".")

    def select(document: Document, element: Element) -> Sequence[Any]:
        here = element if relative and element is not None else document
        try:
            found = compiled(here)
        except etree.XPathError as error:
            raise BadValue("expression-failed", type(error).__name__) from None
        return found if isinstance(found, list) else (found,)

    return select


def _texts(path: str, prefixes: Mapping[str, str]) -> GetAll:
    select = _nodes(path, prefixes)

    def texts(document: Document, element: Element) -> Sequence[Any]:
        found = (_text(item) for item in select(document, element))
        return [text for text in found if text not in (None, "")]

    return texts


def _one(path: str, prefixes: Mapping[str, str]) -> Get:
    """The text of the first thing selected; empty text is absent."""
    texts = _texts(path, prefixes)

    def first(document: Document, element: Element) -> Found:
        return next(iter(texts(document, element)), None)

    return first


def _text(item: Found) -> Found:
    if hasattr(item, "itertext"):
        return "".join(str(part) for part in item.itertext()).strip()
    if isinstance(item, float):
        return int(item) if item.is_integer() else str(item)
    return item


def _unread(document: Document, paths: Iterable[str]) -> list[str]:
    """Names of elements and @attributes that hold data and that no path mentions."""
    mentioned = {word for path in paths for word in _WORD.findall(path)}
    found: set[str] = set()
    for element in document.iter(etree.Element):
        name = etree.QName(element).localname
        if element.text and element.text.strip() and name not in mentioned:
            found.add(name)
        for attribute in element.attrib:
            local = etree.QName(attribute).localname
            if local not in mentioned:
                found.add(f"{name}/@{local}")
    return sorted(found)
