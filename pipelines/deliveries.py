"""What is to be said to whom, in which order, and what became of it.

A delivery is behind until everything before it in its lane has ended; the first of a lane is
ready, waits for something the target must know, or for a person. Only the journal's writer
changes the table: each change here is a function to be done within its commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.database import Row, Session
from pipelines import tables
from pipelines.journal import Also

_DUE = "state in ('ready', 'waiting', 'approval', 'sending')"
_OPEN = "state in ('behind', 'ready', 'waiting', 'approval', 'sending', 'unknown')"
_COLUMNS = (
    "id", "pipeline", "v", "entity", "entity_id", "n", "lane", "turn", "state", "tries",
    "not_before", "made_at", "tried_at", "ended_at", "detail", "native_id", "said",
)  # fmt: skip
_ENDED = ("delivered", "refused", "shadow")
_READ = "id, pipeline, v, entity, entity_id, n, lane, state, tries, made_at, tried_at, said"


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A version that is to be said. `id` is the same however often the feed is read."""

    id: str
    v: int
    entity: str
    entity_id: str
    n: int
    lane: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A delivery that has not ended."""

    id: str
    pipeline: str
    v: int
    entity: str
    entity_id: str
    n: int
    lane: bytes
    state: str
    tries: int
    made_at: int
    tried_at: int | None
    said: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A delivery that is about to be handed over: what it says (sealed), and the fingerprints
    that leaves."""

    one: Open
    said: bytes
    prints: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What became of a delivery. `tried`: this was an attempt that counts."""

    one: Open
    state: str
    detail: str = ""
    native_id: str = ""
    not_before: int = 0
    tried: bool = True
    confirmed: bool = True
    said: bytes | None = None  # what would have been sent, sealed


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries of a pipeline or connection are where. `waiting` holds everything that
    is still to be said."""

    delivered: int = 0
    refused: int = 0
    waiting: int = 0
    unknown: int = 0
    shadow: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.delivered + other.delivered,
            self.refused + other.refused,
            self.waiting + other.waiting,
            self.unknown + other.unknown,
            self.shadow + other.shadow,
        )


# -- reading


def cursor(session: Session, pipeline: str) -> str | None:
    """How far a pipeline has read the feed; None when it never has."""
    row = session.one("select upto from consumer where pipeline = ?", (pipeline,))
    return str(row[0]) if row else None


def due(session: Session, pipeline: str, now: int, limit: int) -> list[Open]:
    """The first of each lane that may be looked at now, in the order of the feed."""
    rows = session.all(
        f"select {_READ} from delivery where pipeline = ? and {_DUE} and state <> 'sending' "
        "and not_before <= ? order by turn limit ?",
        (pipeline, now, limit),
    )
    return [_open(row) for row in rows]


def interrupted(session: Session, pipeline: str) -> list[Open]:
    """What was handed over when its process ended: nobody knows what became of it."""
    rows = session.all(
        f"select {_READ} from delivery where pipeline = ? and {_DUE} and state = 'sending' "
        "order by turn",
        (pipeline,),
    )
    return [_open(row) for row in rows]


def unsure(session: Session, pipeline: str, limit: int = 100) -> list[Open]:
    """What was sent and waits for a person to find out, oldest first."""
    rows = session.all(
        f"select {_READ} from delivery where pipeline = ? and state = 'unknown' "
        "order by turn limit ?",
        (pipeline, limit),
    )
    return [_open(row) for row in rows]


def told(session: Session, pipeline: str, entity_ids: Sequence[str]) -> set[tuple[str, int]]:
    """Of each of these records the versions a pipeline has been given to say; what it only would
    have said is none of them."""
    rows = session.among(
        "select entity_id, n from delivery where pipeline = ? and state <> 'shadow' "
        "and entity_id in {members}",
        entity_ids,
        (pipeline,),
    )
    return {(one, n) for one, n in rows}


def counts(session: Session) -> dict[str, Counts]:
    """Per pipeline. `by_connection` adds up those that go to one target."""
    found: dict[str, Counts] = {}
    rows = session.all("select pipeline, state, count(*) from delivery group by pipeline, state")
    for pipeline, state, number in rows:
        name = state if state in (*_ENDED, "unknown") else "waiting"
        found[pipeline] = found.get(pipeline, Counts()) + Counts(**{name: int(number)})
    return found


def by_connection(found: Mapping[str, Counts], targets: Mapping[str, str]) -> dict[str, Counts]:
    """`targets`: the connection of each pipeline. Counts of a pipeline that is no longer there
    are left out."""
    added: dict[str, Counts] = {}
    for pipeline, connection in targets.items():
        added[connection] = added.get(connection, Counts()) + found.get(pipeline, Counts())
    return added


# -- changing


def enter(
    pipeline: str, news: Sequence[New], upto: str | None, now: int, *, anew: bool = False
) -> Also:
    """Takes versions in, in this order, and moves the pipeline's cursor (None: it stays); one
    commit. What has been taken in before changes nothing; `anew`: but what only would have been
    said is said now."""

    def do(session: Session) -> None:
        row = session.one("select turn, upto from consumer where pipeline = ?", (pipeline,))
        turn, was = (int(row[0]), row[1]) if row else (0, "")
        for new in news:
            if anew:
                session.run(
                    "delete from delivery where pipeline = ? and v = ? and state = 'shadow'",
                    (pipeline, new.v),
                )
            turn += put(session, pipeline, new, turn + 1, now)
        kept = (pipeline, was if upto is None else upto, turn)
        session.upsert(tables.consumer, ("pipeline", "upto", "turn"), [kept], ("pipeline",))

    return do


