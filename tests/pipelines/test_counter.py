"""Records of a listener are stored together and answered in its loop, whatever became of them."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from hub.database import Session
from pipelines.counter import SHARE, Counter
from pipelines.writer import MOST_BYTES, Writer


class Gated(Session):
    """A session whose commits wait, and that notes how many messages each stored."""

    gate: threading.Event
    sizes: list[int]

    @contextmanager
    def transaction(self):
        self.gate.wait(20)
        with super().transaction():
            yield

    def insert_alone(self, table, columns, rows):
        with self.transaction():
            self.insert(table, columns, rows)

    def insert(self, table, columns, rows):
        self.sizes.append(len(rows))
        super().insert(table, columns, rows)


@pytest.fixture
def gated(small_house):
    opened = small_house.session()
    session = Gated(opened.raw, opened.dialect)
    session.gate, session.sizes = threading.Event(), []
    return session


@pytest.fixture
def counter(small_house, gated):
    """Makes counters on a running writer; the commits wait until the gate is opened."""
    writer = Writer(lambda: gated, wake=lambda: None, fatal=print)
    writer.start()

    def made(make=None):
        every = make or (lambda records: [small_house.entry(one) for one in records])
        return Counter(writer=writer, loop=asyncio.get_running_loop(), make=every)

    yield made
    gated.gate.set()
    writer.stop()


def outcomes(futures):
    return asyncio.wait_for(asyncio.gather(*futures), 20)


def test_a_listener_is_answered_in_its_own_loop_once_it_is_stored(small_house, adt, counter, gated):
    async def send():
        accept, here = counter().accept, threading.current_thread()
        where = []
        futures = [accept(adt("A", n)) for n in (1, 2, 1)]
        for future in futures:
            future.add_done_callback(lambda _: where.append(threading.current_thread() is here))
        await asyncio.sleep(0.05)
        assert not any(future.done() for future in futures)
        gated.gate.set()
        return await outcomes(futures), where

    (first, second, third), where = asyncio.run(send())

    assert (first.again, second.again, third.again) == (False, False, True)
    assert where == [True] * 3


def test_what_one_turn_of_the_loop_brings_goes_together(adt, counter, gated):
    async def send():
        accept = counter().accept
        futures = [accept(adt("A", n)) for n in range(40)]
        gated.gate.set()
        return await outcomes(futures)

    assert len(asyncio.run(send())) == 40
    assert gated.sizes == [40]


def test_a_share_is_small_enough_for_a_commit(adt, counter, gated):
    large = MOST_BYTES // 2 + 1
    records = [adt("A", n) for n in range(SHARE + 10)]
    records += [replace(adt("A", n), body=b"MSH" + b"x" * large) for n in range(900, 903)]

    async def send():
        accept = counter().accept
        futures = [accept(record) for record in records]
        gated.gate.set()
        return await outcomes(futures)

    said = asyncio.run(send())

    assert [one.outcome for one in said] == ["kept"] * len(records)
    assert max(gated.sizes) <= SHARE + 10
    assert len(gated.sizes) >= 2


def test_a_listener_that_gave_up_waiting_hinders_nobody(adt, counter, gated):
    async def send():
        accept = counter().accept
        lost, other = accept(adt("A", 1)), accept(adt("A", 2))
        lost.cancel()
        gated.gate.set()
        return await asyncio.wait_for(other, 20)

    assert not asyncio.run(send()).again


def test_a_loop_that_has_ended_hinders_nobody(adt, counter, gated):
    async def leave():
        counter().accept(adt("A", 1))
        await asyncio.sleep(0)

    async def send():
        return await asyncio.wait_for(counter().accept(adt("A", 2)), 20)

    asyncio.run(leave())
    gated.gate.set()

    assert asyncio.run(send()).outcome == "kept"


def test_what_no_entry_can_be_made_of_hinders_nobody(small_house, adt, counter, gated):
    def make(records):
        if any(one.message_key.endswith("7") for one in records):
            raise ValueError("on purpose")
        return [small_house.entry(one) for one in records]

    async def send():
        accept = counter(make).accept
        futures = [accept(adt("A", n)) for n in range(5, 10)]
        gated.gate.set()
        return await outcomes(futures)

    said = asyncio.run(send())

    assert [one.outcome for one in said] == ["kept", "kept", "full", "kept", "kept"]
    keys = [row[0] for row in small_house.journal.session.all("select key from message "
                                                              "order by seq")]  # fmt: skip
    assert keys == [f"REG|NORTH|{n}" for n in (5, 6, 8, 9)]
