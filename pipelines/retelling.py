"""What subscribers were told, told again; and what is no longer kept of it. Like those of
deliveries, each change is a function to be done within the commit of the journal's writer."""

from __future__ import annotations

from collections.abc import Sequence

from hub.database import Session
from pipelines import deliveries, tables
from pipelines.deliveries import New
from pipelines.journal import Also


def repeat(pipeline: str, news: Sequence[New], now: int) -> Also:
    """Tells these versions, in this order, whether they were told or refused before or never; one
    that is still to be told is not told twice. `id` stays, so that the target knows each."""

    def do(session: Session) -> None:
        row = session.one("select turn, upto from consumer where pipeline = ?", (pipeline,))
        turn, upto = (int(row[0]), row[1]) if row else (0, "")
        for new in news:
            turn += deliveries.put(session, pipeline, new, turn + 1, now) or _anew(
                session, pipeline, new, turn + 1
            )
        session.upsert(
            tables.consumer, ("pipeline", "upto", "turn"), [(pipeline, upto, turn)], ("pipeline",)
        )

    return do


def at_once(pipeline: str) -> Also:
    """Whatever waits for another try is tried now."""

    def do(session: Session) -> None:
        session.run(
            "update delivery set not_before = 0 where pipeline = ? and state = 'ready'", (pipeline,)
        )

    return do


def forget(prefix: str, before: int) -> Also:
    """Of pipelines whose names begin so, what ended before then is no longer known."""

    def do(session: Session) -> None:
        for (pipeline,) in session.all("select pipeline from consumer"):
            if pipeline.startswith(prefix):
                session.run(
                    "delete from delivery where pipeline = ? and ended_at < ? "
                    "and state in ('delivered', 'refused')",
                    (pipeline, before),
                )

    return do


def refused(session: Session, pipeline: str, limit: int) -> list[New]:
    """What a target would not take, the oldest first."""
    rows = session.all(
        "select id, v, entity, entity_id, n, lane from delivery where pipeline = ? "
        "and state = 'refused' order by turn limit ?",
        (pipeline, limit),
    )
    return [
        New(id=row[0], v=row[1], entity=row[2], entity_id=row[3], n=row[4], lane=bytes(row[5]))
        for row in rows
    ]


def _anew(session: Session, pipeline: str, new: New, turn: int) -> int:
    """1 when one that had ended is to be told again."""
    state = "behind" if deliveries.is_open(session, pipeline, new.lane) else "ready"
    return session.run(
        "update delivery set state = ?, turn = ?, tries = 0, not_before = 0, tried_at = null, "
        "ended_at = null, said = null, detail = '' where pipeline = ? and v = ? and state in "
        "('delivered', 'refused', 'shadow')",
        (state, turn, pipeline, new.v),
    )
