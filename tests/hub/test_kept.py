"""Answers that are shared: only while nothing was committed, and never in place of another read."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from hub.api.kept import Kept
from hub.database import session
from hub.watch import Watch

COMMIT = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute({!r}); c.commit()"
TOUCH = "update mark set n = n + 1"


@pytest.fixture
def url(tmp_path):
    address = f"sqlite:///{tmp_path / 'hub.db'}"
    made = session(address)
    made.run("create table mark (n integer)")
    made.run("insert into mark values (0)")
    made.close()
    return address


@pytest.fixture
def writer(url):
    opened = session(url)
    yield opened
    opened.close()


@pytest.fixture
def watch(url):
    made = Watch(lambda: session(url, read_only=True), embedded=True)
    yield made
    made.close()


def reading(url, began=None, until=None):
    """A read of the store as a route does it, in a thread; counts how often it was done."""
    done = []

    def number() -> bytes:
        opened = session(url, read_only=True)
        [n] = opened.one("select n from mark")
        opened.close()
        done.append(n)
        if began:
            began.set()
            assert until.wait(10)
        return b"%d" % n

    async def read() -> bytes:
        return await asyncio.to_thread(number)

    return read, done


def test_a_moment_lasts_until_a_commit_and_no_read_ends_it(watch, writer):
    first = watch.moment()
    writer.all("select * from mark")

    assert first is not None
    assert watch.moment() == first
    writer.run(TOUCH)
    assert watch.moment() not in (None, first)


def test_what_is_rolled_back_or_not_committed_yet_ends_no_moment(watch, writer):
    first = watch.moment()

    writer.run("begin immediate")
    writer.run(TOUCH)
    within = watch.moment()
    writer.run("rollback")

    assert within == watch.moment() == first


def test_a_commit_of_another_process_ends_the_moment(watch, tmp_path):
    first = watch.moment()

    for _ in range(3):
        before = watch.moment()
        subprocess.run(
            [sys.executable, "-c", COMMIT.format(TOUCH), str(tmp_path / "hub.db")], check=True
        )
        assert watch.moment() != before

    assert watch.moment() != first


def test_folding_in_the_log_hides_no_commit_and_is_not_held_up(watch, writer):
    before = watch.moment()
    writer.run(TOUCH)
    between = watch.moment()

    [(busy, _, _)] = writer.all("pragma wal_checkpoint(truncate)")
    writer.run(TOUCH)

    assert busy == 0
    assert watch.moment() not in (before, between)


def test_a_moment_of_another_connection_is_another_one(watch):
    first = watch.moment()
    watch.close()

    assert watch.moment() not in (None, first)


def test_a_store_that_cannot_be_asked_or_does_not_count_has_no_moment(tmp_path, url):
    nowhere = f"sqlite:///{tmp_path / 'none' / 'hub.db'}"

    assert Watch(lambda: session(nowhere, read_only=True), embedded=True).moment() is None
    assert Watch(lambda: session(url), embedded=False).moment() is None


def test_an_answer_is_read_once_until_something_is_committed(watch, writer, url):
    async def story():
        kept, (read, done) = Kept(watch), reading(url)
        first = [await kept.give("a", read) for _ in range(3)]
        writer.run(TOUCH)
        after = [await kept.give("a", read) for _ in range(3)]
        other = await kept.give("b", read)
        return first, after, other, done

    assert asyncio.run(story()) == ([b"0"] * 3, [b"1"] * 3, b"1", [0, 1, 1])


def test_those_who_ask_at_a_time_share_one_read(watch, url):
    async def story():
        kept, (read, done) = Kept(watch), reading(url)
        return await asyncio.gather(*(kept.give("a", read) for _ in range(20))), done

    answers, done = asyncio.run(story())

    assert (answers, done) == ([b"0"] * 20, [0])


def test_an_answer_that_was_overtaken_by_a_commit_goes_only_to_who_asked_before(watch, writer, url):
    async def story():
        kept, began, until = Kept(watch), threading.Event(), threading.Event()
        slow, _ = reading(url, began, until)
        quick, _ = reading(url)
        early = asyncio.ensure_future(kept.give("a", slow))
        await asyncio.to_thread(began.wait, 10)
        writer.run(TOUCH)
        late = await kept.give("a", quick)
        until.set()
        return await early, late, await kept.give("a", quick)

    assert asyncio.run(story()) == (b"0", b"1", b"1")


def test_a_read_that_began_before_a_commit_is_not_kept_for_later(watch, writer, url):
    async def story():
        kept, began, until = Kept(watch), threading.Event(), threading.Event()
        slow, _ = reading(url, began, until)
        early = asyncio.ensure_future(kept.give("a", slow))
        await asyncio.to_thread(began.wait, 10)
        writer.run(TOUCH)
        until.set()
        await early
        return await kept.give("a", reading(url)[0])

    assert asyncio.run(story()) == b"1"


def test_a_failure_reaches_all_who_wait_and_is_not_kept(watch, url):
    async def fails() -> bytes:
        await asyncio.sleep(0)
        raise OSError("disk")

    async def story():
        kept = Kept(watch)
        asked = (kept.give("a", fails) for _ in range(3))
        failed = await asyncio.gather(*asked, return_exceptions=True)
        return failed, await kept.give("a", reading(url)[0])

    failed, after = asyncio.run(story())

    assert [type(one) for one in failed] == [OSError] * 3
    assert after == b"0"


def test_who_gives_up_takes_the_answer_from_nobody_else(watch, url):
    async def story():
        kept, began, until = Kept(watch), threading.Event(), threading.Event()
        read, done = reading(url, began, until)
        first = asyncio.ensure_future(kept.give("a", read))
        second = asyncio.ensure_future(kept.give("a", read))
        await asyncio.to_thread(began.wait, 10)
        first.cancel()
        until.set()
        return await second, done

    assert asyncio.run(story()) == (b"0", [0])


def test_without_a_moment_every_answer_is_read(url):
    async def story():
        kept = Kept(Watch(lambda: session(url), embedded=False))
        read, done = reading(url)
        return [await kept.give("a", read) for _ in range(3)], done

    assert asyncio.run(story()) == ([b"0"] * 3, [0, 0, 0])


def test_what_is_kept_is_bounded(watch):
    held = []

    async def big() -> bytes:
        return bytes(10_000)

    async def story():
        kept = Kept(watch, most=100_000)
        for number in range(50):
            await kept.give(number, big)
            held.append(len(kept._answers))

    asyncio.run(story())

    assert 1 < max(held) <= 4
