"""The settler's process as its edge sees it."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
import structlog

from pipelines.process import SettlerProcess


def until(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.fixture
def process(small_house):
    made = SettlerProcess(small_house.places, small_house.deployment)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("ended_by", "event", "level"),
    [(signal.SIGTERM, "settler ended", "info"), (signal.SIGKILL, "settler died", "error")],
)
def test_a_settler_that_is_told_to_end_is_no_trouble_and_one_that_dies_is(
    small_house, adt, process, ended_by, event, level
):
    [kept] = small_house.keep(adt())
    with structlog.testing.capture_logs() as logged:
        process.start()
        until(lambda: small_house.rows("select 1 from progress where upto >= ?", (kept.seq,)))
        first = process.pid
        os.kill(first, ended_by)
        until(lambda: process.alive and process.pid != first)

    assert [(one["event"], one["log_level"]) for one in logged] == [(event, level)]


def test_a_settler_and_what_it_starts_give_way_to_the_edge(small_house, adt, process):
    [kept] = small_house.keep(adt())
    own = os.getpriority(os.PRIO_PROCESS, 0)
    process.start()
    until(lambda: small_house.rows("select 1 from progress where upto >= ?", (kept.seq,)))
    settler = psutil.Process(process.pid)

    every = [settler, *settler.children(recursive=True)]

    expected = min(own + 10, 19)
    assert {one.nice() for one in every} == {expected}
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
