"""Pulls run when they are due, come back politely, and stop where only a person can help."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.flaky import Flaky
from pipelines import settings
from pipelines.resumed import Resumed
from pipelines.schedule import LONGEST, Desk, Scheduler, wait_of
from pipelines.settings import Reads, Schedule
from pipelines.writer import Writer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "things"


class Source(Flaky):
    """Raises what it is given, once each, before it is a source like any other."""

    errors: list = []  # noqa: RUF012 - a pydantic field
    pulls: list = []  # noqa: RUF012

    def pull(self, stream, since):
        self.pulls.append(since)
        if self.errors:
            raise self.errors.pop(0)
        return super().pull(stream, since)


@pytest.fixture
def writer(house):
    made = Writer(house.places.journal, wake=lambda: None, fatal=print)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def clock():
    """What time it is; a test moves it."""
    return [NOON]


@pytest.fixture
def desk(house, writer, clock):
    """The desk of a node with one pipeline that pulls `things` every minute."""
    reads = Reads(connection="source", stream="things")
    pipeline = settings.Inbound(reads=reads, mappings=(), schedule=Schedule(every="1m"))
    deployment = house.deployment.model_copy(update={"inbound": {NAME: pipeline}})
    return Desk(
        deployment=deployment,
        connector=lambda _: Source(records=3, errors=[], pulls=[]),
        intake=house.intake(writer),
        open_journal=house.places.journal,
        paused=dict,
        now=lambda: clock[0],
        chance=lambda: 0.5,
    )


@pytest.fixture
def scheduler(desk):
    """Makes schedulers whose source raises these errors first."""

    def make(*errors, **rest):
        source = Source(records=3, errors=list(errors), pulls=[])
        made = Scheduler(replace(desk, connector=lambda _: source, **rest))
        made.source = source
        return made

    return make


def fired(house):
    return [
        row[0] for row in house.journal.session.all("select outcome from fired order by due_at")
    ]


@pytest.mark.parametrize(
    ("tries", "after", "chance", "seconds"),
    [
        (1, 0, 1.0, 2),
        (1, 0, 0.0, 1),  # never at once
        (5, 0, 0.5, 16),
        (50, 0, 1.0, LONGEST),
        (50, 0, 0.25, LONGEST / 4),
        (1, 40, 0.9, 40),  # what the source asked for wins
        (1, 3600, 0.0, 3600),
    ],
)
def test_the_wait_between_tries_is_the_sources_or_drawn_by_full_jitter(
    tries, after, chance, seconds
):
    assert wait_of(tries, after, chance) == seconds


def test_a_source_that_cannot_answer_is_asked_again_later_each_time(scheduler, clock, house):
    made = scheduler(TryLater("down"), TryLater("down"), TryLater("busy", after=120))
    waits = []
    for _ in range(3):
        made.fire(NAME)
        waits.append((made.retry_at[NAME] - clock[0]).total_seconds())
        clock[0] = made.retry_at[NAME]
    made.fire(NAME)

    assert waits == [1, 2, 120]
    assert made.retry_at == {}
    assert fired(house) == ["later: down", "later: down", "later: busy", "done"]


def test_the_schedule_does_not_ask_before_the_time_the_source_named(scheduler, clock):
    made = scheduler(TryLater("busy", after=600))
    made.fire(NAME)

    clock[0] += timedelta(seconds=60)
    made.fire(NAME)  # the minute is over
    early = len(made.source.pulls)
    clock[0] += timedelta(seconds=540)
    made.fire(NAME)

    assert (early, len(made.source.pulls)) == (1, 2)


def test_after_a_success_the_waits_begin_anew(scheduler, clock):
    made = scheduler(*[TryLater("down")] * 4)
    for _ in range(5):
        made.fire(NAME)
        clock[0] = made.retry_at.get(NAME, clock[0])
    made.source.errors.append(TryLater("down"))

    made.fire(NAME)

    assert (made.retry_at[NAME] - clock[0]).total_seconds() == 1


def test_a_connection_that_a_person_must_mend_is_stopped_and_says_why(scheduler, clock, house):
    made = scheduler(Misconfigured("the token has expired"))
    made.fire(NAME)
    clock[0] += timedelta(days=1)

    made.fire(NAME)

    assert made.trouble == {NAME: "the token has expired"}
    assert len(made.source.pulls) == 1
    assert fired(house) == ["misconfigured: the token has expired"]


def test_it_runs_again_once_a_person_has_resumed_the_connection(scheduler, house):
    house.order("resume", object="source")  # long before: does not count
    house.settle()
    made = scheduler(Misconfigured("no"), resumed=Resumed(house.places.hub).news)
    made.fire(NAME)
    made.look()
    still = dict(made.trouble)
    house.order("resume", object="hospital")
    house.settle()
    made.look()
    others = dict(made.trouble)

    house.order("resume", object="source")
    house.settle()
    made.look()
    made.fire(NAME)

    assert still == others == {NAME: "no"}
    assert made.trouble == {}
    assert len(made.source.pulls) == 2


def test_a_restart_tries_again(scheduler):
    first = scheduler(Misconfigured("no"))
    first.fire(NAME)

    second = scheduler()
    second.fire(NAME)

    assert second.trouble == {}
    assert second.source.pulls == [""]


def test_a_refused_pull_waits_for_its_next_time(scheduler, house):
    made = scheduler(Refused("no such page"))
    made.fire(NAME)
    made.fire(NAME)

    assert made.retry_at == made.trouble == {}
    assert fired(house) == ["refused: no such page", "done"]


def test_a_connector_with_a_fault_of_its_own_is_tried_again(scheduler, house, clock):
    made = scheduler(ZeroDivisionError("patient 12345"))
    made.fire(NAME)
    clock[0] = made.retry_at[NAME]
    made.fire(NAME)

    assert fired(house) == ["failed: ZeroDivisionError", "done"]


def test_a_paused_connection_is_not_pulled(scheduler):
    made = scheduler(paused=lambda: {"source": "draining"})

    made.fire(NAME)

    assert made.source.pulls == []


def test_a_stream_is_never_pulled_twice_at_a_time(scheduler):
    made = scheduler()
    during = []
    pull = made.run

    def run(pipeline):
        made.fire(NAME)  # another timer
        during.append(len(made.source.pulls))
        return pull(pipeline)

    made.run = run
    made.fire(NAME)

    assert during == [0]
    assert len(made.source.pulls) == 1


def test_what_is_due_every_so_often_runs_when_the_timers_start(scheduler, house):
    ran = threading.Event()
    made = scheduler(now=lambda: datetime.now(UTC))
    run = made.run

    def told(pipeline):
        try:
            return run(pipeline)
        finally:
            ran.set()

    made.run = told
    made.start()
    came = ran.wait(20)
    made.stop()

    assert came
    assert fired(house) == ["done"]


def test_what_else_runs_on_the_timers_is_not_ended_by_its_failure(scheduler):
    done, failed = threading.Event(), threading.Event()
    made = scheduler(now=lambda: datetime.now(UTC))

    def fails():
        if failed.is_set():
            done.set()
        failed.set()
        raise OSError("away")

    made.also("chore", 1, fails)
    made.start()
    again = done.wait(20)
    made.stop()

    assert again
