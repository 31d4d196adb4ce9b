"""How each feed is doing, as the pipelines told us: views and checks read this, never a queue."""

from __future__ import annotations

from collections.abc import Mapping

from hub import tables
from hub.database import Session


def note(session: Session, now: int, heard: Mapping[tuple[str, str], tuple[str, int]]) -> None:
    """Per connection and stream: which system spoke, and what it last spoke of (microseconds)."""
    rows = [
        (connection, stream, system, "running", at, now, "")
        for (connection, stream), (system, at) in heard.items()
    ]
    columns = ("connection", "stream", "system", "state", "heard_at", "settled_at", "detail")
    session.upsert(tables.feed, columns, rows, ("connection", "stream"))


def count(session: Session, brought: Mapping[tuple[str, str], tuple[int, int]]) -> None:
    """Per connection and stream, which were noted before: messages that came, and how many of
    them were parked."""
    session.many(
        "update feed set messages = messages + ?, parked = parked + ? "
        "where connection = ? and stream = ?",
        [(*counts, *place) for place, counts in brought.items()],
    )
