"""One way to a database: SQLite files or PostgreSQL schemas, engines for reading, sessions for
writing many rows at once.

The SQL of the hub is written once, with `?` for values. What the two databases do differently
has its only home here.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any, Literal

import orjson
from sqlalchemy import Engine, Table, create_engine, event
from sqlalchemy.pool import NullPool

Dialect = Literal["sqlite", "postgresql"]
Row = tuple[Any, ...]

# ACK means stored: FULL syncs the log at every commit (SQLite documentation, PRAGMA synchronous).
PRAGMAS = (
    "journal_mode=wal",
    "synchronous=full",
    "foreign_keys=on",
    "busy_timeout=20000",
    "wal_autocheckpoint=4000",
    "trusted_schema=off",
    "recursive_triggers=on",  # else `insert or replace` gets past the guards of the histories
    "cache_size=-32768",
)
_WAIT = 20.0  # seconds for another that sets the same file up
# rows of one statement: any number up to few, else many; a prepared statement takes memory
_FEW, _MANY, _NARROW = 32, 256, 100  # columns; SQLite allows 32,766 values


def engine(url: str, *, schema: str = "") -> Engine:
    """An engine for `url`. On PostgreSQL, `schema` (comma-separated) is the search path."""
    if url.startswith("sqlite"):
        made = create_engine(url, connect_args={"check_same_thread": False, "timeout": 20})
        event.listen(made, "connect", _sqlite_pragmas)
        return made
    options = f"-c search_path={schema}" if schema else ""
    return create_engine(url, poolclass=NullPool, connect_args={"options": options})


def _sqlite_pragmas(connection: Any, _: object) -> None:  # noqa: ANN401 - DBAPI
    _set_up(connection, read_only=False)


def _set_up(connection: Any, *, read_only: bool) -> None:  # noqa: ANN401 - DBAPI
    """Says how a SQLite file is used. Of two that open a new one at once, one is told that it is
    locked: SQLite does not wait for the other while the kind of log changes, whatever its timeout
    says, so that is done here."""
    until = time.monotonic() + _WAIT
    for pragma in PRAGMAS:
        if read_only and pragma.startswith("journal_mode"):
            continue
        while True:
            try:
                connection.execute(f"pragma {pragma}")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)


@dataclass(slots=True)
class Session:
    """One database connection with explicit transactions."""

    raw: Any  # DBAPI connection: sqlite3 or psycopg
    dialect: Dialect
    # PostgreSQL: the tables that rows to be put wait in, and those used in this transaction
    _made: set[str] = field(default_factory=set)
    _used: set[str] = field(default_factory=set)

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of the answer."""
        rows: list[Row] = self.raw.execute(_spell(sql, self.dialect), values).fetchall()
        return rows

    def each(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of the answer, one after another; on PostgreSQL within a transaction."""
        if self.dialect == "sqlite":
            yield from self.raw.execute(sql, values)
            return
        with self.raw.cursor(name="each") as cursor:
            cursor.execute(_spell(sql, self.dialect), values)
            yield from cursor

    def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of the answer."""
        row: Row | None = self.raw.execute(_spell(sql, self.dialect), values).fetchone()
        return row

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Runs one statement; the number of rows it touched."""
        return int(self.raw.execute(_spell(sql, self.dialect), values).rowcount)

    def among(self, sql: str, members: Sequence[Any], before: Sequence[Any] = ()) -> list[Row]:
        """Rows of `sql`, whose `{members}` stands for a list: `… where id in {members}`."""
        if not members:
            return []
        if self.dialect == "postgresql":
            spelled = _spell(sql.replace(" in {members}", " = any(?)"), self.dialect)
            rows: list[Row] = self.raw.execute(spelled, (*before, list(members))).fetchall()
            return rows
        if isinstance(members[0], bytes):
            return self._among_bytes(sql, members, before)
        spelled = sql.replace("{members}", "(select value from json_each(?))")
        values = (*before, orjson.dumps(list(members)).decode())
        found: list[Row] = self.raw.execute(spelled, values).fetchall()
        return found

    def among_pairs(self, sql: str, pairs: Sequence[tuple[bytes, bytes]]) -> list[Row]:
        """Rows of `sql`, whose `{pairs}` stands for a table of these with columns a and b:
        `… from {pairs} p join t on t.c = p.a and t.d = p.b`. (SQLite finds no index by `in`.)"""
        if not pairs:
            return []
        if self.dialect == "postgresql":
            table = "(select * from unnest(?::bytea[], ?::bytea[]) u(a, b))"
            both = [list(column) for column in zip(*pairs, strict=True)]
            return self.all(sql.replace("{pairs}", table), both)
        rows: list[Row] = []
        for part, size in _parts(pairs):
            marks = ",".join(["(?,?)"] * size)
            table = f"(select column1 a, column2 b from (values {marks}))"
            values = [*chain.from_iterable(part), *[None] * (2 * (size - len(part)))]
            rows += self.raw.execute(sql.replace("{pairs}", table), values).fetchall()
        return rows

    def _among_bytes(self, sql: str, members: Sequence[bytes], before: Sequence[Any]) -> list[Row]:
        # JSON carries no bytes: a bounded list of marks, padded so that few texts are prepared
        rows: list[Row] = []
        for part, size in _parts(members):
            marks = "(" + ",".join("?" * size) + ")"
            values = (*before, *part, *[None] * (size - len(part)))
            rows += self.raw.execute(sql.replace("{members}", marks), values).fetchall()
        return rows

    def many(self, sql: str, rows: Sequence[Row]) -> None:
        """Runs one statement for each row."""
        if not rows:
            return
        if self.dialect == "sqlite":
            self.raw.executemany(sql, rows)
            return
        with self.raw.cursor() as cursor:
            cursor.executemany(_spell(sql, self.dialect), rows)

    def by_index(self) -> None:
        """From now on lookups never read whole tables. PostgreSQL plans a repeated statement
        once, and while a table is young it seems too small for its index. Where there is no
        other way it still reads all, and must not take that for so costly as to compile it."""
        if self.dialect == "postgresql":
            self.raw.execute("set enable_seqscan = off")
            self.raw.execute("set jit = off")

    def insert(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Adds rows; a conflict is an error."""
        if not rows:
            return
        if self.dialect == "sqlite":
            self._put(table.name, tuple(columns), rows)
        else:
            self._copy(table.name, columns, rows)

    def insert_alone(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Adds rows in a transaction of their own: all or none. A conflict is an error."""
        if self.dialect == "sqlite" and 0 < len(rows) <= _FEW:
            # one statement is a transaction by itself: other threads run once, not three times
            self._put(table.name, tuple(columns), rows)
            return
        with self.transaction():
            self.insert(table, columns, rows)

    def _put(self, name: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        # many rows a statement: Python's sqlite3 lets other threads run at every step, and to get
        # its turn again after each row would take longer than the row
        start, left = 0, len(rows)
        while left:
            size = _MANY if left >= _MANY and len(columns) <= _NARROW else min(left, _FEW)
            some = rows[start : start + size]
            self.raw.execute(_insert(name, columns, size), list(chain.from_iterable(some)))
            start, left = start + size, left - size

    def upsert(
        self,
        table: Table,
        columns: Sequence[str],
        rows: Sequence[Row],
        keys: Sequence[str],
        stay: Collection[str] = (),
    ) -> None:
        """Adds rows or, where `keys` are known, replaces the other columns but those that `stay`:
        SQLite writes every index of a column anew that is set to what it was. A key may come only
        once in `rows`. No columns but keys: what is known stays."""
        if not rows:
            return
        tail = _conflict(tuple(columns), (*keys, *stay), tuple(keys))
        if self.dialect == "sqlite":
            self.raw.executemany(_insert(table.name, tuple(columns)) + tail, rows)
            return
        names = ", ".join(columns)
        waiting = self._waiting(table.name)
        self._copy(waiting, columns, rows)
        self.raw.execute(f"insert into {table.name}({names}) select {names} from {waiting} {tail}")

    def _waiting(self, table: str) -> str:
        """An empty temporary table like `table`. The commit empties it; doing so here as well
        would cost a file each time, so only a second use within a transaction does."""
        name = f"put_{table}"
        if name not in self._made:
            self.raw.execute(
                f"create temp table if not exists {name} "
                f"(like {table} including defaults) on commit delete rows"
            )
        elif name in self._used:
            self.raw.execute(f"truncate {name}")
        self._made.add(name)
        self._used.add(name)
        return name

    def _copy(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        command = f"copy {name}({', '.join(columns)}) from stdin"
        with self.raw.cursor() as cursor, cursor.copy(command) as copy:
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. On SQLite it takes the write lock at once."""
        self.raw.execute("begin immediate" if self.dialect == "sqlite" else "begin")
        self._used.clear()
        try:
            yield
        except BaseException:
            self._give_up()
            raise
        try:
            self.raw.commit()
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        # a full disk has rolled SQLite back already; rolling back twice is harmless there
        if self.dialect == "sqlite" and not self.raw.in_transaction:
            return
        self._made.clear()  # what this transaction made is gone
        self.raw.rollback()

    @property
    def lost(self) -> bool:
        """Whether the server has gone away: only a new session can go on."""
        return self.dialect == "postgresql" and bool(self.raw.closed)

    def close(self) -> None:
        self.raw.close()


def session(url: str, *, schema: str = "", read_only: bool = False) -> Session:
    """A session of its own connection, not pooled."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        mode = "?mode=ro" if read_only else ""
        raw = sqlite3.connect(
            f"file:{path}{mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        _set_up(raw, read_only=read_only)
        return Session(raw, "sqlite")
    import psycopg

    dsn = url.replace("postgresql+psycopg://", "postgresql://")
    options = f"-c search_path={schema}" if schema else ""
    return Session(psycopg.connect(dsn, options=options, autocommit=True), "postgresql")


def _parts(members: Sequence[Any]) -> Iterator[tuple[Sequence[Any], int]]:
    """So many at a time, and for how many there are to be marks."""
    for start in range(0, len(members), 512):
        part = members[start : start + 512]
        yield part, next(n for n in (1, 8, 64, 512) if n >= len(part))


@cache
def _spell(sql: str, dialect: Dialect) -> str:
    return sql if dialect == "sqlite" else sql.replace("%", "%%").replace("?", "%s")


@cache
def _insert(table: str, columns: tuple[str, ...], rows: int = 1) -> str:
    marks = f"({', '.join('?' * len(columns))})"
    return f"insert into {table}({', '.join(columns)}) values{', '.join([marks] * rows)}"


@cache
def _conflict(columns: tuple[str, ...], stay: tuple[str, ...], keys: tuple[str, ...]) -> str:
    rest = [c for c in columns if c not in stay]
    if not rest:
        return f" on conflict({', '.join(keys)}) do nothing"
    news = ", ".join(f"{c}=excluded.{c}" for c in rest)
    return f" on conflict({', '.join(keys)}) do update set {news}"
