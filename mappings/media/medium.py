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
    # paths of which `together` reads several in one go, one value each, as `one` reads them
    plain: Callable[[str], bool] = lambda _path: False
    together: Callable[[Sequence[str]], GetAll] | None = None
    text: bool = True  # every value is text
    notes: Callable[[Document], Sequence[str]] = lambda _document: ()  # what was odd about the body
