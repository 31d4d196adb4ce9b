"""What every wire format offers to a mapping: reading a body and compiling the paths into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

# Whatever the medium's `read` and `each` give; only the medium's own paths look inside.
Document = Any
Element = Any
# What a source said, before and between the steps.
Found = Any
# From the whole document and the element at hand (None outside `each`) to a raw value or None.
Get = Callable[[Document, Element], Found]
GetAll = Callable[[Document, Element], Sequence[Found]]

LONGEST_PATH = 500
# A plain path, the name its text is put under, and how long that may be.
Column = tuple[str, str, int]
# Puts what is printable and short enough into the fields; the numbers of the columns that hold
# something else, to be looked at one by one.
Take = Callable[[Document, Element, dict[str, Any]], Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """One wire format.

    A path that starts with "." is relative to the element of the nearest `each`; any other path
    starts from the whole document. `one` and `each` raise BadPath. `read` raises NotUnderstood.
    `removed` is the text by which the format says "no value any more"; `authority` assigns the
    numbers for which a message names no assigner ("": nobody does).
    """

    read: Callable[[bytes, str], Document]  # body and the record's media
    one: Callable[[str], Get]
    all: Callable[[str], GetAll]  # every value, in order; none is skipped but the absent
    each: Callable[[str], GetAll]  # the elements that relative paths are read from
    unread: Callable[[Document, Iterable[str]], list[str]]  # places with data that no path names
    removed: str | None = None
    authority: str = ""
    # paths of which `taking` reads several in one go, as `one` reads them
    plain: Callable[[str], bool] = lambda _path: False
    taking: Callable[[Sequence[Column]], Take] | None = None
    text: bool = True  # every value is text
    notes: Callable[[Document], Sequence[str]] = lambda _document: ()  # what was odd about the body
