"""One thread that stores what waits: group commit, without added delay.

Whatever has gathered while the last commit was under way goes into the next, up to 256 messages
or 4 MiB. Nobody is answered before the commit has returned.
"""

from __future__ import annotations

import collections
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog

from hub.database import Session
from pipelines.journal import Also, Entry, Journal, Kept, Position

MOST_MESSAGES, MOST_BYTES = 256, 4 << 20
log = structlog.get_logger("journal")


class NoRoom(Exception):
    """The disk is full; nothing of this group is stored."""


@dataclass(slots=True)
class _Group:
    """What one caller wants stored together, and who is to be told."""

    entries: Sequence[Entry]
    positions: Sequence[Position]
    told: Callable[[list[Kept] | Exception], None]
    size: int
    also: Sequence[Also] = ()

    @property
    def count(self) -> int:
        return len(self.entries)


class Writer:
    """The journal's only writer. `fatal` is called when the store can no longer be trusted (an
    I/O error at commit): the process must end, recovery is the next start."""

    def __init__(
        self,
        open_session: Callable[[], Session],
        *,
        wake: Callable[[], None],
        fatal: Callable[[Exception], None],
    ) -> None:
        self._open = open_session
        self._wake = wake
        self._fatal = fatal
        self._waiting: collections.deque[_Group] = collections.deque()
        self._some = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stores what waits, then ends."""
        self._ending = True
        self._some.set()
        self._thread.join()

    def put(
        self,
        entries: Sequence[Entry],
        told: Callable[[list[Kept] | Exception], None],
        positions: Sequence[Position] = (),
        also: Sequence[Also] = (),
    ) -> None:
        """Queues a group. `told` is called in the writer's thread, after the commit."""
        size = sum(len(entry.body) for entry in entries)
        self._waiting.append(_Group(entries, positions, told, size, also))
        if not self._some.is_set():  # asking costs a tenth of telling
            self._some.set()

    def keep(
        self,
        entries: Sequence[Entry],
        positions: Sequence[Position] = (),
        also: Sequence[Also] = (),
    ) -> list[Kept]:
        """Queues a group and waits until it is stored; raises what storing raised."""
        done: Future[list[Kept]] = Future()

        def tell(result: list[Kept] | Exception) -> None:
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)

        self.put(entries, tell, positions, also)
        return done.result()

    @property
    def depth(self) -> int:
        """Groups that wait to be stored."""
        return len(self._waiting)

    def _work(self) -> None:
        journal = Journal(self._open())
        while True:
            self._some.wait()
            self._some.clear()
            while groups := self._gather():
                journal = self._renewed(journal)
                self._store(journal, groups)
            if self._ending and not self._waiting:
                journal.session.close()
                return

    def _gather(self) -> list[_Group]:
        """What goes into the next commit; one group that is larger than its share goes alone."""
        groups: list[_Group] = []
        count = size = 0
        while self._waiting:
            group = self._waiting[0]
            count += group.count
            size += group.size
            if groups and (count > MOST_MESSAGES or size > MOST_BYTES):
                break
            groups.append(self._waiting.popleft())
        return groups

    def _renewed(self, journal: Journal) -> Journal:
        """The journal on a session that works, if one can be had now."""
        if not journal.session.lost:
            return journal
        try:
            return Journal(self._open())
        except Exception as error:  # noqa: BLE001 - the next store fails, and its callers are told
            log.error("the journal's database is away", error=type(error).__name__)
            return journal

    def _store(self, journal: Journal, groups: list[_Group]) -> None:
        entries = [entry for group in groups for entry in group.entries]
        positions = [position for group in groups for position in group.positions]
        also = [do for group in groups for do in group.also]
        try:
            kept = journal.keep(entries, positions, also)
        except Exception as error:  # noqa: BLE001 - whatever it was, each waiting caller is told
            self._failed(groups, error)
            return
        start = 0
        for group in groups:
            group.told(kept[start : start + group.count])
            start += group.count
        self._wake()

    def _failed(self, groups: list[_Group], error: Exception) -> None:
        full = isinstance(error, sqlite3.OperationalError) and "full" in str(error)
        log.error("not stored", messages=sum(g.count for g in groups), full=full,
                  error=type(error).__name__)  # fmt: skip
        told: Exception = NoRoom(str(error)) if full else error
        for group in groups:
            group.told(told)
        if not full and _is_damage(error):
            self._fatal(error)


def _is_damage(error: Exception) -> bool:
    """Whether SQLite could not write or read what it must: an I/O error, a malformed file."""
    if isinstance(error, sqlite3.OperationalError):
        return "locked" not in str(error)
    return type(error) in (sqlite3.DatabaseError, sqlite3.InternalError)
