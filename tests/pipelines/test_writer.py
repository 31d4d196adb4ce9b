"""One writer commits what waits together and answers everyone, whatever became of it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager

import pytest

from hub.database import Session
from pipelines.journal import Position, position_of
from pipelines.writer import MOST_MESSAGES, NoRoom, Writer


class Counted(Session):
    """A session that counts its commits, and fails or waits before one when told to."""

    commits = 0
    gate: threading.Event | None = None
    failure: Exception | None = None

    @contextmanager
    def transaction(self):
        if self.gate:
            self.gate.wait(20)
        with super().transaction():
            yield
            if self.failure:
                raise self.failure
        self.commits += 1

    def insert_alone(self, table, columns, rows):
        with self.transaction():
            self.insert(table, columns, rows)


@pytest.fixture
def counted(house):
    opened = house.session()
    return Counted(opened.raw, opened.dialect)


@pytest.fixture
def began(counted):
    """Makes running writers on the counted session; what is fatal is kept."""
    fatal: list[Exception] = []
    woken: list[int] = []
    made = Writer(lambda: counted, wake=lambda: woken.append(1), fatal=fatal.append)
    made.fatal_errors, made.woken = fatal, woken
    made.start()
    yield made
    if counted.gate:
        counted.gate.set()
    made.stop()


def test_what_gathers_during_a_commit_goes_into_the_next_one(house, adt, counted, began):
    counted.gate = threading.Event()
    told: list = []
    for n in range(1, 41):
        began.put([house.entry(adt("A", n))], told.append)
    counted.gate.set()
    began.keep([house.entry(adt("A", 99))])

    assert len(told) == 40
    assert counted.commits < 10
    numbers = [kept[0].seq for kept in told]
    assert numbers == sorted(numbers)


def test_a_commit_takes_no_more_than_its_share(small_house, adt):
    session = small_house.session()
    sizes: list[int] = []

    class Watched(Session):
        def insert(self, table, columns, rows):
            sizes.append(len(rows))
            super().insert(table, columns, rows)

    writer = Writer(lambda: Watched(session.raw, session.dialect), wake=lambda: None, fatal=print)
    for n in range(MOST_MESSAGES * 2):
        writer.put([small_house.entry(adt("A", n))], lambda _: None)
    writer.start()
    writer.stop()

    assert max(sizes) == MOST_MESSAGES
    assert sum(sizes) == MOST_MESSAGES * 2


def test_nobody_is_answered_before_the_commit(house, adt, counted, began):
    counted.gate = threading.Event()
    answered = threading.Event()
    began.put([house.entry(adt("A", 1))], lambda _: answered.set())

    assert not answered.wait(0.1)
    counted.gate.set()
    assert answered.wait(20)
    assert house.journal.session.one("select count(*) from message")[0] == 1


def test_a_failed_commit_tells_everyone_and_stores_nothing(house, adt, counted, began):
    counted.gate = threading.Event()
    counted.failure = RuntimeError("on purpose")
    told: list = []
    place = Position(connection="hospital", stream="ADT", position="7", moved_at=1)
    for n in range(1, 6):
        began.put([house.entry(adt("A", n))], told.append, [place])
    counted.gate.set()
    with pytest.raises(RuntimeError):
        began.keep([house.entry(adt("A", 6))])

    assert [str(error) for error in told] == ["on purpose"] * 5
    assert house.journal.session.one("select count(*) from message")[0] == 0
    assert position_of(house.journal.session, "hospital", "ADT") == ""
    assert not began.woken


def test_after_a_failed_commit_the_next_one_is_stored(house, adt, counted, began):
    counted.failure = RuntimeError("on purpose")
    with pytest.raises(RuntimeError):
        began.keep([house.entry(adt("A", 1))])
    counted.failure = None

    [kept] = began.keep([house.entry(adt("A", 1))])

    assert not kept.again
    assert began.woken


def test_a_full_disk_is_told_as_no_room_and_is_not_fatal(small_house, adt):
    opened = small_house.session()
    session = Counted(opened.raw, opened.dialect)
    session.failure = sqlite3.OperationalError("database or disk is full")
    fatal: list[Exception] = []
    writer = Writer(lambda: session, wake=lambda: None, fatal=fatal.append)
    writer.start()

    with pytest.raises(NoRoom):
        writer.keep([small_house.entry(adt("A", 1))])
    session.failure = None
    [kept] = writer.keep([small_house.entry(adt("A", 1))])
    writer.stop()

    assert fatal == []
    assert not kept.again


def test_an_input_or_output_error_is_fatal(small_house, adt):
    opened = small_house.session()
    session = Counted(opened.raw, opened.dialect)
    session.failure = sqlite3.OperationalError("disk I/O error")
    fatal: list[Exception] = []
    writer = Writer(lambda: session, wake=lambda: None, fatal=fatal.append)
    writer.start()

    with pytest.raises(sqlite3.OperationalError):
        writer.keep([small_house.entry(adt("A", 1))])
    writer.stop()

    assert fatal == [session.failure]


def test_a_damaged_journal_is_fatal(small_house, adt):
    opened = small_house.session()
    session = Counted(opened.raw, opened.dialect)
    session.failure = sqlite3.DatabaseError("database disk image is malformed")
    fatal: list[Exception] = []
    writer = Writer(lambda: session, wake=lambda: None, fatal=fatal.append)
    writer.start()

    with pytest.raises(sqlite3.DatabaseError):
        writer.keep([small_house.entry(adt("A", 1))])
    writer.stop()

    assert fatal == [session.failure]


def test_stopping_stores_what_waits(house, adt):
    told: list = []
    writer = Writer(house.places.journal, wake=lambda: None, fatal=print)
    for n in range(1, 21):
        writer.put([house.entry(adt("A", n))], told.append)
    writer.start()
    writer.stop()

    assert len(told) == 20
    assert house.journal.session.one("select count(*) from message")[0] == 20


def test_a_group_that_would_exceed_the_share_waits_for_the_next_commit(small_house, adt):
    session = small_house.session()
    sizes: list[int] = []

    class Watched(Session):
        def insert(self, table, columns, rows):
            sizes.append(len(rows))
            super().insert(table, columns, rows)

    writer = Writer(lambda: Watched(session.raw, session.dialect), wake=lambda: None, fatal=print)
    for start in range(0, 400, 100):
        entries = [small_house.entry(adt("A", n)) for n in range(start, start + 100)]
        writer.put(entries, lambda _: None)
    writer.start()
    writer.stop()

    assert sizes == [200, 200]


def test_the_writer_finds_its_way_back_when_the_database_was_away(big_house, adt):
    opened = []

    def connect():
        opened.append(big_house.places.journal())
        return opened[-1]

    writer = Writer(connect, wake=lambda: None, fatal=print)
    writer.start()
    writer.keep([big_house.entry(adt("A", 1))])
    pid = opened[0].raw.info.backend_pid
    big_house.journal.session.all("select pg_terminate_backend(?)", (pid,))

    with pytest.raises(Exception, match=r"terminat|closed|connection"):
        writer.keep([big_house.entry(adt("A", 2))])
    [kept] = writer.keep([big_house.entry(adt("A", 2))])
    writer.stop()

    assert not kept.again
