"""Points in time as HL7 v2 writes them: YYYYMMDD[HH[MM[SS[.S+]]]][+/-ZZZZ] (v2.5.1 §2.A.22)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_TIME = re.compile(
    r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,9}))?)?)?)?(?:([+-])(\d\d)(\d\d))?",
    re.ASCII,
)


def read_time(text: str, zone: tzinfo) -> datetime | None:
    """The instant `text` states, aware; None when it is none or stops before the day.

    Without an offset of its own it is a time in `zone`; what is left out is zero.
    """
    quick = _to_the_second(text, zone)
    if quick:
        return quick
    match = _TIME.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    try:
        return datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int(fraction[:6].ljust(6, "0")) if fraction else 0,
            _offset(sign, int(hours), int(minutes)) if sign else zone,
        )
    except ValueError:
        return None


def _to_the_second(text: str, zone: tzinfo) -> datetime | None:
    """By far the most frequent forms, with and without an offset; None for any other."""
    digits = text[:14] + text[15:]
    if len(text) not in (14, 19) or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        if len(text) == 14:
            found = datetime.fromisoformat(f"{text[:8]}T{text[8:]}+0000")
            return found if zone is UTC else found.replace(tzinfo=zone)
        return datetime.fromisoformat(f"{text[:8]}T{text[8:]}") if text[14] in "+-" else None
    except ValueError:
        return None


def write_time(at: datetime) -> str:
    """`at` to the second, with its offset: 20260301120000+0100."""
    return at.strftime("%Y%m%d%H%M%S%z")


def _offset(sign: str, hours: int, minutes: int) -> tzinfo:
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(-span if sign == "-" else span) if span else UTC
