"""The lane of a message: the text after which messages keep their order, read while accepting.

A lane is looked for before anything is stored, so it reads bytes and decodes as little as it can;
what is unusual in a message (line feeds, escapes, other encodings) goes the way of the mapping's
own reader and gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from connectors.formats import er7_path
from connectors.formats.er7_path import Path
from connectors.formats.tables import MEDIA as ROW
from hub.statement import REMOVED
from mappings.media import choose, hl7_sheet
from mappings.media.medium import Get, Medium
from mappings.transforms import as_text
from mappings.values import BadPath, BadValue, NotUnderstood

Lane = Callable[[bytes], str | None]


def compile_lane(
    expression: str | Sequence[str],
    media: str = "hl7v2",
    *,
    prefixes: Mapping[str, str] | None = None,
) -> Lane:
    """Reads the first of the paths in `expression` that has a value; None when none has, or when
    the body cannot be read: such a message is parked for another reason.

    Pure, and never raises for a body. Raises BadPath for a path that is none.
    """
    medium = choose.medium(ROW if media.startswith(ROW) else media, prefixes=prefixes)
    if medium is None:
        raise BadPath(f"the medium {media!r}", choose.EXPECTED)
    paths = [expression] if isinstance(expression, str) else list(expression)
    if not paths:
        raise BadPath("a lane without a path", "one path or several")
    whole = _whole(medium, media, [medium.one(path) for path in paths])
    if media != "hl7v2":
        return whole
    parsed = [er7_path.parse(path) for path in paths]
    if all(at.component and hl7_sheet.is_plain(at) and at.segment != "MSH" for at in parsed):
        return _quick([_finder(at) for at in parsed], whole)
    return whole


def _whole(medium: Medium, media: str, gets: Sequence[Get]) -> Lane:
    """By way of the medium's own reader."""

    def lane(body: bytes) -> str | None:
        try:
            document = medium.read(body, media)
        except NotUnderstood:
            return None
        for get in gets:
            try:
                found = get(document, None)
                text = None if found in (None, "", medium.removed, REMOVED) else as_text(found)
            except BadValue:
                continue
            if text:
                return text
        return None

    return lane


# Finds a component in the bytes of a message; NotImplemented: this needs the whole reader.
_Find = Callable[[bytes], object]


def _quick(finders: Sequence[_Find], whole: Lane) -> Lane:
    def lane(body: bytes) -> str | None:
        # Four encoding characters and segments that end in CR: nearly every message there is.
        if body[:3] != b"MSH" or body[8:9] != body[3:4] or b"\n" in body or b"\0" in body:
            return whole(body)
        for find in finders:
            found = find(body)
            if found is NotImplemented:
                return whole(body)
            if found:
                return str(found)
        return None

    return lane


def _finder(at: Path) -> _Find:
    """A component of one segment's field, straight from the bytes."""
    start_mark, number, index = b"\r" + at.segment.encode(), at.field, at.component - 1
    fits, first, last = _choice(at)

    def find(body: bytes) -> object:
        start = body.find(start_mark) + 1
        if not start:
            return None
        end = body.find(b"\r", start)
        field, mark, again, escape, below = _marks(body[3:8])
        cells = body[start : end if end > 0 else len(body)].split(field, number + 1)
        raw = cells[number] if number < len(cells) else b""
        if not raw.isascii() or escape in raw or below in raw or raw == b'""':
            return NotImplemented
        for one in raw.split(again)[first:last] if again in raw else (raw,)[first:last]:
            parts = one.split(mark)
            if index < len(parts) and parts[index] and fits(parts):
                return NotImplemented if parts[index] == b'""' else parts[index].decode("ascii")
        return None

    return find


@lru_cache(maxsize=64)
def _marks(declared: bytes) -> tuple[bytes, ...]:
    """Field, component, repetition, escape, subcomponent."""
    return tuple(declared[n : n + 1] for n in range(5))


def _choice(at: Path) -> tuple[Callable[[list[bytes]], bool], int, int | None]:
    """Which repetitions are looked into: a test of their components, and first and last."""
    which = at.which_repetition
    if which is None:
        return (lambda _: True), 0, None if at.any_repetition else 1
    if isinstance(which, int):
        return (lambda _: True), which - 1, which
    index, wanted = which.numbers[0] - 1, which.value.encode()

    def matches(parts: list[bytes]) -> bool:
        return (parts[index] if index < len(parts) else b"") == wanted

    return matches, 0, None
