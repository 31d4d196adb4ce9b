"""Writes HL7 v2 messages: values are escaped, names are checked, segments stand in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from connectors.formats import er7_path
from connectors.formats.er7_charset import CODECS
from connectors.formats.er7_escape import STANDARD, escape
from connectors.formats.er7_structure import Group, place, structure


class Formatted(str):
    r"""Text whose formatting (`\.br\`, `\H\`, `\Zfoo\`) is meant and passes as it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class _Spot:
    """Where a value is written; all numbers from 1."""

    segment: str
    which: int
    field: int
    repetition: int
    component: int
    subcomponent: int


def build(type_: str, fields: Mapping[str, str], *, version: str = "2.5.1") -> bytes:
    """A message of `type_` (`CRM^C01^CRM_C01`) from values by path (`PID-3[1].1`, `OBX[2]-5`).

    Values are plain text and are escaped; `""` (two quotes) removes. Empty ones are left out.
    Segments stand in the order of the message's structure, a site's Z-segments at the end; of a
    group that comes several times the n-th holds the n-th of each of its segments, and a segment
    that has several places in the structure stands in the first. MSH-9 and MSH-12 are written from
    the arguments, MSH-11 is P unless given, MSH-18 is UNICODE UTF-8 when the text needs it.

    Raises ValueError naming the path: unknown to the standard, said twice, a character that ER7
    cannot hold, a repetition the standard does not allow; or MSH-7 or MSH-10 missing.
    """
    shape = structure(type_, version)
    said = _with_header(fields, version)
    rows = _rows(said, version)
    _begin(rows["MSH", 1], type_)
    _only_known(rows, shape, type_)
    lines = ["|".join([key[0], *rows[key]]) for key in _order(shape, rows)]
    return _encoded("\r".join(lines) + "\r", said.get("MSH-18", ""))


def _with_header(fields: Mapping[str, str], version: str) -> dict[str, str]:
    for path in ("MSH-7", "MSH-10"):
        if not fields.get(path):
            raise ValueError(f"{path} is missing: a message needs its time and its control id")
    heads = {path.partition(".")[0] for path in fields}
    if heads & {"MSH-1", "MSH-2", "MSH-9", "MSH-12"}:
        raise ValueError("MSH-1, MSH-2, MSH-9 and MSH-12 are written from the arguments")
    said = {**fields, "MSH-12": version}
    if "MSH-11" not in heads:
        said["MSH-11"] = "P"
    if "MSH-18" not in heads and not all(value.isascii() for value in fields.values()):
        said["MSH-18"] = "UNICODE UTF-8"
    return said


def _begin(msh: list[str], type_: str) -> None:
    """MSH-1 is the separator that joining writes: the row begins with MSH-2."""
    msh[8] = "^".join(part for part in type_.split("^") if part)
    msh[:2] = [STANDARD.encoding_characters]


Rows = dict[tuple[str, int], list[str]]


def _rows(fields: Mapping[str, str], version: str) -> Rows:
    """The fields of each segment, written, from field 1 on."""
    values: dict[_Spot, str] = {}
    for path, value in fields.items():
        if not value:
            continue
        spot = _spot(path, version)
        if spot in values:
            raise ValueError(f"path {path!r}: this place is written twice")
        values[spot] = _escaped(path, value)
    return {key: _segment(inner) for key, inner in _grouped(values, _segment_key)}


def _only_known(rows: Rows, shape: Group, type_: str) -> None:
    known = set(shape.segments())
    for segment, _ in rows:
        if segment not in known and not segment.startswith("Z"):
            raise ValueError(
                f"{type_} has no segment {segment}, expected one of "
                f"{', '.join(dict.fromkeys(shape.segments()))} or a Z-segment"
            )


def _encoded(text: str, charset: str) -> bytes:
    codec = CODECS.get(charset)
    if codec is None:
        raise ValueError(f"MSH-18 {charset[:20]!r} is no character set of HL7 table 0211")
    if not text.isascii() and charset in ("", "ASCII"):
        raise ValueError("the text is not ASCII, MSH-18 must say so")
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        raise ValueError(
            f"character {error.start + 1} of the message is not in {charset}, which MSH-18 names"
        ) from None


@lru_cache(maxsize=4096)
def _spot(path: str, version: str) -> _Spot:
    at = er7_path.parse(path)
    which, repetition = at.which_segment or 1, at.which_repetition or 1
    if not isinstance(which, int) or not isinstance(repetition, int):
        raise ValueError(f"path {path!r}: expected numbers in brackets, there is nothing to choose")
    if at.any_segment or at.any_repetition:
        raise ValueError(f"path {path!r}: expected a number, [*] is no place to write to")
    if not at.segment.startswith("Z"):
        spec = place(path, version)
        if repetition > 1 and not spec.repeats:
            raise ValueError(f"path {path!r}: {at.reads} does not repeat in HL7 v{version}")
    return _Spot(at.segment, which, at.field, repetition, at.component or 1, at.subcomponent)


def _escaped(path: str, value: str) -> str:
    try:
        return escape(value, formatted=isinstance(value, Formatted))
    except ValueError as error:
        raise ValueError(f"path {path!r}: {error}") from None


# -- from spots to lines: each level joins what the level below has written


_Values = dict[_Spot, str]


def _grouped(
    values: _Values, key: Callable[[_Spot], tuple[str, int] | int]
) -> Iterator[tuple[tuple[str, int], _Values]]:
    found: dict[tuple[str, int], _Values] = {}
    for spot, value in values.items():
        at = key(spot)
        found.setdefault(at if isinstance(at, tuple) else ("", at), {})[spot] = value
    yield from found.items()


def _segment_key(spot: _Spot) -> tuple[str, int]:
    return spot.segment, spot.which


def _segment(values: _Values) -> list[str]:
    return _level(values, lambda spot: spot.field, _field)


def _field(values: _Values) -> str:
    return "~".join(_level(values, lambda spot: spot.repetition, _repetition))


def _repetition(values: _Values) -> str:
    return "^".join(_level(values, lambda spot: spot.component, _component))


def _component(values: _Values) -> str:
    return "&".join(_level(values, lambda spot: spot.subcomponent, _value))


def _value(values: _Values) -> str:
    (value,) = values.values()
    return value


def _level(
    values: _Values, key: Callable[[_Spot], int], write: Callable[[_Values], str]
) -> list[str]:
    parts = {number: write(inner) for (_, number), inner in _grouped(values, key)}
    return [parts.get(number, "") for number in range(1, max(parts) + 1)]


def _order(shape: Group, rows: Rows) -> list[tuple[str, int]]:
    found = list(dict.fromkeys(_walk(shape, rows, None)))
    own = sorted(key for key in rows if key[0].startswith("Z"))
    lost = rows.keys() - {*found, *own}
    if lost:
        name, number = min(lost)
        raise ValueError(
            f"{name}[{number}] belongs to no group: of a group that comes several times the n-th "
            "holds the n-th of each segment"
        )
    return found + own


def _walk(group: Group, rows: Rows, only: int | None) -> Iterator[tuple[str, int]]:
    """The segments of one occurrence of `group`; with `only`, the n-th of each."""
    for member in group.members:
        if isinstance(member, str):
            yield from sorted(k for k in rows if k[0] == member and only in (None, k[1]))
            continue
        count = max((n for name, n in rows if name == _anchor(member, rows)), default=0)
        if count <= 1 or only is not None:
            yield from _walk(member, rows, only)
        else:
            for number in range(1, count + 1):
                yield from _walk(member, rows, number)


def _anchor(group: Group, rows: Rows) -> str:
    """The first segment of the group that is there: its occurrences are the group's."""
    there = {name for name, _ in rows}
    return next((name for name in group.segments() if name in there), "")
