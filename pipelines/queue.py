"""The journal as a queue: what is next, in order, and what became of it.

A partition's messages are taken in the order of their numbers; `progress` says how far. What is
not simply done has a row in `outcome`. Embedded there is one partition and one worker; on
PostgreSQL workers lease partitions, and an epoch fences off one that came back too late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.database import Row, Session
from pipelines import tables
from pipelines.work import Work

LEASE = 30_000_000  # microseconds
PARTS = {"sqlite": 1, "postgresql": 16}

_COLUMNS = (
    "m.seq, m.part, m.connection, m.stream, m.key, m.lane, m.at, m.media, m.flags, m.pipeline, "
    "m.revision, m.remark, m.body"
)


class Fenced(Exception):
    """Another worker took the partition over; this one's batch must not count."""


@dataclass(slots=True)
class Held:
    """A leased partition: how far it is settled, how far it is fetched."""

    part: int
    epoch: int
    upto: int
    fetched: int


@dataclass(slots=True)
class Blocked:
    """Lanes that are not free: `waiting` for whoever comes new, `first` by the number of the
    parked message that holds them back."""

    waiting: set[bytes] = field(default_factory=set)
    first: dict[bytes, int] = field(default_factory=dict)

    def block(self, lane: bytes, seq: int) -> None:
        """From now on the lane waits for message `seq`."""
        self.waiting.add(lane)
        self.first[lane] = min(seq, self.first.get(lane, seq))

    def holds_back(self, work: Work) -> bool:
        """Whether this message has to wait. One that is settled again waits only for a parked
        message before it."""
        if work.retried:
            return self.first.get(work.lane, work.seq) < work.seq
        return work.lane in self.waiting