def switch(pipeline: str, now: int, *, shadow: bool) -> Also:
    """Notes whether a pipeline sends. When it begins to, what it took in before and has not ended
    is left unsaid, and what it would have said is forgotten but for the fact."""

    def do(session: Session) -> None:
        row = session.one("select shadow from consumer where pipeline = ?", (pipeline,))
        if row and row[0] and not shadow:
            session.run(
                "update delivery set state = 'shadow', ended_at = ?, said = null, detail = "
                f"'the pipeline sent nothing yet' where pipeline = ? and {_OPEN} "
                "and state not in ('sending', 'unknown')",
                (now, pipeline),
            )
            session.run(
                "update delivery set said = null where pipeline = ? and state = 'shadow'",
                (pipeline,),
            )
        session.run("update consumer set shadow = ? where pipeline = ?", (int(shadow), pipeline))

    return do


def begin(sent: Sequence[Sent], now: int) -> Also:
    """Before anything is sent: it may go out from now on, and may come back."""

    def do(session: Session) -> None:
        for one in sent:
            session.run(
                "update delivery set state = 'sending', said = ?, detail = '', "
                "tried_at = coalesce(tried_at, ?) where id = ?",
                (one.said, now, one.one.id),
            )
            for digest in one.prints:
                session.run(
                    "insert into fingerprint(digest, delivery) values(?, ?) "
                    "on conflict(digest) do nothing",
                    (digest, one.one.id),
                )

    return do


def became(outcomes: Sequence[Became], now: int) -> Also:
    """Notes outcomes; where one has ended, the next of its lane is ready."""

    def do(session: Session) -> None:
        for one in outcomes:
            _became(session, one, now)

    return do


def again(ids: Sequence[str]) -> Also:
    """Says refused deliveries once more, with what is known then: a person has found that the
    target takes them now. They come behind whatever of their lane is open."""

    def do(session: Session) -> None:
        for one in ids:
            row = session.one(
                "select pipeline, lane from delivery d where id = ? and state = 'refused' and "
                "not exists (select 1 from delivery later where later.pipeline = d.pipeline and "
                "later.entity_id = d.entity_id and later.entity = d.entity and later.n > d.n)",
                (one,),
            )
            if row:
                state = "behind" if is_open(session, *row) else "ready"
                session.run(
                    "update delivery set state = ?, tries = 0, not_before = 0, tried_at = null, "
                    "ended_at = null, said = null where id = ?",
                    (state, one),
                )

    return do


def put(session: Session, pipeline: str, new: New, turn: int, now: int) -> int:
    """Takes a version in within someone's commit: 1 when it was put in, 0 when it was there."""
    known = "select 1 from delivery where pipeline = ? and v = ?"
    if session.one(known, (pipeline, new.v)):
        return 0
    # a record stays in the lane in which something of it is still open: people may be merged
    lane_of = session.one(
        f"select lane from delivery where pipeline = ? and entity_id = ? and {_OPEN} "
        "order by turn desc limit 1",
        (pipeline, new.entity_id),
    )
    lane = bytes(lane_of[0]) if lane_of else new.lane
    state = "behind" if is_open(session, pipeline, lane) else "ready"
    row: Row = (
        new.id, pipeline, new.v, new.entity, new.entity_id, new.n, lane, turn, state, 0, 0, now,
        None, None, "", "", None,
    )  # fmt: skip
    session.insert(tables.delivery, _COLUMNS, [row])
    return 1


def is_open(session: Session, pipeline: str, lane: bytes) -> bool:
    """Whether anything of a lane has not ended."""
    found = session.one(
        f"select 1 from delivery where pipeline = ? and lane = ? and {_OPEN} limit 1",
        (pipeline, lane),
    )
    return found is not None


def _became(session: Session, one: Became, now: int) -> None:
    ended = one.state in _ENDED
    kept = "null" if one.state == "delivered" else "?" if one.said else "said"
    given = (one.said,) if kept == "?" else ()
    changed = session.run(
        "update delivery set state = ?, tries = tries + ?, detail = ?, native_id = ?, "
        f"not_before = ?, ended_at = ?, confirmed = ?, said = {kept} "
        "where id = ? and ended_at is null",
        (one.state, int(one.tried), one.detail, one.native_id, one.not_before,
         now if ended else None, int(one.confirmed), *given, one.one.id),
    )  # fmt: skip
    if not (ended and changed):
        return
    if one.state != "refused":
        session.run(
            "update delivery set not_before = 0 where pipeline in (select pipeline from consumer) "
            f"and lane = ? and {_OPEN} and state = 'waiting'",
            (one.one.lane,),
        )
    else:
        session.run("delete from fingerprint where delivery = ?", (one.one.id,))
    first = session.one(
        f"select id from delivery where pipeline = ? and lane = ? and {_OPEN} "
        "order by turn limit 1",
        (one.one.pipeline, one.one.lane),
    )
    if first:
        session.run(
            "update delivery set state = 'ready', not_before = 0 where id = ? and state = 'behind'",
            (first[0],),
        )


def _open(row: Row) -> Open:
    return Open(
        id=row[0], pipeline=row[1], v=row[2], entity=row[3], entity_id=row[4], n=row[5],
        lane=bytes(row[6]), state=row[7], tries=row[8], made_at=row[9], tried_at=row[10],
        said=None if row[11] is None else bytes(row[11]),
    )  # fmt: skip
