"""HL7 v2 messages addressed by paths such as `PID-3[5=MR].1`, over the project's own reader.

Beside the paths of `connectors.formats.er7_path`: `each: PID-3` goes over the repetitions of a
field, where `.4.1` is component 4, subcomponent 1; `each: MFE+` goes over the groups that an MFE
segment opens, up to the next MFE, where `.STF-3.1` is read within the group; `each: PID+ MRG-1`
goes over them once for each repetition of MRG-1, which is then the only one in its group; `each:
PID+ FT1+` once for each FT1 with what follows it, beside what stands before the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from connectors.formats import er7, er7_path
from mappings.media import hl7_sheet
from mappings.media.hl7_sheet import REMOVED, Repetition, Sheet
from mappings.media.medium import (
    LONGEST_PATH,
    Column,
    Document,
    Element,
    Get,
    GetAll,
    Medium,
    Take,
)
from mappings.values import BadPath, NotUnderstood

T = TypeVar("T")

_GROUP = re.compile(r"(\.?)([A-Z][A-Z0-9]{2})\+(?: ([A-Z][A-Z0-9]{2}(?:-\d+|\+)))?")
_FIRST_SUBCOMPONENT = re.compile(r"\.(\d+)(?:\.1)?")
_FIELD = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[[^\]]*\])?-(\d+)")


def medium(authority: str = "") -> Medium:
    """HL7 v2 in ER7 form; `authority` assigns numbers that come without an assigner."""
    return Medium(
        read=partial(_read, authority=authority) if authority else _read,
        one=_one,
        all=_all,
        each=_each,
        unread=_unread,
        plain=_is_plain,
        taking=_taking,
        removed=REMOVED,
        authority=authority,
        notes=lambda message: message.notes,
    )


def _read(body: bytes, _media: str, *, authority: str = "") -> Sheet:
    try:
        sheet = er7.read_as(Sheet, body)
    except er7.Unreadable as error:
        raise NotUnderstood(
            rule="unreadable-hl7", place="MSH", expected=f"an HL7 v2 message ({error.reason})"
        ) from None
    sheet.authority = authority
    return sheet


def _one(path: str) -> Get:
    if not path.startswith("."):
        return _first(path)
    if _in_group(path):
        return _of_group(_first(path[1:]))
    part = _checked(er7_path.compile_part, path)
    first = _FIRST_SUBCOMPONENT.fullmatch(path)
    if first:
        return hl7_sheet.of_repetition(int(first[1]))
    return lambda message, repetition: part(message, repetition.raw)


def _of_group(read: Callable[[Sheet, None], T]) -> Callable[[Document, Element], T]:
    return lambda _message, group: read(group, None)


def _of_message(read: Callable[[Sheet], T]) -> Callable[[Sheet, Element], T]:
    return lambda message, _element: read(message)


def _first(path: str) -> hl7_sheet.One:
    get = _checked(er7_path.compile_path, path)
    at = er7_path.parse(path)
    if at.component and hl7_sheet.is_plain(at):
        return hl7_sheet.component(at)
    return _of_message(get)


def _is_plain(path: str) -> bool:
    if path.startswith("."):
        return False
    at = er7_path.parse(path)
    return bool(at.component) and hl7_sheet.is_plain(at) and hl7_sheet.is_first(at)


def _taking(columns: Sequence[Column]) -> Take:
    return hl7_sheet.taking(
        [(er7_path.parse(path), name, longest) for path, name, longest in columns]
    )


def _all(path: str) -> GetAll:
    if not path.startswith("."):
        return _every(path)
    if _in_group(path):
        return _of_group(_every(path[1:]))
    part = _one(path)

    def values(message: Document, element: Element) -> list[str]:
        found = part(message, element)
        return [] if found is None else [found]

    return values


def _every(path: str) -> hl7_sheet.All:
    every = _checked(er7_path.compile_all, path)
    at = er7_path.parse(path)
    if at.component and hl7_sheet.is_plain(at):
        return hl7_sheet.components(at)
    return _of_message(every)


def _each(path: str) -> GetAll:
    group = _GROUP.fullmatch(path)
    if group:
        opened = _of_message(_groups(group[2], group[3] or ""))
        return _of_group(opened) if group[1] else opened
    if path.startswith("."):
        return _of_group(_repetitions(path[1:]))
    return _repetitions(path)


def _groups(name: str, place: str) -> Callable[[Sheet], Sequence[Sheet]]:
    if not place:
        return lambda message: split(message, name)
    if place.endswith("+"):
        inner = place[:-1]
        return lambda message: [
            part for group in split(message, name) for part in _with_head(group, inner)
        ]
    each, at = _checked(er7_path.compile_each, place), er7_path.parse(place)

    def one_each(message: Sheet) -> list[Sheet]:
        groups = split(message, name)
        return [_with_only(group, at, raw) for group in groups for raw in each(group)]

    return one_each


def _with_head(group: Sheet, name: str) -> list[Sheet]:
    """The groups within `group` that `name` opens, each behind what stands before the first."""
    lines = [line for line, _ in group.pieces() if line]
    first = next((at for at, line in enumerate(lines) if line[:3] == name), len(lines))
    inner = ([line for line, _ in one.pieces() if line] for one in split(group, name))
    return [_group(group, [*lines[:first], *rows]) for rows in inner]


def _with_only(group: Sheet, at: er7_path.Path, raw: str) -> Sheet:
    """The group with `raw` as the whole of one field; other segments of that name are left out."""
    row = list(group.row(at.segment))
    row[at.field] = raw
    others = [line for line, _ in group.pieces() if line and line[:3] != at.segment]
    return _group(group, [*others, group.separators.field.join(row)])


def _repetitions(path: str) -> Callable[[Sheet, object], Sequence[Repetition]]:
    each = _checked(er7_path.compile_each, path)
    at = er7_path.parse(path)
    if hl7_sheet.is_plain(at):
        return hl7_sheet.each(at)
    return lambda sheet, _element: [Repetition(raw, sheet) for raw in each(sheet)]


def split(message: Sheet, name: str) -> list[Sheet]:
    """The groups of `message` that a segment called `name` opens, each as a message of its own
    without MSH; what stands before the first is in none."""
    groups: list[list[str]] = []
    for line, _ in message.pieces():
        if line[:3] == name:
            groups.append([])
        if line and groups:
            groups[-1].append(line)
    return [_group(message, lines) for lines in groups]


def _group(message: Sheet, lines: list[str]) -> Sheet:
    # A blank line first: the reader finds a segment by the segment end before it.
    text = "\r" + "\r".join(lines)
    group = Sheet(b"", text, message.separators, message.codec)
    group.authority = message.authority
    return group


def _in_group(path: str) -> bool:
    return path[1:2].isalpha()


def _checked(compiler: Callable[[str], T], path: str) -> T:
    if len(path) > LONGEST_PATH:
        raise BadPath(f"a path of {len(path)} characters", f"at most {LONGEST_PATH}")
    try:
        return compiler(path)
    except ValueError as error:
        raise BadPath(str(error), "an HL7 path such as PID-5.1 or PID-3[5=MR].1") from None


def _unread(message: er7.Message, paths: Iterable[str]) -> list[str]:
    """Segment-fields that hold data and that no path names; the header's own are left out."""
    named = {f"{segment}-{field}" for path in paths for segment, field in _FIELD.findall(path)}
    found: set[str] = set()
    for segment in message.all():
        if segment.name in ("MSH", "EVN"):
            continue
        for number, raw in enumerate(segment.row):
            place = f"{segment.name}-{number}"
            if number and raw and raw != REMOVED and place not in named:
                found.add(place)
    return sorted(found, key=_in_order)


def _in_order(place: str) -> tuple[str, int]:
    segment, _, field = place.partition("-")
    return segment, int(field)
