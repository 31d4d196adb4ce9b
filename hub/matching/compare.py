"""How far two values of one kind agree: a level, by name. None where one of them is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.fuzz import token_sort_ratio

from hub.matching.nicknames import are_forms

Level = str
Compare = Callable[[Any, Any], Level | None]
Singles = Mapping[tuple[str, str], frozenset[bytes]]  # (type, assigner) → digests

SAME, CLOSE, SIMILAR, DIFFERENT = "same", "close", "similar", "different"
_CLOSE, _SIMILAR = 0.92, 0.84  # Jaro-Winkler
_ALIKE, _LIKE = 94, 86  # of 100, words in any order


def family(one: Sequence[str], other: Sequence[str]) -> Level | None:
    """Family names of a person: the present one and those borne before."""
    if not one or not other:
        return None
    if one[0] == other[0]:
        return SAME
    if set(one) & set(other):
        return "former"
    return _near(one[0], other[0])


def given(one: str, other: str) -> Level | None:
    """Given names: a short form and an initial are forms of the whole name."""
    if not one or not other:
        return None
    if one == other:
        return SAME
    if are_forms(one, other):
        return "nickname"
    if 1 in (len(one), len(other)):
        return "initial" if one[0] == other[0] else DIFFERENT
    return _near(one, other)


def date(one: str, other: str) -> Level | None:
    """Dates as precise as they were said: 1970-03 and 1970-03-05 agree in part."""
    if not one or not other:
        return None
    if len(one) < 10 or len(other) < 10:
        agree = one.startswith(other) or other.startswith(one)
        return "partial" if agree else DIFFERENT
    return SAME if one == other else _misread(one, other)


def _misread(one: str, other: str) -> Level:
    """How one day may have become another on paper."""
    if one[:4] == other[:4] and one[5:7] == other[8:] and one[8:] == other[5:7]:
        return "swapped"  # day and month
    # one digit wrong, or two beside each other the wrong way round
    if OSA.distance(one.replace("-", ""), other.replace("-", "")) == 1:
        return CLOSE
    if one[:7] == other[:7]:
        return "month"
    return "day" if one[4:] == other[4:] else DIFFERENT


def text(one: str, other: str) -> Level | None:
    """The same or not."""
    if not one or not other:
        return None
    return SAME if one == other else DIFFERENT


def postcode(one: str, other: str) -> Level | None:
    """Postal codes; the first three signs are the area."""
    if not one or not other:
        return None
    if one[:5] == other[:5]:
        return SAME
    return "area" if one[:3] == other[:3] else DIFFERENT


def common(one: frozenset[str], other: frozenset[str]) -> Level | None:
    """Whether two sets share anything."""
    if not one or not other:
        return None
    return SAME if one & other else DIFFERENT


def singles(one: Singles, other: Singles) -> Level | None:
    """Numbers of which a person or organization has one of each type and assigner."""
    both = one.keys() & other.keys() if one and other else ()
    if not both:
        return None
    return SAME if any(one[key] & other[key] for key in both) else DIFFERENT


def titles(one: Sequence[tuple[str, ...]], other: Sequence[tuple[str, ...]]) -> Level | None:
    """Names of an organization, each as its telling words; the closest two count."""
    if not one or not other:
        return None
    best = max((_alike(a, b) for a in one for b in other), default=0.0)
    if best >= 100:
        return SAME
    return CLOSE if best >= _ALIKE else SIMILAR if best >= _LIKE else DIFFERENT


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    # a word or number that stands in one alone tells apart: Campus 2 is not Campus 3
    left = {word for word in set(one) ^ set(other) if word.isdigit()}
    return 0.0 if left else token_sort_ratio(" ".join(one), " ".join(other))


def _near(one: str, other: str) -> Level:
    nearness = JaroWinkler.similarity(one, other)
    return CLOSE if nearness >= _CLOSE else SIMILAR if nearness >= _SIMILAR else DIFFERENT


BY_KIND: MappingProxyType[str, Compare] = MappingProxyType(
    {
        "family": family, "given": given, "date": date, "text": text, "postcode": postcode,
        "common": common, "singles": singles, "titles": titles,
    }
)  # fmt: skip
