"""Rows put into the store: several times in a transaction, after one that failed, one by one."""

from __future__ import annotations

import shutil
import sqlite3
import threading

import pytest

from hub import tables
from hub.database import session
from hub.load import _HELD

COLUMNS = ("kept_x", "retired_x", "entity", "seq", "withdrawn_seq")


def put(session, *rows):
    session.upsert(tables.same_as, COLUMNS, rows, ("kept_x", "retired_x"))


def kept(session):
    return session.all("select kept_x, seq from same_as order by kept_x")


def test_rows_put_twice_in_a_transaction_are_put_once_each(store):
    with store.transaction():
        put(store, (1, 2, "Study", 1, None), (3, 4, "Study", 1, None))
        store.run("delete from same_as where kept_x = 1")
        put(store, (3, 4, "Study", 2, None))

    assert kept(store) == [(3, 2)]


def test_rows_can_be_put_after_a_transaction_that_failed(store):
    def fail():
        with store.transaction():
            put(store, (1, 2, "Study", 1, None))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.transaction():
        put(store, (3, 4, "Study", 1, None))
    with store.transaction():
        put(store, (5, 6, "Study", 1, None))

    assert kept(store) == [(3, 1), (5, 1)]


def test_a_statement_runs_for_each_row(store):
    with store.transaction():
        put(store, (1, 2, "Study", 1, None), (3, 4, "Study", 1, None))
        store.many("update same_as set seq = ? where kept_x = ?", [(7, 1), (8, 3)])
        store.many("update same_as set seq = ? where kept_x = ?", [])

    assert kept(store) == [(1, 7), (3, 8)]


def test_a_session_that_goes_by_indexes_reads_the_same(store):
    store.by_index()
    with store.transaction():
        put(store, (1, 2, "Study", 1, None))

    assert store.among("select kept_x from same_as where kept_x in {members}", [1, 9]) == [(1,)]
    assert store.all("select seq from same_as where entity = 'Study'") == [(1,)]


def test_what_stays_is_not_replaced_and_what_was_not_there_is_whole(store):
    with store.transaction():
        put(store, (1, 2, "Study", 1, None))
        again = [(1, 2, "Person", 7, None), (3, 4, "Person", 7, None)]
        keys = ("kept_x", "retired_x")
        store.upsert(tables.same_as, COLUMNS, again, keys, stay=("entity",))

    assert store.all("select kept_x, entity, seq from same_as order by kept_x") == [
        (1, "Study", 7),
        (3, "Person", 7),
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 513])
def test_rows_that_have_both_of_a_pair_are_found(store, count):
    rows = [(b"d%d" % n, n, "Study", "nct", "", b"", b"f%d" % n, True) for n in range(520)]
    names = ("digest", "x", "entity", "type", "assigner", "value", "find", "strong")
    with store.transaction():
        store.insert(tables.identifier, names, rows)
    sql = "select i.x from {pairs} p join identifier i on i.find = p.a and i.digest = p.b"

    found = store.among_pairs(sql, [(b"f%d" % n, b"d%d" % n) for n in range(count)])
    crossed = store.among_pairs(sql, [(b"f%d" % n, b"d%d" % (n + 1)) for n in range(count)])

    assert sorted(found) == [(n,) for n in range(count)]
    assert crossed == []


def test_sqlite_looks_a_pair_up_by_index(sqlite_template, tmp_path):
    """By `in` it would scan the table, and the longer the more is known. (PostgreSQL is told.)"""
    shutil.copy(sqlite_template, tmp_path / "hub.db")
    store, planned = session(f"sqlite:///{tmp_path / 'hub.db'}"), []
    store.raw.set_trace_callback(planned.append)
    store.among_pairs(_HELD, [(b"f", b"d")])
    store.raw.set_trace_callback(None)

    plan = store.all(f"explain query plan {planned[0]}")
    store.close()

    assert any("SEARCH i USING" in row[3] and "(find=? AND digest=?)" in row[3] for row in plan)


def test_who_opens_a_new_file_waits_for_whoever_is_making_it(tmp_path):
    """SQLite says at once that it is locked, whatever its timeout is: the kind of its log cannot
    change while another writes."""
    maker = sqlite3.connect(
        tmp_path / "hub.db", isolation_level=None, check_same_thread=False, timeout=0
    )
    maker.execute("begin immediate")
    threading.Timer(0.3, maker.commit).start()

    opened = session(f"sqlite:///{tmp_path / 'hub.db'}")

    assert opened.one("pragma journal_mode") == ("wal",)
    opened.close()
    maker.close()
