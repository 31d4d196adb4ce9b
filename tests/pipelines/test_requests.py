"""Requests with a key of the caller's are carried out once, whatever ends in between."""

from __future__ import annotations

import pytest

from hub import seal
from pipelines.requests import KEPT, Requests
from pipelines.writer import Writer

ONE, OTHER, ASKED = b"1" * 16, b"2" * 16, b"h" * 32
BASE = 1_772_000_000_000_000


@pytest.fixture
def now():
    return [BASE]


@pytest.fixture
def requests(places, now):
    """On a journal of either database, as a node has it."""
    writer = Writer(places.journal, wake=lambda: None, fatal=lambda error: None)
    writer.start()
    yield Requests(writer=writer, keyring=seal.load(places.keys), clock=lambda: now[0])
    writer.stop()


def test_a_request_is_new_once_and_then_has_its_answer(requests):
    begun = [requests.begin(ONE, ASKED), requests.begin(ONE, ASKED)]
    requests.end(ONE, b'[201,{},"ZZ"]')

    assert begun == ["new", "running"]
    assert requests.begin(ONE, ASKED) == b'[201,{},"ZZ"]'
    assert requests.begin(ONE, b"x" * 32) == "other"
    assert requests.begin(OTHER, ASKED) == "new"


def test_what_has_no_answer_yet_is_carried_on_by_whoever_asks_again(requests, now):
    requests.begin(ONE, ASKED)
    requests.end(ONE, None)
    requests.begin(OTHER, ASKED)
    now[0] += 60_000_000  # whoever began the other one is dead

    assert requests.begin(ONE, ASKED) == "again"
    assert requests.begin(OTHER, ASKED) == "again"


def test_what_changed_nothing_is_forgotten_and_so_is_what_is_old(requests, now):
    requests.begin(ONE, ASKED)
    requests.forget(ONE)
    requests.begin(OTHER, ASKED)
    requests.end(OTHER, b"answer")
    now[0] += KEPT + 1

    assert requests.begin(ONE, b"x" * 32) == "new"
    assert requests.begin(OTHER, ASKED) == "new"


def test_an_answer_is_kept_sealed(requests, places):
    requests.begin(ONE, ASKED)
    requests.end(ONE, b"ZZNystrom")
    session = places.journal()
    try:
        [(kept,)] = session.all("select answer from request")
    finally:
        session.close()

    assert b"ZZNystrom" not in bytes(kept)
