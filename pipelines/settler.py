"""Takes messages off the journal, understands them and settles them; the only writer of the
hub's store. Start-up runs the same code as any other minute: the journal is the queue."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import orjson
import structlog

import hub.settle
from hub import feeds
from hub.context import Context
from hub.said import Said
from pipelines import admitting, commands, outcomes, unread
from pipelines.journal import FAULT, REUSED, TEST, UNTIMED
from pipelines.mapper import Mapper
from pipelines.outcomes import Outcome
from pipelines.queue import Blocked, Fenced, Queue
from pipelines.route import Route, Routes
from pipelines.work import Mapped, Work

log = structlog.get_logger("settler")
Waiting = Sequence[Future[list[bytes]]]
LATE = "the record had changed since it was seen"
_BAD = ("parked", "blocking")
OWN = "crohub"  # the connection of commands: they arrive like anything else


@dataclass(slots=True)
class Settler:
    """One settling worker. `route(revision, pipeline, connection)` says how a message of a
    pipeline is settled; `is_outside(error)` whether a failure is the store's or the machine's,
    so that no message is to blame."""

    queue: Queue
    mapper: Mapper
    context: Context
    route: Routes
    is_outside: Callable[[Exception], bool]
    clock: Callable[[], int]
    limit: int = 500
    # what is done while nothing waits, a little at a time, the first that has something to do;
    # False: it has nothing
    meanwhile: list[Callable[[], bool]] = field(default_factory=list)
    pending: tuple[list[Work], Waiting] = field(default_factory=lambda: ([], []))
    ready_at: int = 0  # when to look for messages to settle again

    def step(self) -> bool:
        """Settles one batch while the next is being mapped. False: nothing to do."""
        now = self.clock()
        works, tickets = self.pending
        if not works and now >= self.ready_at:
            again = self.queue.ready(now, self.limit)
            if again:
                self._settle(again, self.mapper.collect(self._submit(again)))
                return True
            self.ready_at = now + 500_000
        following: list[Work] = [] if works and now >= self.ready_at else self._fetch()
        self.pending = (following, self._submit(following))
        if works:
            self._settle(works, self.mapper.collect(tickets))
        return bool(works or following) or self._meanwhile()

    def _meanwhile(self) -> bool:
        return any(self._tried(look) for look in list(self.meanwhile))

    def _tried(self, look: Callable[[], bool]) -> bool:
        """A failure there is no reason to stop settling: it is not tried again in this life."""
        try:
            return look()
        except Exception as error:
            if self.is_outside(error):
                raise
            name = f"{look.__module__}.{look.__qualname__}"
            log.error("what is done meanwhile ended", what=name, error=type(error).__name__)
            self.meanwhile.remove(look)
            return False

    def _fetch(self) -> list[Work]:
        return self.queue.next(self.limit)

    def _submit(self, works: Sequence[Work]) -> Waiting:
        mappable = _mappable(works)
        for revision in {work.revision for work in mappable}:
            self.route.deployment(revision)  # a mapping process finds it laid out
        return self.mapper.submit(mappable)

    def forget(self) -> None:
        """After a failure that may pass: drop what was under way and begin again from disk."""
        works, tickets = self.pending
        if works:
            self.mapper.collect(tickets)
        self.pending = ([], [])
        hub.settle.forget(self.context)
        self.queue.refetch()

    def _settle(self, works: list[Work], answers: Sequence[Mapped]) -> None:
        mapped = dict(zip([w.seq for w in _mappable(works)], answers, strict=True))
        self._bisect(works, mapped)

    def _bisect(self, works: list[Work], mapped: Mapping[int, Mapped]) -> None:
        """A batch that fails is halved until the one message that breaks it is alone."""
        try:
            self._commit(works, mapped)
            return
        except Fenced:
            raise
        except Exception as error:
            hub.settle.forget(self.context)
            if self.is_outside(error):
                raise
            if len(works) == 1:
                log.error("parked", seq=works[0].seq, error=type(error).__name__)
                self._park(works[0], f"settling failed with {type(error).__name__}")
                return
        middle = len(works) // 2
        self._bisect(works[:middle], mapped)
        self._bisect(works[middle:], mapped)

    def _park(self, work: Work, reason: str) -> None:
        waits = work.connection != OWN and self._route(work).lane_waits
        outcome = Outcome(work=work, state="blocking" if waits else "parked", reason=reason)
        with self.queue.hub.transaction():
            outcomes.mark(self.queue.hub, self.clock(), [outcome])
            if work.retried:
                outcomes.free_lanes(self.queue.hub, [outcome])
            feeds.note(self.queue.hub, self.clock(), _heard([work], self._route))
            feeds.count(self.queue.hub, _brought([work], {work.seq}))
            self.queue.advance([work])
        self.queue.advanced([work])

    def _commit(self, works: list[Work], mapped: Mapping[int, Mapped]) -> None:
        session, now = self.queue.hub, self.clock()
        with session.transaction():
            aside, said, orders = self._sort(works, mapped)
            settled = hub.settle.settle(self.context, said)
            for work in orders:
                commands.obey(session, self.context, work, now)
            held = {seq for _, seq in settled.held}
            by_seq = {work.seq: work for work in works}
            aside += [Outcome(work=by_seq[seq], state="held") for seq in sorted(held)]
            aside += [Outcome(work=by_seq[n], state="aside", reason=LATE) for n in settled.late]
            outcomes.mark(session, now, aside)
            outcomes.hold(session, settled.held)
            done = [w.seq for w in works if w.retried and w.seq in set(settled.done)]
            outcomes.clear(session, done)
            outcomes.free_lanes(session, [o for o in aside if o.work.retried or orders])
            if outcomes.release(session, settled.born):
                self.ready_at = 0
            unread.count(session, [(by_seq[s.seq], s.meaning) for s in said if s.meaning.unread])
            feeds.note(session, now, _heard(works, self._route))
            feeds.count(session, _brought(works, {o.work.seq for o in aside if o.state in _BAD}))
            self.queue.advance(works)
        self.queue.advanced(works)
        hub.settle.trim(self.context)
        if orders or done:
            self.ready_at = 0

    def _sort(
        self, works: Sequence[Work], mapped: Mapping[int, Mapped]
    ) -> tuple[list[Outcome], list[Said], list[Work]]:
        """What is set aside, what is settled, and what is a command."""
        aside: list[Outcome] = []
        said: list[Said] = []
        orders: list[Work] = []
        blocked = self.queue.blocked([work.lane for work in works])
        for work in works:
            if work.connection == OWN:
                orders.append(work)
                continue
            route = self._route(work)
            outcome = _behind(work, blocked) or _outcome(work, route, mapped.get(work.seq))
            if outcome is None and route.approve:
                lapsing = self.context.lapsing
                outcome = admitting.waiting(self.queue.hub, work, self.clock(), lapsing)
            if outcome is None:
                said.append(_said(work, route, mapped[work.seq]))
                continue
            if outcome.state == "parked" and route.lane_waits:
                outcome = Outcome(
                    work=work, state="blocking", reason=outcome.reason, place=outcome.place
                )
                blocked.block(work.lane, work.seq)
            aside.append(outcome)
        return aside, said, orders

    def _route(self, work: Work) -> Route:
        return self.route(work.revision, work.pipeline, work.connection)


def _mappable(works: Sequence[Work]) -> list[Work]:
    return [w for w in works if w.pipeline and not w.flags & (FAULT | REUSED | TEST)]


def _behind(work: Work, blocked: Blocked) -> Outcome | None:
    if not blocked.holds_back(work):
        return None
    return Outcome(work=work, state="behind", reason="an earlier message of its lane is parked")


def _outcome(work: Work, route: Route, mapped: Mapped | None) -> Outcome | None:
    """Why this message is not settled; None: it is."""
    if work.flags & TEST or route.environment == "test":
        return Outcome(work=work, state="test", reason="not production data")
    if work.flags & (FAULT | REUSED):
        return Outcome(work=work, state="parked", reason=_why_refused(work))
    if mapped is None:
        return Outcome(work=work, state="aside", reason="no pipeline reads this stream")
    if mapped.fault:
        return Outcome(work=work, state="parked", reason=mapped.fault, place=mapped.place)
    if not mapped.read:
        return Outcome(work=work, state="aside", reason="no mapping of its pipeline reads it")
    return None


def _why_refused(work: Work) -> str:
    if work.flags & REUSED:
        return "its key came before with another body"
    return str(orjson.loads(work.remark or "{}").get("fault", "unreadable"))


def _said(work: Work, route: Route, mapped: Mapped) -> Said:
    assert mapped.meaning is not None  # noqa: S101 - `_outcome` has looked
    return Said(
        seq=work.seq,
        system=route.system,
        at=work.at,
        meaning=mapped.meaning,
        admission=route.admission,
        again=work.again,
        timed=not work.flags & UNTIMED,
    )


def _heard(
    works: Sequence[Work], route: Callable[[Work], Route]
) -> dict[tuple[str, str], tuple[str, int]]:
    """Per connection and stream: the system and when it last spoke."""
    last = {(work.connection, work.stream): work for work in works if work.connection != OWN}
    return {place: (route(work).system, work.at) for place, work in last.items()}


def _brought(works: Sequence[Work], bad: Collection[int]) -> dict[tuple[str, str], tuple[int, int]]:
    """Per connection and stream: how many messages came for the first time, how many were bad."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for work in works:
        if work.connection == OWN or work.retried:
            continue
        messages, parked = found.get((work.connection, work.stream), (0, 0))
        found[work.connection, work.stream] = (messages + 1, parked + (work.seq in bad))
    return found
