"""Time as the hub keeps it: microseconds since 1970, UTC; and ids that sort by it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """This moment in microseconds."""
    return time.time_ns() // 1000


def micros(moment: datetime) -> int:
    """An aware datetime in microseconds; exact, no float."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def iso(moment: int) -> str:
    """2026-03-01T08:30:00.000000Z"""
    whole, part = divmod(moment, 1_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{part:06d}Z"


def uuid7(at: int) -> str:
    """A UUID version 7 (RFC 9562 §5.7) for time `at`: later ids sort behind earlier ones."""
    time_, chance = f"{at // 1000:012x}", os.urandom(10).hex()
    variant = "89ab"[int(chance[3], 16) & 3]
    return f"{time_[:8]}-{time_[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[8:]}"


def from_micros(moment: int) -> datetime:
    """The aware datetime of a moment in microseconds; the inverse of `micros`."""
    return _EPOCH + timedelta(microseconds=moment)
