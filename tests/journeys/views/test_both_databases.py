"""Every view gives the same rows on SQLite and on PostgreSQL, of all that these tests tell."""

from __future__ import annotations

from datetime import datetime

import psycopg
import pytest

from hub import feeds, schema, tables
from hub.clock import micros
from hub.database import session
from hub.principal import SYSTEM
from hub.reader import Reader
from hub.views import asked, read
from hub.views.catalogue import views
from hub.views.summing import Summing

NOW = "2026-06-15T12:00:00Z"


def summed(store):
    keeper = Summing(session=store, clock=lambda: micros(datetime.fromisoformat(NOW)))
    while keeper.look():
        pass


@pytest.fixture(scope="module")
def both(everything_told, postgres_server):
    """A reader on each database, over the same records."""
    lite = everything_told.store
    with lite.transaction():
        feeds.note(lite, 1_772_000_000_000_000, {("office", "tables"): ("office", 1)})
    address = _database(postgres_server)
    schema.upgrade(address, [schema.HUB])
    full = session(address)
    with full.transaction():
        for table in _tables(lite):
            names = [str(column.name) for column in table.columns]
            rows = lite.all(f"select {', '.join(names)} from {table.name}")
            if full.one(f"select 1 from {table.name} limit 1"):
                continue  # a migration put it there, on both
            full.insert(table, names, [_typed(table, row) for row in rows])
    for store in (lite, full):
        summed(store)
    context = everything_told.context
    yield [
        Reader(store, context.keyring, lambda *_: None, context.policy) for store in (lite, full)
    ]
    full.close()


def _tables(store):
    """The hub's own: others share the list of tables, and stand in databases of their own."""
    there = {name for (name,) in store.all("select name from sqlite_master where type = 'table'")}
    return [one for one in tables.metadata.sorted_tables if one.name in there]


def _database(server):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database views_of_both")
    address = server.replace("/postgres?", "/views_of_both?")
    return address.replace("postgresql:", "postgresql+psycopg:")


def _typed(table, row):
    """SQLite's 0 and 1 as the other database's no and yes."""
    return tuple(
        bool(value) if value is not None and column.type.python_type is bool else value
        for column, value in zip(table.columns, row, strict=True)
    )


def rows(reader, name, *params):
    view = views()[name]
    page = read.page(reader, SYSTEM, view, asked.parse(view, [*params, ("limit", "500")]), now=NOW)
    return page.items


@pytest.mark.parametrize("name", list(views()))
def test_the_rows_are_the_same(both, name):
    lite, full = (rows(reader, name) for reader in both)

    assert lite == full
    assert lite, "nothing is told of what this view shows"


@pytest.mark.parametrize("name", [one.name for one in views().values() if one.has("study_id")])
def test_the_rows_of_one_study_are_those_of_it_among_all(both, name):
    """However they are worked out: from kept sums or on the spot."""
    every = [row for row in rows(both[0], name) if row["study_id"]]
    one = every[0]["study_id"]

    for reader in both:
        assert rows(reader, name, ("study", one)) == [r for r in every if r["study_id"] == one]
