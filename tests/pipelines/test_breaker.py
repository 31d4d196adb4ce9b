"""A breaker opens after failures, lets one probe through, and closes again."""

from __future__ import annotations

import pytest

from pipelines.breaker import FIRST, LONGEST, Breaker


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def fail(breaker, times=5):
    for _ in range(times):
        breaker.heard(ok=False)


def test_four_failures_in_a_row_leave_it_closed(breaker):
    fail(breaker, 4)
    breaker.heard(ok=True)
    fail(breaker, 4)

    assert breaker.allows(50) == 50


def test_five_failures_in_a_row_open_it_for_thirty_seconds(breaker, clock):
    fail(breaker, 5)

    clock.now += 29.9
    before = breaker.allows(50)
    clock.now += 0.1

    assert (before, breaker.allows(50)) == (0, 1)


def test_more_than_half_of_twenty_open_it(breaker):
    for number in range(20):
        breaker.heard(ok=number % 2 == 0)
    half = breaker.allows(1)
    breaker.heard(ok=False)  # the first, a success, has left the window: 11 of 20

    assert (half, breaker.allows(1)) == (1, 0)


def test_fewer_than_twenty_are_not_judged_by_their_share(breaker):
    for _ in range(4):
        fail(breaker, 3)
        breaker.heard(ok=True)

    assert breaker.allows(1) == 1


def test_only_one_probe_is_out_at_a_time(breaker, clock):
    fail(breaker)
    clock.now += FIRST

    assert [breaker.allows(50) for _ in range(3)] == [1, 0, 0]


def test_a_probe_that_succeeds_closes_it(breaker, clock):
    fail(breaker)
    clock.now += FIRST
    breaker.allows(50)
    breaker.heard(ok=True)

    assert (breaker.state, breaker.allows(50)) == ("closed", 50)


def test_each_probe_that_fails_doubles_the_time_up_to_ten_minutes(breaker, clock):
    fail(breaker)
    clock.now += FIRST
    spans = []
    for _ in range(6):
        assert breaker.allows(1) == 1
        breaker.heard(ok=False)
        began = clock.now
        while not breaker.allows(1):
            clock.now += 10
        breaker.unused()
        spans.append(clock.now - began)

    assert spans == [60, 120, 240, 480, LONGEST, LONGEST]


def test_after_a_success_it_opens_for_the_first_span_again(breaker, clock):
    fail(breaker)
    clock.now += FIRST
    breaker.allows(1)
    breaker.heard(ok=False)
    clock.now += 2 * FIRST
    breaker.allows(1)
    breaker.heard(ok=True)
    fail(breaker)
    clock.now += FIRST

    assert breaker.allows(9) == 1


def test_a_probe_that_was_not_needed_is_given_back(breaker, clock):
    fail(breaker)
    clock.now += FIRST
    breaker.allows(1)
    breaker.unused()

    assert breaker.allows(1) == 1


def test_a_target_that_asks_for_rest_is_left_alone_and_not_blamed(breaker, clock):
    breaker.rest(120)
    breaker.rest(5)

    clock.now += 119
    before = breaker.allows(3)
    clock.now += 1

    assert (before, breaker.allows(3), breaker.state) == (0, 3, "closed")
