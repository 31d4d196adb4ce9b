"""Tells subscribers of the change feed: a thread for each, started and stopped as they come and go.

What is owed to one is on disk like any delivery: sent again until it is taken, in order for each
record. One that has gone for good, or whose owner may see nothing any more, is told nothing
further, and goes on where it stood when a person lets it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from connectors.reach import Reach
from connectors.webhook.subscriber import Subscriber
from hub import changes, clock
from hub.seal import Keyring
from mappings.outbound import Outbound
from mappings.outbound_language import EVENT, Outgoing
from pipelines import consume, deliveries, orders, retelling, subscriptions
from pipelines.breaker import Breaker
from pipelines.consume import Desk
from pipelines.deliver import Deliverer
from pipelines.deliveries import New
from pipelines.dispatch import Office, desk_of, is_ours
from pipelines.outlet import FEED, Feed, Outlet
from pipelines.settings import Deployment
from pipelines.settings import Outbound as Settings
from pipelines.subscriptions import PREFIX, Subscription

log = structlog.get_logger("deliver")
ACTOR = "crohub:subscriptions"
_LOOK, _IDLE, _CALM = 1.0, 0.3, 5.0  # seconds between looks: at all, at the feed, after a failure
KEPT = 30  # days that it is known what was told
_DAY, _HOUR = 86_400_000_000, 3_600_000_000  # microseconds
_PAGE, _MOST = 500, 10_000  # versions read at a time, and told again by one order


@dataclass(frozen=True, slots=True)
class _Telling:
    """One subscriber being told, with the keys that it was begun with."""

    thread: threading.Thread
    ending: threading.Event
    secret: bytes


@dataclass(slots=True)
class Subscribers:
    """`trouble` says by subscription why a person must act."""

    office: Office
    trouble: dict[str, str] = field(default_factory=dict)
    _running: dict[str, _Telling] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)
    _watcher: threading.Thread | None = None
    _forgot: int = 0  # when that was last done, in microseconds

    def start(self) -> None:
        self._watcher = threading.Thread(target=self._watch, name="subscriptions", daemon=True)
        self._watcher.start()

    def stop(self, *, seconds: float = 10.0) -> None:
        """Lets what is being sent be answered, for so long; it is sent again at the next start."""
        self._ending.set()
        until = time.monotonic() + seconds
        for thread in (self._watcher, *(one.thread for one in self._running.values())):
            if thread:
                thread.join(max(0.0, until - time.monotonic()))

    def _watch(self) -> None:
        while not self._ending.is_set():
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - the store may be away for a while
                log.error("subscriptions cannot be read", error=type(error).__name__)
            self._ending.wait(_LOOK)
        for one in self._running.values():
            one.ending.set()

    def _look(self) -> None:
        hub = self.office.places.hub(read_only=self.office.places.embedded)
        try:
            found = {one.id: one for one in subscriptions.every(hub) if one.state == "on"}
        finally:
            hub.close()
        self._forget()
        for one, telling in list(self._running.items()):
            if one not in found or found[one].secret != telling.secret:
                telling.ending.set()
                self.trouble.pop(one, None)
            if telling.ending.is_set() and not telling.thread.is_alive():
                del self._running[one]  # not before: two would tell everything twice
        for one in found.keys() - self._running.keys():
            ending = threading.Event()
            thread = threading.Thread(
                target=self._work, args=(found[one], ending), name=f"tell {one}", daemon=True
            )
            self._running[one] = _Telling(thread, ending, found[one].secret)
            thread.start()

    def _forget(self) -> None:
        """What subscribers were told long ago is no longer kept; the feed itself has it."""
        now = clock.now()
        if now - self._forgot > _HOUR:
            self._forgot = now
            self.office.writer.keep([], [], [retelling.forget(PREFIX, now - KEPT * _DAY)])

    def _work(self, one: Subscription, ending: threading.Event) -> None:
        while not (ending.is_set() or self._ending.is_set()):
            try:
                self._run(one, ending)
            except Exception as error:  # noqa: BLE001 - what is owed is on disk: begin again
                log.error("waits", subscription=one.id, error=type(error).__name__)
                self.trouble[one.id] = f"failed with {type(error).__name__}"
            ending.wait(_CALM)

    def _run(self, one: Subscription, ending: threading.Event) -> None:
        """Tells until the end, a failure, or another node has it."""
        with desk_of(self.office, outlet(one)) as desk:
            if not is_ours(desk):
                return
            target = target_of(self.office.deployment, self.office.keyring, one)
            begin(desk, one)
            deliverer = Deliverer(
                desk=desk, connector=target, breaker=Breaker(time.monotonic), paused=dict
            )
            deliverer.recover()
            while not (ending.is_set() or self._ending.is_set()):
                if fault := subscriptions.fault(desk.hub, one, clock.now()):
                    self._end(desk, one, "paused", fault)
                    return
                busy = deliverer.step()
                self.trouble[one.id] = deliverer.trouble
                if target.gone:
                    self._end(desk, one, "gone", target.gone)
                    return
                if not busy:
                    ending.wait(_IDLE)

    def _end(self, desk: Desk, one: Subscription, state: str, reason: str) -> None:
        """Says what became of it, and waits until that is settled."""
        log.warning("a subscription ends", subscription=one.id, state=state, reason=reason)
        order = {
            "do": "subscription", "by": ACTOR, "object": one.id, "state": state, "reason": reason,
            "detail": {"name": one.name, "state": state},
        }  # fmt: skip
        entry = orders.entry(desk.keyring, desk.journal.dialect, order)
        kept = desk.writer.keep([entry])
        orders.wait(desk.hub, kept[-1].seq, entry.part, seconds=_CALM)


def reach_of(deployment: Deployment) -> Reach:
    """Where subscribers of this deployment may be."""
    allowed = deployment.hub.webhooks
    return Reach(allow=allowed.allow, plain=allowed.plain)


def target_of(deployment: Deployment, keyring: Keyring, one: Subscription) -> Subscriber:
    """The subscriber as somebody to push to."""
    return Subscriber(url=one.url, keys=one.keys(keyring, clock.now()), reach=reach_of(deployment))


def outlet(one: Subscription) -> Outlet:
    """A subscription as an outbound pipeline."""
    outgoing = Outgoing(
        name=one.pipeline, file=Path(one.pipeline), entity="", writes=EVENT, stream="event"
    )
    return Outlet(
        name=one.pipeline,
        settings=Settings(feed=FEED, mapping=one.pipeline, to=one.pipeline, mode="on"),
        system=one.pipeline,
        mapping=Outbound(outgoing=outgoing, requires=(), target={}, body=lambda *_: b""),
        feed=Feed(one.principal, one.wanted),
    )


def begin(desk: Desk, one: Subscription) -> None:
    """A new one begins where it was said to; one that goes on does so at once."""
    known = deliveries.cursor(desk.journal, one.pipeline) is not None
    enter = deliveries.enter(one.pipeline, [], one.since, desk.clock())
    desk.writer.keep([], [], [retelling.at_once(one.pipeline) if known else enter])


def again(desk: Desk, since: str | None) -> list[New]:
    """What is to be told again: what was refused or, with `since`, all that lies behind that
    cursor and has been read, at most 10,000 versions."""
    name = desk.outlet.name
    if since is None:
        return retelling.refused(desk.journal, name, _MOST)
    until = changes.position(deliveries.cursor(desk.journal, name) or changes.START)
    return [new for page in _pages(desk, since, until) for new in consume.to_tell(desk, page)]


def _pages(desk: Desk, since: str, until: tuple[int, int]) -> Iterator[Sequence[changes.Change]]:
    for _ in range(_MOST // _PAGE):
        page = changes.feed(desk.hub, since, _PAGE)
        within = [one for one in page if changes.position(one.cursor) <= until]
        if within:
            yield within
        if len(within) < _PAGE:
            return
        since = page[-1].cursor
