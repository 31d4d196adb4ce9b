"""Rows put into the store: several times in a transaction, after one that failed, one by one."""

from __future__ import annotations

import pytest

from hub import tables

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