@dataclass(slots=True)
class Queue:
    """One worker's view. `journal` and `hub` are two sessions; only `hub` is written."""

    journal: Session
    hub: Session
    worker: str
    parts: dict[int, Held] = field(default_factory=dict)

    def prepare(self) -> None:
        """Makes sure every partition has its row."""
        rows = [(part, 0, 0, None, 0) for part in range(PARTS[self.hub.dialect])]
        with self.hub.transaction():
            known = {row[0] for row in self.hub.all("select part from progress")}
            missing = [row for row in rows if row[0] not in known]
            columns = ("part", "upto", "epoch", "owner", "lease_until")
            self.hub.upsert(tables.progress, columns, missing, ("part",))

    def lease(self, now: int) -> None:
        """Takes partitions up to a fair share: those nobody holds, then what another worker has
        above its share (its batch under way is fenced off and done again by someone); gives back
        what is above its own."""
        with self.hub.transaction():
            rows = self.hub.all("select part, owner, lease_until from progress order by part")
            others = {o for _, o, until in rows if o and o != self.worker and until > now}
            share = -(-len(rows) // (len(others) + 1))
            self._give_back(share)
            free = [p for p, o, until in rows if (o != self.worker and until <= now) or o is None]
            mine = {p for p, o, _ in rows if o == self.worker}
            for part in sorted((mine | set(free)) - set(self.parts)):
                if len(self.parts) < share:
                    self._take(part, now)
            for part in _surplus(rows, others, share):
                if len(self.parts) < share:
                    self._take(part, now, force=True)
            for held in list(self.parts.values()):
                self._renew(held, now)

    def _take(self, part: int, now: int, *, force: bool = False) -> None:
        row = self.hub.one(
            "update progress set owner = ?, epoch = epoch + 1, lease_until = ? where part = ? "
            "and (owner is null or owner = ? or lease_until <= ? or ?) returning epoch, upto",
            (self.worker, now + LEASE, part, self.worker, now, force),
        )
        if row:
            self.parts[part] = Held(part, row[0], row[1], row[1])

    def _renew(self, held: Held, now: int) -> None:
        changed = self.hub.run(
            "update progress set lease_until = ? where part = ? and epoch = ?",
            (now + LEASE, held.part, held.epoch),
        )
        if not changed:
            del self.parts[held.part]

    def _give_back(self, share: int) -> None:
        idle = [h for h in self.parts.values() if h.fetched == h.upto]
        for held in idle[: max(0, len(self.parts) - share)]:
            self.hub.run(
                "update progress set owner = null, lease_until = 0 where part = ? and epoch = ?",
                (held.part, held.epoch),
            )
            del self.parts[held.part]

    def next(self, limit: int) -> list[Work]:
        """The next messages of the leased partitions that were not fetched yet, in order."""
        found: list[Work] = []
        for held in self.parts.values():
            if len(found) >= limit:
                break
            rows = self.journal.all(
                f"select {_COLUMNS} from message m where m.part = ? and m.seq > ? "
                "order by m.seq limit ?",
                (held.part, held.fetched, limit - len(found)),
            )
            if rows:
                held.fetched = rows[-1][0]
                found += [_work(row) for row in rows]
        return found

    def ready(self, now: int, limit: int) -> list[Work]:
        """Messages to be settled again: replays, retries that are due, released ones."""
        states = []
        for part in self.parts:
            states += self.hub.all(
                "select seq, tries, revision, again from outcome where part = ? and "
                "state = 'ready' and not_before <= ? order by seq limit ?",
                (part, now, limit),
            )
        rows = self.journal.among(
            f"select {_COLUMNS} from message m where m.seq in {{members}} order by m.seq",
            [row[0] for row in states],
        )
        known = {row[0]: row for row in states}
        return [_again(_work(row), known[row[0]]) for row in rows]

    def refetch(self) -> None:
        """After a failure: begin again where settling stands."""
        for held in self.parts.values():
            row = self.hub.one(
                "select upto from progress where part = ? and epoch = ?", (held.part, held.epoch)
            )
            if row:
                held.upto = held.fetched = row[0]

    def blocked(self, lanes: Sequence[bytes]) -> Blocked:
        """Which of these lanes wait behind a message of theirs, and behind which."""
        found = Blocked()
        parts = list(self.parts)
        if not self.hub.among(
            "select 1 from outcome where state in ('blocking', 'behind', 'ready') "
            "and part in {members} limit 1",
            parts,
        ):
            return found
        lanes = list(set(lanes))
        # whoever would let a lane go on now, waits until this batch is done (or was quicker)
        lock = " for share" if self.hub.dialect == "postgresql" else ""
        blocking = "select lane, seq from outcome where state = 'blocking' and lane in {members}"
        for lane, seq in self.hub.among(blocking + lock, lanes):
            found.block(bytes(lane), seq)
        waiting = (
            "select distinct lane from outcome "
            "where state in ('behind', 'ready') and lane in {members}"
        )
        found.waiting |= {bytes(lane) for (lane,) in self.hub.among(waiting, lanes)}
        return found

    def advance(self, works: Sequence[Work]) -> None:
        """Moves progress past these messages, inside the transaction that holds their effects."""
        last: dict[int, int] = {}
        for work in works:
            if not work.retried:
                last[work.part] = work.seq
        for part, seq in last.items():
            held = self.parts[part]
            changed = self.hub.run(
                "update progress set upto = ? where part = ? and epoch = ?",
                (seq, part, held.epoch),
            )
            if not changed:
                raise Fenced(f"partition {part} belongs to another worker")

    def advanced(self, works: Sequence[Work]) -> None:
        """After the commit."""
        for work in works:
            if not work.retried:
                self.parts[work.part].upto = work.seq


def _surplus(rows: Sequence[Row], others: set[str], share: int) -> list[int]:
    """Partitions that workers hold above their share."""
    held: dict[str, list[int]] = {other: [] for other in others}
    for part, owner, _ in rows:
        if owner in held:
            held[owner].append(part)
    return sorted(part for parts in held.values() for part in parts[share:])


def _work(row: Row) -> Work:
    return Work(
        seq=row[0], part=row[1], connection=row[2], stream=row[3], key=row[4], lane=row[5],
        at=row[6], media=row[7], flags=row[8], pipeline=row[9], revision=row[10], remark=row[11],
        body=row[12],
    )  # fmt: skip


def _again(work: Work, state: Row) -> Work:
    from dataclasses import replace

    _, tries, revision, again = state
    return replace(
        work,
        retried=True,
        again=bool(again),
        tries=tries,
        revision=revision if revision is not None else work.revision,
    )
