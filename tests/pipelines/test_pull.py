"""A pull resumes where its last stored record was, loses nothing and does nothing twice."""

from __future__ import annotations

import pytest
import structlog

from connectors.flaky import Crash, Fault, Flaky
from pipelines.journal import position_of
from pipelines.pull import PAGE, pull
from pipelines.writer import Writer


@pytest.fixture
def pulled(small_house):
    """Runs pulls of one stream of a source."""
    writer = Writer(small_house.places.journal, wake=lambda: None, fatal=lambda _: None)
    writer.start()
    session = small_house.session()

    def run(source, stop=lambda: False):
        return pull(
            source, "source", "things", intake=small_house.intake(writer), journal=session,
            clock=lambda: next(small_house.ticks), stop=stop,
        )  # fmt: skip

    yield run
    writer.stop()


def stored(house):
    return [
        int(key.split("/")[1])
        for (key,) in house.journal.session.all("select key from message order by seq")
    ]


def position(house):
    return position_of(house.journal.session, "source", "things")


def test_a_run_stores_everything_and_counts_it(small_house, pulled):
    run = pulled(Flaky(records=PAGE * 2 + 7))

    assert (run.state, run.arrival.read, run.arrival.new) == ("done", PAGE * 2 + 7, PAGE * 2 + 7)
    assert stored(small_house) == list(range(PAGE * 2 + 7))
    assert position(small_house) == str(PAGE * 2 + 7)


@pytest.mark.parametrize(
    ("source", "stop", "level"),
    [
        (Flaky(records=20, faults=[Fault(at=3, kind="try_later")]), False, "warning"),
        (Flaky(records=20, faults=[Fault(at=3, kind="refused")]), False, "warning"),
        (Flaky(records=PAGE * 3), True, "info"),
        (Flaky(records=20), False, "info"),
    ],
)
def test_a_source_that_is_not_reached_is_a_warning(pulled, source, stop, level):
    with structlog.testing.capture_logs() as logged:
        pulled(source, stop=lambda: stop)

    assert [(one["event"], one["log_level"]) for one in logged] == [("pulled", level)]


def test_a_pull_that_brought_nothing_is_worth_no_line(pulled):
    with structlog.testing.capture_logs() as logged:
        pulled(Flaky(records=0))

    assert [one for one in logged if one["log_level"] != "debug"] == []


def test_what_is_read_twice_is_stored_once_and_counted_so(small_house, pulled):
    pulled(Flaky(records=20))

    run = pulled(Flaky(records=30, duplicate=0.5, seed=3))

    assert stored(small_house) == list(range(30))
    assert run.arrival.new == 10
    assert run.arrival.read > 10


@pytest.mark.parametrize(
    ("kind", "state"),
    [("try_later", "later"), ("refused", "refused"), ("misconfigured", "misconfigured")],
)
def test_what_came_before_an_error_is_stored_and_the_next_run_goes_on(
    small_house, pulled, kind, state
):
    source = Flaky(records=PAGE + 50, faults=(Fault(at=PAGE + 20, kind=kind),))

    broken = pulled(source)
    kept = stored(small_house)
    resumed = pulled(source)

    assert (broken.state, resumed.state) == (state, "done")
    assert kept == list(range(PAGE + 20))
    assert resumed.arrival.read == 30
    assert stored(small_house) == list(range(PAGE + 50))


def test_twenty_crashes_of_one_pull_lose_nothing(small_house, pulled):
    faults = tuple(Fault(at=place, kind="crash") for place in range(17, 600, 30))
    source = Flaky(records=600, faults=faults)
    crashes = 0

    while True:
        try:
            run = pulled(source)
        except Crash:
            crashes += 1
            continue
        break

    assert crashes == 20
    assert run.state == "done"
    assert stored(small_house) == list(range(600))
    assert position(small_house) == "600"


def test_a_source_in_disorder_is_stored_whole(small_house, pulled):
    source = Flaky(records=400, swap=0.2, duplicate=0.2, try_later=0.01, seed=8)

    while pulled(source).state != "done":
        pass

    assert sorted(stored(small_house)) == list(range(400))


def test_a_stopped_run_ends_at_a_page_and_is_resumed(small_house, pulled):
    source = Flaky(records=PAGE * 3)

    stopped = pulled(source, stop=lambda: True)
    rest = pulled(source)

    assert (stopped.state, stopped.arrival.read) == ("later", PAGE)
    assert rest.arrival.read == PAGE * 2


def test_a_system_that_is_down_moves_no_cursor(small_house, pulled):
    run = pulled(Flaky(down=True))

    assert (run.state, position(small_house)) == ("later", "")


def test_the_reconciliation_counts_are_kept_with_the_outcome(small_house, pulled):
    pulled(Flaky(records=5))
    pulled(Flaky(down=True))

    rows = small_house.journal.session.all(
        'select kind, "read", new, outcome from arrival order by began_at'
    )
    assert [row[:3] for row in rows] == [("pull", 5, 5), ("pull", 0, 0)]
    assert rows[0][3] == "done"
    assert rows[1][3].startswith("later")
