"""The session, pull run or call that messages came in, with what it brought: reconciliation
counts are kept for every transfer (ICH E6(R3) 4.2.5)."""

from __future__ import annotations

import itertools
import os
import threading
from dataclasses import dataclass

from hub.clock import now
from hub.database import Session
from pipelines import tables
from pipelines.journal import Also

_COLUMNS = (
    "id", "connection", "stream", "kind", "began_at", "ended_at", "read", "new", "outcome",
)  # fmt: skip
_turn = itertools.count()
_guard = threading.Lock()


def fresh_id() -> int:
    """A number no other arrival has: microseconds and, in the last digits, process and turn."""
    with _guard:
        return now() * 1000 + (os.getpid() * 31 + next(_turn)) % 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One transfer. `read` counts what the source gave, `new` what had not been stored before."""

    id: int
    connection: str
    stream: str
    kind: str
    began_at: int
    ended_at: int | None = None
    read: int = 0
    new: int = 0
    outcome: str = ""


def put(arrival: Arrival) -> Also:
    """Writes an arrival, or replaces what was written of it, within someone's commit."""

    def do(session: Session) -> None:
        row = tuple(getattr(arrival, column) for column in _COLUMNS)
        session.upsert(tables.arrival, _COLUMNS, [row], ("id",))

    return do
