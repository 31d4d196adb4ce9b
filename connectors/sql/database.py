"""One connection to a database, within limits, and what its errors mean for what happens next."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.pool import NullPool

from connectors.errors import ConnectorError, Misconfigured, TryLater

# What databases say when repeating cannot help. Whatever else fails to connect may pass.
_FOR_A_PERSON = (
    "password authentication failed", "no password supplied", "access denied", "login failed",
    "no pg_hba.conf entry", "does not exist", "no such table", "no such column", "unknown database",
    "unknown column", "permission denied", "invalid username", "unable to open database file",
    "syntax error", "file is not a database", "ora-01017", "ora-00942",
    "attempt to write a readonly",
)  # fmt: skip
_STEPS = 10_000  # of SQLite's machine between two looks at the clock


@contextmanager
def reading(url: str, *, seconds: float) -> Iterator[Connection]:
    """A connection that only reads, in one transaction. Raises TryLater or Misconfigured."""
    with _connected(url, seconds) as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("pragma query_only = on")
        elif connection.dialect.name == "postgresql":
            connection.execute(text("set transaction isolation level repeatable read, read only"))
        yield connection


@contextmanager
def writing(url: str, *, seconds: float) -> Iterator[Connection]:
    """A connection whose one transaction the caller commits. Raises TryLater or Misconfigured."""
    with _connected(url, seconds) as connection:
        yield connection


def meaning(error: exc.SQLAlchemyError, where: str) -> ConnectorError:
    """What to raise for `error`. Of the database's words only the first line: what follows may
    quote values."""
    said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0][:300]
    if isinstance(error, exc.ArgumentError | exc.NoSuchModuleError):
        return Misconfigured(f"{where}: no address of a database, or its driver is not installed")
    told = f"{where}: {said or type(error).__name__}"
    needs = any(word in said.lower() for word in _FOR_A_PERSON)
    if needs or isinstance(error, exc.ProgrammingError):
        return Misconfigured(f"{told}; check the connection's settings")
    return TryLater(told)


def told(url: str) -> str:
    """A database's address for messages: no user, no password."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        return "sql"
    host = f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host or ""
    return f"{parsed.get_backend_name()} {host}/{parsed.database or ''}"


@contextmanager
def _connected(url: str, seconds: float) -> Iterator[Connection]:
    where = told(url)
    try:
        engine = _engine(url)
    except (exc.SQLAlchemyError, ImportError, ValueError) as error:
        raise Misconfigured(
            f"{where}: no address of a database, or its driver is not installed"
        ) from error
    try:
        with engine.connect() as connection, connection.begin():
            _limit(connection, seconds)
            yield connection
    except exc.SQLAlchemyError as error:
        raise meaning(error, where) from None
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    # the driver's own idea of transactions ends them at a savepoint
    event.listen(engine, "connect", _by_hand)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("begin"))
    return engine


def _by_hand(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None


def _limit(connection: Connection, seconds: float) -> None:
    """No statement may take longer than this, where the database has a way to say so."""
    if connection.dialect.name == "sqlite":
        ends = time.monotonic() + seconds
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - the dialect says so
        raw.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
    elif connection.dialect.name == "postgresql":
        # the first statement, so that the transaction's kind can still be set behind it
        connection.execute(text(f"set local statement_timeout = {int(seconds * 1000)}"))
