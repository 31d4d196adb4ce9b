"""When pulls run: APScheduler is the timer, what fired stands in our tables.

A source that cannot answer now is asked again after the time it named, else after one drawn
between nothing and what doubles with each try, so that many do not come back together. A
connection that a person must mend is left alone until they resume it, or the hub starts anew.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from apscheduler.util import undefined

from connectors.protocol import Connector, Pulls
from hub import clock
from hub.database import Session
from pipelines import tables
from pipelines.intake import Intake
from pipelines.present import Guard
from pipelines.pull import Run, pull
from pipelines.settings import Deployment, Inbound, Schedule, seconds

log = structlog.get_logger("schedule")
_SIDE_BY_SIDE = 8
LONGEST = 900.0  # seconds between two tries of a system that is down and names no time
_LOOK = 2.0  # seconds between looks at what a person has resumed


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a pull run needs of its node. `resumed` gives the connections that persons have
    resumed since it was last asked."""

    deployment: Deployment
    connector: Callable[[str], Connector]
    intake: Intake
    open_journal: Callable[[], Session]
    paused: Callable[[], Mapping[str, str]]
    resumed: Callable[[], set[str]] = set
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: Callable[[], float] = random.random


class Scheduler:
    """Runs the pulls of one node; a stream is never pulled twice at a time.

    `trouble` says, by pipeline, why its pulls are stopped until a person acts; `retry_at` when
    one that failed is tried again.
    """

    def __init__(self, desk: Desk) -> None:
        self.trouble: dict[str, str] = {}
        self.retry_at: dict[str, datetime] = {}
        self._desk = desk
        self._running: dict[str, threading.Lock] = {
            name: threading.Lock() for name in desk.deployment.inbound
        }
        self._ending = threading.Event()
        self._tries: dict[str, int] = {}
        self._timer = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(_SIDE_BY_SIDE)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )

    def start(self) -> None:
        """Starts the timers; a pull that runs every so often runs at once."""
        zone = ZoneInfo(self._desk.deployment.hub.timezone)
        for name, pipeline in self._desk.deployment.inbound.items():
            if pipeline.schedule is not None:
                first: Any = self._desk.now() if pipeline.schedule.every else undefined
                self._timer.add_job(
                    self.fire,
                    trigger_of(pipeline.schedule, zone),
                    args=[name],
                    id=name,
                    next_run_time=first,
                )
        self._timer.add_job(self.look, IntervalTrigger(seconds=int(_LOOK)), id="resumed")
        self._timer.start()

    def also(self, name: str, seconds: int, do: Callable[[], None]) -> None:
        """Does something else every so often, beginning when the timers start. What it raises is
        told and does not end it."""

        def run() -> None:
            try:
                do()
            except Exception as error:  # noqa: BLE001 - the next round may succeed
                log.error("failed", task=name, error=type(error).__name__)

        trigger = IntervalTrigger(seconds=seconds)
        self._timer.add_job(run, trigger, id=f"also {name}", next_run_time=self._desk.now())

    def stop(self) -> None:
        """Lets the runs under way finish their page, starts none."""
        self._ending.set()
        self._timer.shutdown(wait=True)

    def fire(self, name: str) -> None:
        """One firing: noted, run, and noted again with its end. Nothing happens while the
        connection is paused or stopped, before the time a source asked for, or beside a run."""
        connection = self._desk.deployment.inbound[name].reads.connection
        if connection in self._desk.paused() or self._ending.is_set() or name in self.trouble:
            return
        if name in self.retry_at and self._desk.now() < self.retry_at[name]:
            return
        lock = self._running[name]
        if not lock.acquire(blocking=False):
            return
        try:
            self._fire(name)
        finally:
            lock.release()

    def _fire(self, name: str) -> None:
        began = clock.now()
        self._note(name, began, None, "")
        try:
            run = self.run(self._desk.deployment.inbound[name])
        except Exception as error:  # noqa: BLE001 - a stranger's fault must not end its schedule
            log.error("pull failed", pipeline=name, error=type(error).__name__)
            self._note(name, began, clock.now(), f"failed: {type(error).__name__}")
            self._again(name, 0.0)
            return
        self._note(name, began, clock.now(), run.arrival.outcome)
        if run.state == "later":
            self._again(name, run.after)
            return
        self._tries.pop(name, None)
        self.retry_at.pop(name, None)
        if run.state == "misconfigured":
            self._stop(name, run.detail)

    def look(self) -> None:
        """What stood still and has been resumed, runs again."""
        if not self.trouble:
            return
        for connection in self._desk.resumed():
            for name in list(self.trouble):
                if self._desk.deployment.inbound[name].reads.connection == connection:
                    log.info("pull resumed", pipeline=name)
                    del self.trouble[name]
                    self._at(name, self._desk.now())

    def run(self, pipeline: Inbound) -> Run:
        """Pulls a pipeline's stream to its end."""
        reads = pipeline.reads
        connector = self._desk.connector(reads.connection)
        assert isinstance(connector, Pulls)  # noqa: S101 - `crohub check` looks at the verbs
        journal = self._desk.open_journal()
        try:
            return pull(
                connector,
                reads.connection,
                reads.stream,
                intake=self._desk.intake,
                journal=journal,
                clock=clock.now,
                stop=self._ending.is_set,
                guard=Guard(limit=pipeline.vanish_limit),
            )
        finally:
            journal.close()

    def _again(self, name: str, after: float) -> None:
        self._tries[name] = self._tries.get(name, 0) + 1
        wait = wait_of(self._tries[name], after, self._desk.chance())
        self.retry_at[name] = self._desk.now() + timedelta(seconds=wait)
        self._at(name, self.retry_at[name])

    def _stop(self, name: str, why: str) -> None:
        self._desk.resumed()  # whatever was resumed before this does not count
        self.trouble[name] = why
        log.error("pull stopped: a person must act, then resume the connection", pipeline=name,
                  reason=why)  # fmt: skip

    def _at(self, name: str, moment: datetime) -> None:
        if not self._ending.is_set():
            self._timer.add_job(
                self.fire,
                "date",
                run_date=moment,
                args=[name],
                id=f"{name} again",
                replace_existing=True,
            )

    def _note(self, name: str, began: int, ended: int | None, outcome: str) -> None:
        def do(session: Session) -> None:
            columns = ("pipeline", "due_at", "began_at", "ended_at", "outcome")
            row = (name, began, began, ended, outcome)
            session.upsert(tables.fired, columns, [row], ("pipeline", "due_at"))

        self._desk.intake.writer.keep([], [], [do])


def wait_of(tries: int, after: float, chance: float) -> float:
    """Seconds until a source is asked again: what it asked for; else, of full jitter, a second at
    least and LONGEST at most. `chance` is from 0 to 1."""
    return after or max(1.0, chance * min(LONGEST, 2.0 ** min(tries, 20)))


def trigger_of(schedule: Schedule, zone: ZoneInfo) -> IntervalTrigger | CronTrigger:
    """The timer's trigger for a schedule."""
    if schedule.every:
        return IntervalTrigger(seconds=seconds(schedule.every))
    return CronTrigger.from_crontab(schedule.cron, timezone=zone)
