"""A row as JSON, and the time in it: dates are ISO 8601, decimals keep their digits as text."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson

_TRUTH = {"true": "1", "false": "0"}
_LARGEST = 2**53 - 1  # JSON readers keep no larger whole number (RFC 8259 §6)


def body(row: Mapping[str, Any]) -> bytes:
    """The row as a JSON object, its columns in their order. The same row is the same bytes."""
    return orjson.dumps({name: _plain(value) for name, value in row.items()}, default=_plain)


def text(value: Any) -> str:  # noqa: ANN401 - what a driver gives
    """An id as text; "" for none."""
    return "" if value is None else str(_plain(value))


def same(found: Any, said: Any) -> bool:  # noqa: ANN401 - what a driver gives
    """Does a column have the value that the settings name? In YAML that is text, whatever the
    column's type; a database without truth values has 1 and 0."""
    if found is None or said is None:
        return found is said
    return _word(found) == _word(said)


def moment(value: Any, zone: ZoneInfo) -> datetime | None:  # noqa: ANN401 - what a driver gives
    """A time as UTC; without an offset it is the zone's. None for what is no time."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - zone follows
    except ValueError:
        return None
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _word(value: Any) -> str:  # noqa: ANN401 - what a driver gives
    word = text(value).lower() if isinstance(value, bool) else text(value)
    return _TRUTH.get(word, word)


def _plain(value: Any) -> Any:  # noqa: ANN401 - what a driver gives
    if value is None or isinstance(value, bool | str | float | dict | list):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    # a decimal keeps its digits; UUID, an interval, and whatever else a driver has a type for
    return format(value, "f") if isinstance(value, Decimal) else str(value)
