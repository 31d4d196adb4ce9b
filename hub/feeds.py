"""How each feed is doing, as the pipelines told us: views and checks read this, never a queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub import tables
from hub.context import Context
from hub.database import Session

_FED = ("entity", "system")


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


def fed(context: Context, spoke: set[tuple[str, str]]) -> None:
    """Notes which systems spoke of which kinds of records."""
    new = sorted(spoke - context.fed)
    context.session.upsert(tables.fed, _FED, new, _FED)
    context.fed.update(new)


def heard(session: Session, entities: Sequence[str]) -> dict[str, int | None]:
    """The systems that speak of these kinds of records, and when something of each was last
    settled, in microseconds; None: no feed of theirs is known."""
    rows = session.among(
        "select k.system, max(f.settled_at) from (select distinct system from fed "
        "where entity in {members}) k left join feed f on f.system = k.system "
        "group by k.system order by k.system",
        list(entities),
    )
    return dict(rows)
