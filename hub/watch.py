"""Tells whether anything was committed to the store, at the cost of one look into shared memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from hub.database import Session

Moment = tuple[int, int]


class Watch:
    """Two equal moments mean that nothing was committed between them, by whichever process.

    SQLite counts what all other connections commit (PRAGMA data_version); PostgreSQL has nothing
    as cheap, so there no moment is ever known. Only one thread may ask.
    """

    def __init__(self, open_session: Callable[[], Session], *, embedded: bool) -> None:
        self._open = open_session
        self._embedded = embedded
        self._session: Session | None = None
        self._opened = 0  # a count is comparable only with others of the same connection

    def moment(self) -> Moment | None:
        """The present one; None: not known, so that nothing may be taken for unchanged.

        It never waits for a lock, and what is read after it is at least as new.
        """
        if not self._embedded:
            return None
        try:
            row = (self._session or self._begin()).one("pragma data_version")
        except sqlite3.Error:  # whoever reads the store next says what is wrong with it
            self.close()
            return None
        return None if row is None else (self._opened, row[0])

    def close(self) -> None:
        """It opens again when it is asked again."""
        if self._session:
            self._session.close()
            self._session = None

    def _begin(self) -> Session:
        self._session = self._open()
        self._opened += 1
        self._session.run("pragma busy_timeout=0")
        return self._session
