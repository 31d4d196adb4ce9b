"""Six writers at once on PostgreSQL: the feed gives every version once, whoever resumes, and the
same test catches a feed that goes by the largest number or forgets who has not finished."""

from __future__ import annotations

import pytest

from benchmarks.feed_load import Load, run
from hub.changes import Change, feed

several_writers = pytest.mark.parametrize("hub_url", ["postgresql"], indirect=True)


def by_number(session, since, limit):
    """The largest number as the cursor: what commits late behind it is lost."""
    rows = session.all(
        "select v, entity, id, n, recorded_at, changed from version where v > ? order by v limit ?",
        (int(since.partition(".")[2] or 0), limit),
    )
    return [Change(f"0.{row[0]}", *row) for row in rows]


def without_horizon(session, since, limit):
    """By transaction, without regard to those that still run."""
    xid, _, v = since.partition(".")
    rows = session.all(
        "select xid::text as transaction, v, entity, id, n, recorded_at, changed from version "
        "where (xid, v) > (?::xid8, ?) order by version.xid, v limit ?",
        (xid or "0", int(v or 0), limit),
    )
    return [Change(f"{row[0]}.{row[1]}", *row[1:]) for row in rows]


@several_writers
def test_twenty_thousand_changes_come_once_each(hub_url):
    found = run(hub_url, Load(count=20_000, largest=40))

    assert (found.missed, found.doubled, found.backwards) == (0, 0, 0)
    assert found.resumed > 3


@several_writers
@pytest.mark.parametrize("faulty", [by_number, without_horizon])
def test_a_feed_without_its_horizon_is_caught(hub_url, faulty):
    found = run(hub_url, Load(count=3_000, largest=40, slow=0.6), faulty)

    assert found.missed > 0


@pytest.mark.faults
@several_writers
def test_a_million_changes_come_once_each(hub_url):
    found = run(hub_url, Load(), feed, processes=True)

    assert (found.missed, found.doubled, found.backwards) == (0, 0, 0)
