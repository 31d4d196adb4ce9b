"""Where a table was read to: the newest `modified` seen, in the form in which the table has it.

Numbers count changes (a sequence, a row version); texts and times are read again for the overlap,
since a row is stamped before it is committed. Never later than the database's own clock: one row
dated 2099 would hide all others until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from connectors.errors import Misconfigured
from connectors.sql.rows import moment

Kind = Literal["number", "text", "date", "time"]


@dataclass(frozen=True, slots=True)
class Place:
    """`said` is the value as text; a time is ISO 8601."""

    kind: Kind
    said: str

    def __str__(self) -> str:
        return orjson.dumps([self.kind, self.said]).decode()


def of(value: Any) -> Place | None:  # noqa: ANN401 - what a driver gives
    """The place of a row by its `modified`; None where it has none."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Place("number", str(value))
    if isinstance(value, datetime):
        return Place("time", value.isoformat())
    if isinstance(value, date):
        return Place("date", value.isoformat())
    if isinstance(value, str) and value:
        return Place("text", value)
    return None


def read(cursor: str) -> Place | None:
    """The place of a cursor; None for the beginning. Raises Misconfigured for any other text."""
    if not cursor:
        return None
    try:
        kind, said = orjson.loads(cursor)
        place = Place(kind, said)
        since(place, 0)
    except (ValueError, TypeError, ArithmeticError, KeyError):
        raise Misconfigured(f"cursor {cursor[:80]!r} is none of a table") from None
    return place


def since(place: Place, overlap: int) -> int | Decimal | str | date | datetime:
    """From where to read again: `overlap` seconds, or as many numbers, before `place`."""
    back = timedelta(seconds=overlap)
    if place.kind == "number":
        return Decimal(place.said) - overlap if "." in place.said else int(place.said) - overlap
    if place.kind == "time":
        return datetime.fromisoformat(place.said) - back
    if place.kind == "date":
        return date.fromisoformat(place.said) - timedelta(days=1 if overlap else 0)
    return _earlier(place.said, back)


def capped(place: Place, now: datetime, zone: ZoneInfo) -> Place:
    """`place`, or the database's `now` where it is later."""
    time = None if place.kind == "number" else moment(place.said, zone)
    if time is None or time <= now:
        return place
    local = now.astimezone(zone).replace(tzinfo=None)
    if place.kind == "date":
        return Place("date", local.date().isoformat())
    if place.kind == "time":
        aware = datetime.fromisoformat(place.said).tzinfo is not None
        return Place("time", (now if aware else local).isoformat())
    return Place("text", _like(place.said, local))


def _earlier(said: str, back: timedelta) -> str:
    """A text that sorts before every time since `back` before `said`, written as that is."""
    try:
        time = datetime.fromisoformat(said.strip())
    except ValueError:
        return said  # no time: texts that sort, a version for one
    return _like(said, (time - back).replace(tzinfo=None))


def _like(said: str, time: datetime) -> str:
    """`time` to the second, in the form of `said`; shorter, so that it sorts first."""
    if len(said.strip()) <= len("2026-01-31"):
        return time.date().isoformat()
    return time.isoformat(sep="T" if "T" in said else " ", timespec="seconds")
