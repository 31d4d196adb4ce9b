"""How long a view may be worked out while somebody waits."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hub.database import Session
from hub.query import BadQuery

LONGEST = 20.0  # seconds
_CANCELED = "57014"  # query_canceled (PostgreSQL documentation, appendix A)
_STEPS = 20_000  # of SQLite's machine between looks at the clock: about a millisecond


@contextmanager
def within(session: Session, seconds: float, narrow: str) -> Iterator[None]:
    """Raises BadQuery when a statement takes longer; `narrow`: what would make it shorter."""
    try:
        with _bounded(session, seconds):
            yield
    except Exception as error:
        if not _was_ended(error):
            raise
        raise BadQuery(
            "CROHUB-TOO-LONG", f"it would take longer than {seconds:g} s; narrow it by: {narrow}"
        ) from None


def _was_ended(error: Exception) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return "interrupted" in str(error)
    return getattr(error, "sqlstate", None) == _CANCELED


@contextmanager
def _bounded(session: Session, seconds: float) -> Iterator[None]:
    if session.dialect == "sqlite":
        until = time.monotonic() + seconds
        session.raw.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
        try:
            yield
        finally:
            session.raw.set_progress_handler(None, 0)
        return
    session.run(f"set statement_timeout = {int(seconds * 1000)}")
    try:
        yield
    finally:
        # a statement that was ended ended its transaction, and with it the setting
        with suppress(session.raw.Error):
            session.run("set statement_timeout = default")
