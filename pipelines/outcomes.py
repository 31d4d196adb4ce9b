"""What became of messages that are not simply done: parked, held, set aside, to be retried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.database import Row, Session
from pipelines import tables
from pipelines.work import Work

COLUMNS = (
    "seq", "part", "lane", "state", "reason", "place", "tries", "not_before", "at", "revision",
    "again",
)  # fmt: skip
# blocking: parked, and its lane waits for it; expired: held in vain, its body goes next; erased
STATES = (
    "ready", "behind", "blocking", "parked", "held", "aside", "test", "expired", "erased",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Why one message is not done. `place` is where the fault is, in the source's words."""

    work: Work
    state: str
    reason: str = ""
    place: str = ""
    not_before: int = 0


def mark(session: Session, now: int, outcomes: Sequence[Outcome]) -> None:
    """Writes outcomes, replacing earlier ones of the same messages."""
    rows: list[Row] = [
        (
            o.work.seq, o.work.part, o.work.lane, o.state, o.reason, o.place,
            o.work.tries + (o.state == "ready"), o.not_before, now,
            o.work.revision if o.work.retried else None, o.work.again,
        )
        for o in outcomes
    ]  # fmt: skip
    session.upsert(tables.outcome, COLUMNS, rows, ("seq",))


def clear(session: Session, seqs: Sequence[int]) -> None:
    """These are done now; lanes that waited for them go on."""
    for start in range(0, len(seqs), 500):
        part = list(seqs[start : start + 500])
        marks = ", ".join("?" * len(part))
        lanes = session.all(
            f"select distinct lane from outcome where state = 'behind' and lane in "
            f"(select lane from outcome where seq in ({marks}))",
            part,
        )
        session.run(f"delete from outcome where seq in ({marks})", part)
        for (lane,) in lanes:
            release_lane(session, lane)


def free_lanes(session: Session, outcomes: Sequence[Outcome]) -> None:
    """After outcomes were marked: a lane goes on when what it waited for has ended some other
    way than done, or was let go in the same batch."""
    for lane in dict.fromkeys(
        o.work.lane for o in outcomes if o.state not in ("ready", "blocking")
    ):
        release_lane(session, lane)


def release_lane(session: Session, lane: bytes) -> None:
    """Lets what waits behind go on, when nothing of its lane blocks any more."""
    blocking = session.one(
        "select 1 from outcome where lane = ? and state in ('blocking', 'ready') limit 1", (lane,)
    )
    if blocking is None:
        session.run(
            "update outcome set state = 'ready', not_before = 0 "
            "where lane = ? and state = 'behind'",
            (lane,),
        )


def hold(session: Session, held: Sequence[tuple[bytes, int]]) -> None:
    """Notes which people held messages wait for."""
    session.upsert(tables.held, ("digest", "seq"), list(dict.fromkeys(held)), ("digest", "seq"))


def release(session: Session, born: Sequence[bytes]) -> int:
    """People became known: what was held for them can be settled, oldest first. How many."""
    if not born or session.one("select 1 from held limit 1") is None:
        return 0
    rows = session.among("select distinct seq from held where digest in {members}", list(born))
    seqs = sorted({row[0] for row in rows})
    for start in range(0, len(seqs), 500):
        part = seqs[start : start + 500]
        marks = ", ".join("?" * len(part))
        session.run(
            f"update outcome set state = 'ready', not_before = 0 "
            f"where seq in ({marks}) and state = 'held'",
            part,
        )
        session.run(f"delete from held where seq in ({marks})", part)
    return len(seqs)
