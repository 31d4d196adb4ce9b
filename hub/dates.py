"""Calendar dates as precise as they were said, and moments in one canonical text.

A date is `2026`, `2026-03` or `2026-03-01` and is never shifted: a day said in a hospital's own
zone stays that day. A moment is UTC followed by the offset the source used, `2021-09-24T07:15Z
[+02:15]` without the space (RFC 9557), as precise as the source said it: minutes, seconds or a
fraction. Where a source says a moment without a time of day, its date stands in its place.

Texts sort by time up to the minute; within one minute `micros` orders exactly.

What cannot be read is a ValueError that shows the form of what was found (digits as 9, letters
as A), never the value itself.
"""

from __future__ import annotations

import re
from calendar import isleap
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

Precision = Literal["year", "month", "day", "minute", "second", "fraction"]

# outside of these a date can be read, but hardly be meant
EARLIEST_YEAR, LATEST_YEAR = 1850, 2150

_HL7 = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,4}))?)?)?)?)?)?([+-]\d{4})?",
    re.ASCII,
)
_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)
_CANONICAL = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?Z\[([+-])(\d\d):(\d\d)\]", re.ASCII
)
_DATE = re.compile(
    r"""(?!0000) \d{4} (?:
        - (?:0[1-9]|1[0-2]) (?: - (?:0[1-9]|1\d|2[0-8]) )?
      | - (?:0[13-9]|1[0-2]) - (?:29|30)
      | - (?:0[13578]|1[02]) - 31
      | - 02 - (29)
    )?""",
    re.ASCII | re.VERBOSE,
)

_HL7_FORM = "YYYY[MM[DD[HH[MM[SS[.S]]]]]][+ZZZZ]"
_ISO_FORM = "YYYY[-MM[-DD[Thh:mm[:ss[.s]][Z|+zz:zz]]]]"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reading(NamedTuple):
    """What a text means, and what a person should know about it ("" = nothing)."""

    text: str
    note: str = ""


def hl7_date(said: str) -> Reading:
    """The date in an HL7 v2 DT, DTM or TS (v2.5.1 §2.A), as precise as said; time is left off.

    Raises ValueError where the whole, time of day included, cannot be read.
    """
    return _date(_parts(_HL7, said, _HL7_FORM).date)


def iso_date(said: str) -> Reading:
    """The date in an ISO 8601 or FHIR date or dateTime, as precise as said; time is left off."""
    return _date(_parts(_ISO, said, _ISO_FORM).date)


def hl7_instant(said: str, zone: tzinfo) -> Reading:
    """The moment in an HL7 v2 TS; without an offset the time is local in `zone`.

    A local time that came twice (clocks set back) is taken as the first, one that never was
    (clocks set forward) as if the clock had not been set; both are noted.
    """
    return _instant(_parts(_HL7, said, _HL7_FORM), said, zone, _HL7_FORM)


def iso_instant(said: str, zone: tzinfo) -> Reading:
    """The moment in an ISO 8601 or FHIR dateTime or instant; `zone` as in `hl7_instant`."""
    return _instant(_parts(_ISO, said, _ISO_FORM), said, zone, _ISO_FORM)


def instant(at: datetime, precision: Precision = "fraction") -> str:
    """An aware datetime in canonical text, cut to minute, second or microsecond. Raises
    ValueError for a naive one."""
    offset = at.utcoffset()
    if offset is None:
        raise ValueError("a datetime without a time zone is no moment")
    stated = at.astimezone(UTC).isoformat(timespec=_TIMESPEC[precision])
    return f"{stated.removesuffix('+00:00')}Z[{_offset(offset)}]"


def is_date(value: str) -> bool:
    """Is this canonical text of a date that is in the calendar?"""
    match = _DATE.fullmatch(value)
    return match is not None and (match[1] is None or isleap(int(value[:4])))


def is_instant(value: str) -> bool:
    """Is this canonical text of a moment, or of the date that stands in its place?"""
    if "T" not in value:
        return is_date(value)
    match = _CANONICAL.fullmatch(value)
    if match is None or not is_date(value[:10]):
        return False
    on_the_clock = value[11:13] < "24" and value[14:16] < "60" and (match[2] or "") < "60"
    return on_the_clock and match[5] <= "14" and match[6] < "60"


def precision(value: str) -> Precision:
    """How precise a canonical date or moment is."""
    if "T" in value:
        stated = value.partition("Z")[0]
        return "fraction" if "." in stated else "second" if len(stated) == 19 else "minute"
    lengths: dict[int, Precision] = {4: "year", 7: "month", 10: "day"}
    return lengths[len(value)]


def to_datetime(value: str) -> datetime:
    """The moment, in UTC. Of a date it is the first moment of its first day, read as UTC.

    A fraction is cut to microseconds. Raises ValueError for what is not canonical.
    """
    match = _CANONICAL.fullmatch(value)
    if match is None:
        if not is_date(value):
            raise ValueError(f"{form(value)} is no canonical date or moment")
        return datetime.fromisoformat(value + "-01-01"[len(value) - 4 :]).replace(tzinfo=UTC)
    at = datetime.fromisoformat(f"{match[1]}+00:00")
    fraction = int((match[3] or "")[:6].ljust(6, "0"))
    return at.replace(second=int(match[2] or 0), microsecond=fraction)


def micros(value: str) -> int:
    """Microseconds since 1970 of `to_datetime(value)`; the exact order of moments."""
    return (to_datetime(value) - _EPOCH) // timedelta(microseconds=1)


