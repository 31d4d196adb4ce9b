"""A table of a database, read by the time of change in one streamed answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.faults.pulled.source import Source, at_message

_SETTINGS = """connector: sql
settings:
  url: "${env:PULLED_SECRET}"
  streams: {people: {table: person, columns: [id, sex, turn, changed], id: id, modified: changed}}
"""


@contextmanager
def rows(path: Path) -> Iterator[Source]:
    file = path / "people.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("create table person (id text primary key, sex text, turn text, changed)")
        database.commit()

    def put(people) -> None:
        said = [(one.id, one.sex, one.turn, f"{one.at:%Y-%m-%d %H:%M:%S}") for one in people]
        with closing(sqlite3.connect(file, timeout=20)) as database:
            database.executemany("insert or replace into person values (?, ?, ?, ?)", said)
            database.commit()

    yield Source(
        put=put, due=at_message, stream="people", settings=_SETTINGS,
        key="id", sex="sex", people=5_000, secret=f"sqlite:///{file}",
    )  # fmt: skip
