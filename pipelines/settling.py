"""The settler as a process of its own: the only writer of the hub's store.

It runs until it is told to stop; a failure that may pass (a full disk, a lost connection) makes
it wait and begin again from disk, an I/O error ends it.
"""

from __future__ import annotations

import fcntl
import gc
import os
import select
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

import structlog

from hub import believed, clock, seal
from hub.authority import DEFAULT_RULES
from hub.checks.running import Checking
from hub.context import Context
from hub.matching.search import Search
from hub.policy import Policy, System
from hub.views.summing import Summing
from pipelines import logs, revision
from pipelines.echo import Echoes, told_systems
from pipelines.mapper import Limits, Mapper
from pipelines.places import Places
from pipelines.queue import Fenced, Queue
from pipelines.route import Routes
from pipelines.settings import Deployment
from pipelines.settler import Settler

log = structlog.get_logger("settler")
_IDLE = 0.25  # seconds without a wake-up before looking by itself
_LEASE_EVERY = 10_000_000  # microseconds
# what SQLite raises for the rows it was given, not for the state it is in
_MESSAGE = (
    sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.NotSupportedError,
)  # fmt: skip
_CROSSED = 0.02  # seconds before a turn that another worker crossed is taken again
_CALM = (1.0, 60.0)  # seconds to wait after a failure that may pass: first, at most


def passing(error: Exception) -> bool:
    """Whether the same may succeed later without anybody's doing."""
    if isinstance(error, sqlite3.OperationalError):
        return any(word in str(error) for word in ("locked", "busy", "full"))
    name = type(error).__name__
    return name in {
        "DeadlockDetected", "SerializationFailure", "OperationalError", "AdminShutdown",
        "CrashShutdown", "CannotConnectNow", "DiskFull", "LockNotAvailable",
    }  # fmt: skip


def _is_crossed(error: Exception) -> bool:
    """Two workers met on one thing and the database ended this one's turn."""
    return type(error).__name__ in {"DeadlockDetected", "SerializationFailure", "LockNotAvailable"}


def outside(error: Exception) -> bool:
    """Whether it is the store or the machine that failed: no message is to blame, and nothing
    can be said of what is on disk. What does not pass by itself ends the process."""
    if isinstance(error, sqlite3.DatabaseError):
        return not isinstance(error, _MESSAGE)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return bool(kinds & {"OSError", "MemoryError", "OperationalError"}) or passing(error)


def build(places: Places, deployment: Deployment, *, worker: str, limits: Limits) -> Settler:
    """A settler on open sessions of its own."""
    journal = places.journal(read_only=places.embedded)
    hub = places.hub()
    hub.by_index()
    queue = Queue(journal, hub, worker)
    queue.prepare()
    queue.lease(clock.now())

    def folder_of(number: int) -> Path:
        return revision.lay_out(journal, number, places.revisions)

    routes = Routes(folder_of)
    context = Context(
        session=hub,
        keyring=seal.load(places.keys),
        policy=policy_of(deployment),
        clock=clock.now,
        chain=worker,
        keeps=places.embedded,
        lapsing=deployment.lapsing,
    )
    context.stale = believed.begin(hub, context.policy)
    told = told_systems(deployment)
    if told:
        context.echoes = Echoes(journal, context.keyring, told)
    mapper = Mapper(
        keys=places.keys,
        revisions=places.revisions,
        size=deployment.hub.mapping_workers,
        limits=limits,
    )
    search = Search(
        session=hub, keyring=context.keyring, clock=clock.now, chain=worker,
        matching=deployment.matching,
    )  # fmt: skip
    checking = Checking(
        session=hub, keyring=context.keyring, clock=clock.now, chain=worker,
        policy=context.policy, checks=deployment.checks, zone=ZoneInfo(deployment.hub.timezone),
    )  # fmt: skip
    summing = Summing(session=hub, clock=clock.now)
    looks = [summing.look, checking.look]
    if deployment.matching.bounds:
        looks.insert(1, search.look)
    return Settler(
        queue=queue,
        mapper=mapper,
        context=context,
        route=routes,
        is_outside=outside,
        clock=clock.now,
        limit=500 if places.embedded else 250,
        meanwhile=looks,
    )


def policy_of(deployment: Deployment) -> Policy:
    """Survivorship as the deployment says, over the defaults."""
    systems = {
        c.system: System(c.system, c.role, c.environment) for c in deployment.connections.values()
    }
    rules = dict(DEFAULT_RULES)
    for entity, fields in deployment.rules.items():
        rules[entity] = {**rules.get(entity, {}), **fields}
    return Policy(systems=systems, rules=rules)


def main(places: Places, deployment: Deployment, worker: str, wake: Connection) -> None:
    """Settles until SIGTERM or until the pipe `wake` closes; bytes on it say there is work."""
    logs.configure()
    stop = _Stop()
    with undisturbed(places):
        _settle(places, deployment, worker, wake, stop)


def _settle(
    places: Places, deployment: Deployment, worker: str, wake: Connection, stop: _Stop
) -> None:
    settler = build(places, deployment, worker=worker, limits=Limits())
    # what settling holds lives long: looking through it again and again costs a quarter
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    # the mapping process has nothing to do until its thread gets a turn
    sys.setswitchinterval(0.0005)
    wait, leased_at = _CALM[0], clock.now()
    try:
        while not stop.asked:
            try:
                if not places.embedded and clock.now() - leased_at > _LEASE_EVERY:
                    leased_at = clock.now()
                    settler.queue.lease(leased_at)
                busy = settler.step()
                wait = _CALM[0]
            except Fenced as error:
                log.warning("fenced", detail=str(error))
                settler.forget()
                settler.queue.parts.clear()
                settler.queue.lease(clock.now())
                continue
            except Exception as error:
                if not passing(error):
                    raise
                pause = _CROSSED if _is_crossed(error) else wait
                log.warning("waits", error=type(error).__name__, seconds=pause)
                if not _sit_out(wake, pause, stop):
                    return
                wait = min(wait * 2, _CALM[1]) if pause == wait else wait
                settler.forget()
                continue
            if not _rest(wake, 0 if busy else _IDLE):
                return
    finally:
        settler.mapper.stop()


@contextmanager
def undisturbed(places: Places) -> Iterator[None]:
    """Waits until no other settler writes this store: one that outlived its edge finishes its
    batch first. The lock ends with the process, whatever ends it."""
    if not places.embedded:
        yield
        return
    handle = os.open(places.data / "settler.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class _Stop:
    """Whether SIGTERM has come: the batch at hand is still finished."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def _rest(wake: Connection, seconds: float) -> bool:
    """Waits for a wake-up or for `seconds`. False when the other end is gone."""
    try:
        readable, _, _ = select.select([wake], [], [], seconds)
    except InterruptedError:
        return True
    return not readable or os.read(wake.fileno(), 65536) != b""


def _sit_out(wake: Connection, seconds: float, stop: _Stop) -> bool:
    """Waits for `seconds` whatever wakes it, or until it is to stop. False when the other end is
    gone."""
    until = time.monotonic() + seconds
    while not stop.asked and (left := until - time.monotonic()) > 0:
        if not _rest(wake, left):
            return False
    return True
