"""What USDM study definitions say by the way objects hang together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from mappings.calls import function

_Object = Mapping[str, Any]
_DAY = 86_400
_DURATION = re.compile(
    r"P(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,5})S)?)?"
)
_SECONDS = (7 * _DAY, _DAY, 3600, 60, 1)
_STEPS = 1000  # from one timing to the next; more is a circle
_BEFORE, _AFTER, _FIXED = "C201357", "C201356", "C201358"  # CDISC codes of Timing.type
_SPONSOR = "C70793"
_REGULATOR = "C188863"
_FORMS = {
    "nct": re.compile(r"NCT\d{8}"),
    "eudract": re.compile(r"\d{4}-\d{6}-\d{2}"),
    "ctis": re.compile(r"20\d\d-5\d{5}-\d{2}-\d{2}"),
}
_TAG = re.compile(r'<usdm:(?:tag|ref)\b[^>]*?\bname="([^"]{1,100})"[^>]*>')
_MARKUP = re.compile(r"<[^>]{0,2000}>")


@function(
    "usdm.identifier_type",
    says="the type of a study identifier: by its form, else by the kind of organization it is of",
    reads=("text", "scopeId", "scope"),
    gives="code",
)
def identifier_type(source: _Object) -> str | None:
    text = str(source.get("text", "")).strip()
    for name, form in _FORMS.items():
        if form.fullmatch(text):
            return name
    scope = source.get("scope")
    if not isinstance(scope, dict):
        return None
    kind = _code(scope.get("type"))
    if kind == _SPONSOR:
        return "sponsor_protocol_no"
    return "ind" if kind == _REGULATOR and scope.get("name") == "FDA" else None


@function(
    "usdm.place",
    says="the place of an epoch or an encounter in its chain, from 1",
    reads=("previousId", "previous", "id"),
    gives="integer",
)
def place(source: _Object) -> int | None:
    passed = {id(source)}
    before = source.get("previous")
    while isinstance(before, dict):
        if id(before) in passed or len(passed) > _STEPS:
            return None
        passed.add(id(before))
        before = before.get("previous")
    return len(passed)


@function(
    "usdm.planned_day",
    says="days from the anchor of the main timeline to an encounter; the anchor itself is 0",
    reads=("scheduledAtId", "scheduledAt", "instances", "timing", "value", "type",
           "relativeToScheduledInstanceId"),
    gives="integer",
)  # fmt: skip
def planned_day(source: _Object) -> int | None:
    """The sum of the timings on the way to the anchor. A part of a day does not count as one."""
    timing, seconds = _timing(source), 0
    for _ in range(_STEPS):
        if timing is None:
            return None
        kind = _code(timing.get("type"))
        if kind == _FIXED:
            return int(seconds / _DAY)
        length = _length(timing.get("value"))
        if length is None or kind not in (_BEFORE, _AFTER):
            return None
        seconds += length if kind == _AFTER else -length
        to = timing.get("relativeToScheduledInstance")
        timing = _object(to.get("timing")) if isinstance(to, dict) else None
    return None


@function(
    "usdm.window",
    says="whole days by which an encounter may be early (`side: windowLower`) or late",
    reads=("scheduledAtId", "scheduledAt", "instances", "timing", "windowLower", "windowUpper"),
    gives="integer",
    arguments="side",
)
def window(source: _Object, side: str) -> int | None:
    timing = _timing(source)
    length = _length(timing.get(side)) if timing else None
    return None if length is None or length % _DAY else length // _DAY


@function(
    "usdm.wording",
    says="a text without its markup; a value that is filled in elsewhere stands as [its name]",
    reads=("criterionItemId", "criterionItem", "text"),
    gives="text",
)
def wording(source: _Object) -> str | None:
    item = source.get("criterionItem")
    said = item.get("text") if isinstance(item, dict) else source.get("text")
    if not isinstance(said, str):
        return None
    bare = unescape(_MARKUP.sub(" ", _TAG.sub(r"[\1]", said)))
    return " ".join(bare.split()) or None


def _timing(encounter: _Object) -> _Object | None:
    said = _object(encounter.get("scheduledAt"))
    if said:
        return said
    for instance in encounter.get("instances") or ():
        timing = _object(instance.get("timing"))
        if timing:
            return timing
    return None


def _object(value: object) -> _Object | None:
    return value if isinstance(value, dict) else None


def _code(value: object) -> str:
    return str(value.get("code", "")) if isinstance(value, dict) else ""


def _length(said: object) -> int | None:
    """Seconds of an ISO 8601 duration without months and years, whose length nobody knows."""
    found = _DURATION.fullmatch(said) if isinstance(said, str) and len(said) > 2 else None
    if found is None:
        return None
    parts = zip(found.groups(), _SECONDS, strict=True)
    return sum(int(number) * seconds for number, seconds in parts if number)