def local(value: str) -> datetime:
    """The moment as the source's own clock showed it, with its offset."""
    match = _CANONICAL.fullmatch(value)
    at = to_datetime(value)
    if match is None:
        return at
    offset = timedelta(hours=int(match[5]), minutes=int(match[6]))
    return at.astimezone(timezone(-offset if match[4] == "-" else offset))


def to_hl7(value: str) -> str:
    """A canonical date or moment as HL7 v2 TS in the source's own offset, as precise as it is."""
    if "T" not in value:
        return value.replace("-", "")
    clock, offset = _clock(value)
    stated = value.partition("Z")[0]
    seconds = stated[17:19]
    fraction = stated[19:24]  # the point and at most four digits (v2.5.1 §2.A.22)
    return re.sub("[-T:]", "", clock) + seconds + fraction + offset.replace(":", "")


def to_iso(value: str) -> str:
    """A canonical date or moment as FHIR dateTime in the source's own offset.

    FHIR wants seconds wherever there is a time: where none were said they are 00.
    """
    if "T" not in value:
        return value
    clock, offset = _clock(value)
    return f"{clock}{value.partition('Z')[0][16:] or ':00'}{offset}"


def form(said: str) -> str:
    """The shape of a text without what it says: digits as 9, letters as A, at most 40 signs."""
    shown = "".join(
        "9" if c.isdigit() else "A" if c.isalpha() else c if c.isprintable() else "?"
        for c in said[:40]
    )
    return repr(shown + "…" if len(said) > 40 else shown)


_TIMESPEC: dict[str, str] = {"minute": "minutes", "second": "seconds", "fraction": "microseconds"}


class _Parts(NamedTuple):
    """What was said; "" where nothing was."""

    date: str
    hour: str
    minute: str
    second: str
    fraction: str
    offset: str


def _parts(pattern: re.Pattern[str], said: str, expected: str) -> _Parts:
    match = pattern.fullmatch(said)
    if match is None:
        raise _unreadable(said, expected)
    year, month, day, hour, minute, second, fraction, offset = match.groups("")
    on_the_clock = hour < "24" and minute < "60" and second < "60"
    date = "-".join(part for part in (year, month, day) if part)
    if not (on_the_clock and is_date(date)):
        raise _unreadable(said, expected)
    return _Parts(date, hour, minute, second, fraction, offset)


def _date(date: str) -> Reading:
    return Reading(date, "" if _plausible(date) else _IMPLAUSIBLE)


_UTC = ("Z", "+00:00", "+0000")
_IMPLAUSIBLE = f"the year is not between {EARLIEST_YEAR} and {LATEST_YEAR}"


def _instant(parts: _Parts, said: str, zone: tzinfo, expected: str) -> Reading:
    date, hour, minute, second, fraction, offset = parts
    if not hour:
        return _date(date)
    if offset in _UTC:  # most systems write UTC: the clock need not be moved
        stated = f"{date}T{hour}:{minute or '00'}{_seconds(second, fraction)}Z[+00:00]"
        return Reading(stated, "" if _plausible(date) else _IMPLAUSIBLE)
    clock = datetime.fromisoformat(f"{date}T{hour}:{minute or '00'}")
    try:
        shift, note = _stated(offset) if offset else _in_zone(clock, zone)
        utc = clock - shift
        shown = shift if offset or not note else _in_force(utc, zone)
    except (OverflowError, ValueError) as error:  # before year 1, after 9999, offset beyond 14 h
        raise _unreadable(said, expected) from error
    if not _plausible(date):
        note = _IMPLAUSIBLE
    tail = _seconds(second, fraction)
    return Reading(f"{utc.isoformat(timespec='minutes')}{tail}Z[{_offset(shown)}]", note)


def _seconds(second: str, fraction: str) -> str:
    return (f":{second}" if second else "") + (f".{fraction}" if fraction else "")


def _stated(offset: str) -> tuple[timedelta, str]:
    if offset == "Z":
        return timedelta(), ""
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 14 or minutes > 59:
        raise ValueError("no zone is that far away")
    size = timedelta(hours=hours, minutes=minutes)
    return (-size if offset[0] == "-" else size), ""


@lru_cache(maxsize=1024)  # a live feed asks about the same minute again and again
def _in_zone(clock: datetime, zone: tzinfo) -> tuple[timedelta, str]:
    """The offset `zone` had when its clocks showed `clock`, and whether that happened once."""
    first, second = (
        _whole_minutes(clock.replace(tzinfo=zone, fold=fold).utcoffset()) for fold in (0, 1)
    )
    if first == second:
        return first, ""
    if first > second:
        return first, "local time came twice; taken as the first"
    return first, "local time never was; taken as if the clock had not been set forward"


def _in_force(utc: datetime, zone: tzinfo) -> timedelta:
    return _whole_minutes(utc.replace(tzinfo=UTC).astimezone(zone).utcoffset())


def _whole_minutes(offset: timedelta | None) -> timedelta:
    """Local mean time, before zones, has seconds; the canonical text has room for minutes."""
    return timedelta(minutes=round((offset or timedelta()).total_seconds() / 60))


def _clock(value: str) -> tuple[str, str]:
    """What the source's clock showed, to the minute, and its offset."""
    at = local(value)
    return at.replace(tzinfo=None).isoformat(timespec="minutes"), _offset(at.utcoffset())


@lru_cache(maxsize=256)
def _offset(offset: timedelta | None) -> str:
    minutes = round((offset or timedelta()).total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _plausible(date: str) -> bool:
    return EARLIEST_YEAR <= int(date[:4]) <= LATEST_YEAR


def _unreadable(said: str, expected: str) -> ValueError:
    return ValueError(f"{form(said)} is not {expected} of the calendar")
