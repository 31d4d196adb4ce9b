"""Where a bulk export may resume: the time it reaches back to, and how far its files are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import httpx2
import orjson

from connectors.errors import Misconfigured
from connectors.resume import instant, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A job whose files are being read: `line` lines of file number `part` are stored."""

    job: str  # the address that tells of it
    time: str  # its transactionTime, as written
    part: int
    file: str  # the mark of that file
    line: int


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor. `since`: up to where everything is stored; None: nothing is."""

    since: datetime | None
    reading: Reading | None = None

    @classmethod
    def read(cls, cursor: str) -> Place:
        """Of an export or, where a stream was searched before, of a search. Raises
        Misconfigured for any other text."""
        if cursor.startswith("{"):
            return _reading(cursor)
        # of a search's two times the first is up to where changes are read
        found = instant(cursor.partition("|")[0]) if cursor else None
        if cursor and found is None:
            raise _strange(cursor)
        return cls(found)

    def __str__(self) -> str:
        since = stamp(self.since) if self.since else ""
        if self.reading is None:
            return since
        one = self.reading
        said = {"since": since, "job": one.job, "time": one.time, "file": one.file}
        return orjson.dumps(said | {"part": one.part, "line": one.line}).decode()


def mark(url: str) -> str:
    """What tells a file of a job from another. Its query is left out: where files are handed out
    by signed addresses, each look at the job signs them anew."""
    parsed = httpx2.URL(url)
    return sha256(f"{parsed.host}{parsed.path}".encode()).hexdigest()[:12]


def _reading(cursor: str) -> Place:
    try:
        said: dict[str, Any] = orjson.loads(cursor)
        since = instant(said["since"])
        reading = Reading(
            job=str(said["job"]),
            time=str(said["time"]),
            part=int(said["part"]),
            file=str(said["file"]),
            line=int(said["line"]),
        )
    except (ValueError, KeyError, TypeError):
        raise _strange(cursor) from None
    return Place(since, reading)


def _strange(cursor: str) -> Misconfigured:
    return Misconfigured(f"cursor {cursor[:40]!r} is none of ours, expected an instant")
