"""Time as the hub keeps it: microseconds since 1970, UTC; and ids that sort by it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTED = 1 << 26  # ids of one millisecond that keep their order


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


class _Ids:
    """Makes ids in order: a counter tells apart those of one millisecond."""

    def __init__(self) -> None:
        self.last, self.count = 0, 0

    def __call__(self, at: int) -> str:
        milli = at // 1000
        if milli != self.last:
            self.last, self.count = milli, 0
        self.count += 1
        # 12 bits, and 14 behind the variant
        high, low = divmod(self.count % _COUNTED, 1 << 14)
        tail = os.urandom(6).hex()
        return f"{milli >> 16:08x}-{milli & 0xFFFF:04x}-7{high:03x}-{0x8000 | low:04x}-{tail}"


_ids = _Ids()


def uuid7(at: int) -> str:
    """A UUID version 7 (RFC 9562 §5.7, the counter of §6.2 method 1) for time `at`: later ids sort
    behind earlier ones, also those of one millisecond that this process makes."""
    return _ids(at)


def from_micros(moment: int) -> datetime:
    """The aware datetime of a moment in microseconds; the inverse of `micros`."""
    return _EPOCH + timedelta(microseconds=moment)
