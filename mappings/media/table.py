"""One row of a delimited file with its header line, addressed by column name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.errors import Refused
from connectors.formats import tables
from mappings.media.medium import Document, Element, Get, GetAll, Medium
from mappings.values import BadPath, NotUnderstood

LONGEST_COLUMN = 200


def medium() -> Medium:
    """Bodies of a header line and one row; the record's media says delimiter and encoding."""
    return Medium(read=_read, one=_one, all=_all, each=_no_each, unread=_unread)


def _read(body: bytes, media: str) -> dict[str, str]:
    try:
        return tables.read_row(body, media)
    except Refused as refusal:
        raise NotUnderstood(rule="unreadable-row", place="row", expected=str(refusal)) from None


def _one(path: str) -> Get:
    """The cell, without the blanks around it; an empty cell is absent."""
    if not path or len(path) > LONGEST_COLUMN or path != path.strip():
        raise BadPath(f"the path {path[:60]!r}", "a column name")

    def cell(document: Document, _element: Element) -> str | None:
        value: str | None = document.get(path)
        return (value.strip() or None) if value else None

    return cell


def _all(path: str) -> GetAll:
    get = _one(path)

    def values(document: Document, element: Element) -> tuple[Any, ...]:
        found = get(document, element)
        return () if found is None else (found,)

    return values


def _no_each(path: str) -> GetAll:
    raise BadPath(f"each {path!r} on a row", "no `each`; a row has no parts, use `split`")


def _unread(document: Document, paths: Iterable[str]) -> list[str]:
    named = set(paths)
    return sorted(name for name, cell in document.items() if cell.strip() and name not in named)
