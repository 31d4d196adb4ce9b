"""The recorded intervals of one record follow each other, whoever writes."""

from __future__ import annotations

import pytest

from hub.statement import Stated

INSERT = (
    "insert into version(v, entity, id, n, seq, valid_from, recorded_at, provenance) "
    "values (?, 'Participant', ?, ?, 1, 1, ?, '')"
)


@pytest.fixture
def record(tell, store):
    tell(Stated(entity="Participant", key="p", fields={"sex": "female"}))
    return store.all("select id, recorded_at, v from version")[0]


@pytest.mark.parametrize(("n", "later"), [(2, -1), (3, 10)], ids=["before the last", "a gap"])
def test_a_version_that_overlaps_or_leaves_a_gap_is_refused(store, record, n, later):
    one, recorded_at, v = record

    with pytest.raises(Exception, match="does not begin before"), store.transaction():
        store.run(INSERT, (v + 1, one, n, recorded_at + later))


def test_the_next_one_is_taken(store, record):
    one, recorded_at, v = record

    with store.transaction():
        store.run(INSERT, (v + 1, one, 2, recorded_at + 1))

    assert store.all("select n from version order by n") == [(1,), (2,)]


def test_a_clock_that_goes_back_stops_nothing(context, tell, store):
    tell(Stated(entity="Participant", key="p", fields={"sex": "female"}))
    context.clock = lambda: 1_000_000
    tell(Stated(entity="Participant", key="p", fields={"sex": "male"}))

    [(first,), (second,)] = store.all("select recorded_at from version order by n")
    assert first <= second
