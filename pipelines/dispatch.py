"""Runs the outbound pipelines of one node: a thread each, a breaker for each target.

On PostgreSQL several nodes may run the same configuration; a lock on the database gives each
pipeline to one of them. It ends with its connection, and another node goes on.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import structlog

from connectors.protocol import Connector, Pushes
from hub import changes, clock
from hub.policy import Policy
from hub.seal import Keyring
from mappings.mistakes import MappingErrors
from pipelines import consume
from pipelines.breaker import Breaker
from pipelines.consume import Desk
from pipelines.deliver import Deliverer
from pipelines.outlet import Outlet, outlets
from pipelines.places import Places
from pipelines.settings import Deployment
from pipelines.writer import Writer

log = structlog.get_logger("deliver")
_IDLE = 0.3  # seconds between looks at the feed
_CALM = (1.0, 60.0)  # seconds to wait after a round that failed: first, at most
_ELSEWHERE = 2.0  # seconds until a pipeline that another node runs is asked for again


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the outbound pipelines need of their node."""

    places: Places
    deployment: Deployment
    keyring: Keyring
    writer: Writer
    policy: Policy
    connector: Callable[[str], Connector]
    paused: Callable[[], Mapping[str, str]]


@dataclass(slots=True)
class Dispatcher:
    """Starts and stops what delivers. `trouble` says by pipeline why a person must act."""

    office: Office
    trouble: dict[str, str] = field(default_factory=dict)
    _outlets: dict[str, Outlet] = field(default_factory=dict)
    _breakers: dict[str, Breaker] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _ready: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Returns at once: mappings are compiled in a thread, while listeners already listen."""
        if self.office.deployment.outbound:
            self._spawn("deliveries", self._begin)

    def stop(self, *, seconds: float = 10.0) -> None:
        """Lets what is being sent be answered, for so long; then its outcome is unknown."""
        self._ending.set()
        until = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, until - time.monotonic()))
        for outlet in self._outlets.values():
            close = getattr(self.office.connector(outlet.connection), "close", None)
            if close is not None:
                close()

    def backfill(self, pipeline: str, since: str = changes.START) -> int:
        """Says what the feed holds behind `since`, replays included, of which the target has been
        told nothing later. Only when a person asks for it. The number of deliveries.

        Raises KeyError for a pipeline that is not there.
        """
        self._ready.wait()
        with desk_of(self.office, self._outlets[pipeline]) as desk:
            return consume.backfill(desk, since)

    def state_of(self, connection: str) -> str:
        """What the breaker of a target says: closed, open or probing."""
        breaker = self._breakers.get(connection)
        return breaker.state if breaker else "closed"

    def _begin(self) -> None:
        try:
            made = outlets(self.office.deployment)
            self._outlets = {one.name: one for one in made}
            self._breakers = {one.connection: Breaker(time.monotonic) for one in made}
        except MappingErrors as error:
            for mistake in error.mistakes:
                log.error("cannot deliver", mistake=str(mistake))
            self.trouble = dict.fromkeys(self.office.deployment.outbound, str(error))
        finally:
            self._ready.set()
        for outlet in self._outlets.values():
            self._spawn(outlet.name, self._work, outlet)

    def _spawn(self, name: str, target: Callable[..., None], *arguments: Outlet) -> None:
        thread = threading.Thread(
            target=target, args=arguments, name=f"deliver {name}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _work(self, outlet: Outlet) -> None:
        pause = _CALM[0]
        while not self._ending.is_set():
            try:
                self._run(outlet)
                pause = _CALM[0]
                continue
            except Exception as error:  # noqa: BLE001 - what is to be said is on disk: begin again
                log.error("waits", pipeline=outlet.name, error=type(error).__name__, seconds=pause)
                self.trouble[outlet.name] = f"failed with {type(error).__name__}"
            self._ending.wait(pause)
            pause = min(pause * 2, _CALM[1])

    def _run(self, outlet: Outlet) -> None:
        """Delivers until the end or a failure; comes back when another node has the pipeline."""
        with desk_of(self.office, outlet) as desk:
            if not is_ours(desk):
                self._ending.wait(_ELSEWHERE)
                return
            deliverer = Deliverer(
                desk=desk,
                connector=cast(Pushes, self.office.connector(outlet.connection)),
                breaker=self._breakers[outlet.connection],
                paused=lambda: dict(self.office.paused()),
            )
            deliverer.recover()
            while not self._ending.is_set():
                busy = deliverer.step()
                self.trouble[outlet.name] = deliverer.trouble
                if not busy:
                    self._ending.wait(_IDLE)


@contextmanager
def desk_of(office: Office, outlet: Outlet) -> Iterator[Desk]:
    """What one pipeline works with, while it does."""
    embedded = office.places.embedded
    hub = office.places.hub(read_only=embedded)
    journal = office.places.journal(read_only=embedded)
    try:
        yield Desk(
            outlet=outlet,
            hub=hub,
            journal=journal,
            writer=office.writer,
            keyring=office.keyring,
            rank=lambda entity, system: office.policy.rank(entity, "*", system),
            clock=clock.now,
        )
    finally:
        journal.close()
        hub.close()


def is_ours(desk: Desk) -> bool:
    """Whether this node delivers a pipeline; another may."""
    if desk.journal.dialect == "sqlite":
        return True
    digest = hashlib.sha256(f"deliver|{desk.outlet.name}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    row = desk.journal.one("select pg_try_advisory_lock(?)", (number,))
    return bool(row and row[0])
