"""Which of several mappings fit a document: the few values that decide are read once for all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from mappings.media.medium import Document, Medium
from mappings.spec import Test
from mappings.transforms import as_text
from mappings.values import BadValue

# From a document to the numbers of those that fit, in order.
Choose = Callable[[Any], Sequence[int]]
Look = Callable[[Any], Hashable]

# What a test sees of a value that no test names: a text, something that is no text, or a value
# that could not be read (which fits nothing).
_OTHER: Final = ("other",)
_NO_TEXT: Final = ("no text",)
_UNREADABLE: Final = ("unreadable",)


def choice(whens: Sequence[Sequence[Test]], medium: Medium) -> Choose:
    """Decides as `compile.condition` does for each of `whens`. What was decided for a set of
    values is remembered: there are only as many sets as tests tell apart."""
    paths = list(dict.fromkeys(test.path for when in whens for test in when))
    looks = [_look(path, whens, medium) for path in paths]
    place = {path: number for number, path in enumerate(paths)}
    known: dict[tuple[Hashable, ...], Sequence[int]] = {}

    def choose(document: Document) -> Sequence[int]:
        seen = tuple([look(document) for look in looks])
        found = known.get(seen)
        if found is None:
            found = known[seen] = tuple(
                number
                for number, when in enumerate(whens)
                if all(_holds(test, seen[place[test.path]]) for test in when)
            )
        return found

    return choose


def _look(path: str, whens: Sequence[Sequence[Test]], medium: Medium) -> Look:
    get = medium.one(path)
    words = frozenset(v for when in whens for t in when if t.path == path for v in t.values)

    def look(document: Document) -> Hashable:
        try:
            found = get(document, None)
        except BadValue:
            return _UNREADABLE
        if found is None:
            return None
        try:
            text = found if type(found) is str else as_text(found)
        except BadValue:
            return _NO_TEXT
        return text if text in words or not text else _OTHER

    return look


def _holds(test: Test, seen: Hashable) -> bool:
    if seen is _UNREADABLE:
        return False
    if not test.values:
        return bool(seen) is not test.negated
    return seen is not _NO_TEXT and (seen in test.values) is not test.negated
