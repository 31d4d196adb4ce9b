"""One thread that stores what waits: group commit, without added delay.

Whatever has gathered while the last commit was under way goes into the next, up to 256 messages
or 4 MiB. Nobody is answered before the commit has returned. What costs time for every message
(digests, compressing, sealing) is done here and for many at once: two threads that take turns at
each message would spend more on the turns than on the messages.
"""

from __future__ import annotations

import asyncio
import collections
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

import structlog

from hub.database import Session
from pipelines.journal import Also, Entry, Journal, Kept, Position

MOST_MESSAGES, MOST_BYTES = 256, 4 << 20
log = structlog.get_logger("journal")


class NoRoom(Exception):
    """The disk is full; nothing of this group is stored."""


class Given(Protocol):
    """What a listener hands over: an entry, or what its desk makes one of."""

    @property
    def body(self) -> bytes: ...


class Desk(Protocol):
    """Makes entries of what a listener hands over, and its sender's answers of outcomes."""

    def entries(self, given: Sequence[Any]) -> list[Entry]:
        """An entry for each, in order. Called in the writer's thread."""
        ...

    def says(self, entry: Entry | None, outcome: Kept | Exception) -> Any:  # noqa: ANN401
        """What the future gets; `entry` is None when none could be made. Called in its loop."""
        ...


class _Plain:
    """Entries as they come, outcomes as they are."""

    def entries(self, given: Sequence[Any]) -> list[Entry]:
        return list(given)

    def says(self, _entry: Entry | None, outcome: Kept | Exception) -> Kept:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


_PLAIN = _Plain()


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


@dataclass(slots=True)
class _One:
    """One message of a listener, and its future, which belongs to `loop`."""

    given: Given
    size: int
    desk: Desk
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    entry: Entry | None = None
    count: int = 1


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
        self._waiting: collections.deque[_Group | _One] = collections.deque()
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
        self._some.set()

    def put_one(
        self, given: Given, loop: asyncio.AbstractEventLoop, desk: Desk = _PLAIN
    ) -> asyncio.Future[Any]:
        """Queues what a listener hands over; the future belongs to `loop` and gets what `desk`
        says of the outcome."""
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(_One(given, len(given.body), desk, loop, future))
        if not self._some.is_set():  # asking costs a tenth of telling
            self._some.set()
        return future

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

    def _gather(self) -> list[_Group | _One]:
        gathered: list[_Group | _One] = []
        count = size = 0
        while self._waiting and count < MOST_MESSAGES and size < MOST_BYTES:
            one = self._waiting.popleft()
            gathered.append(one)
            count += one.count
            size += one.size
        return gathered

    def _renewed(self, journal: Journal) -> Journal:
        """The journal on a session that works, if one can be had now."""
        if not journal.session.lost:
            return journal
        try:
            return Journal(self._open())
        except Exception as error:  # noqa: BLE001 - the next store fails, and its callers are told
            log.error("the journal's database is away", error=type(error).__name__)
            return journal

    def _store(self, journal: Journal, gathered: list[_Group | _One]) -> None:
        groups = [one for one in gathered if isinstance(one, _Group)]
        ones = _with_entries([one for one in gathered if isinstance(one, _One)])
        entries = [one.entry for one in ones if one.entry is not None]
        alone = len(entries)
        entries += [entry for group in groups for entry in group.entries]
        positions = [position for group in groups for position in group.positions]
        also = [do for group in groups for do in group.also]
        try:
            kept = journal.keep(entries, positions, also)
        except Exception as error:  # noqa: BLE001 - whatever it was, each waiting caller is told
            self._failed(groups, ones, error)
            return
        _answer(ones, kept)
        start = alone
        for group in groups:
            end = start + group.count
            group.told(kept[start:end])
            start = end
        self._wake()

    def _failed(self, groups: list[_Group], ones: list[_One], error: Exception) -> None:
        full = isinstance(error, sqlite3.OperationalError) and "full" in str(error)
        log.error("not stored", messages=sum(g.count for g in groups) + len(ones), full=full,
                  error=type(error).__name__)  # fmt: skip
        told: Exception = NoRoom(str(error)) if full else error
        _answer(ones, [told] * len(ones))
        for group in groups:
            group.told(told)
        if not full and _is_damage(error):
            self._fatal(error)


def _is_damage(error: Exception) -> bool:
    """Whether SQLite could not write or read what it must: an I/O error, a malformed file."""
    if isinstance(error, sqlite3.OperationalError):
        return "locked" not in str(error)
    return type(error) in (sqlite3.DatabaseError, sqlite3.InternalError)


def _with_entries(ones: list[_One]) -> list[_One]:
    """Those of which entries could be made; whoever waits for another is told what was wrong."""
    made: list[_One] = []
    for desk, some in groupby(ones, attrgetter("desk")):
        made += _of_one_desk(desk, list(some))
    return made


def _of_one_desk(desk: Desk, ones: list[_One]) -> list[_One]:
    try:
        entries = desk.entries([one.given for one in ones])
    except Exception as error:  # noqa: BLE001 - whatever it was, its sender is told
        if len(ones) == 1:
            log.error("no entry could be made", error=type(error).__name__)
            _answer(ones, [error])
            return []
        return [made for one in ones for made in _of_one_desk(desk, [one])]
    for one, entry in zip(ones, entries, strict=True):
        one.entry = entry
    return ones


def _answer(ones: Sequence[_One], outcomes: Sequence[Kept | Exception]) -> None:
    """Tells the futures in their loop, all of a commit at once."""
    told = zip(ones, outcomes, strict=False)
    for loop, some in groupby(told, lambda pair: pair[0].loop):
        loop.call_soon_threadsafe(_resolve, list(some))


def _resolve(answers: Sequence[tuple[_One, Kept | Exception]]) -> None:
    for one, outcome in answers:
        if one.future.cancelled():
            continue
        try:
            one.future.set_result(one.desk.says(one.entry, outcome))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it was
            one.future.set_exception(error)
