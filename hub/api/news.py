"""What is new at the end of the change feed, read once for all who wait for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import orjson
import structlog
from starlette.concurrency import run_in_threadpool

from hub import changes
from hub.api.deps import Busy, Pace, Sessions
from hub.changes import Change, position

log = structlog.get_logger("api")
_PAGE, _KEPT = 500, 2_000  # changes read at a time, and held for those who are a little behind


@dataclass(frozen=True, slots=True)
class Fresh:
    """A change, and how it is told to everybody who may see it."""

    change: Change
    body: bytes


class News:
    """One reader of the store, at work while anybody listens. One event loop may use it.

    `ended`: the server ends, and nobody is to wait any more.
    """

    def __init__(self, sessions: Sessions, ending: Callable[[], bool], pace: Pace) -> None:
        self.ended = False
        self.pace = pace
        self._sessions, self._ending = sessions, ending
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None
        self._kept: deque[Fresh] = deque()
        self._from = self._upto = changes.START  # what lies between is kept
        self._came = asyncio.Event()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Whoever calls `after` does so within this."""
        self._listeners += 1
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._work())
            yield
        finally:
            self._listeners -= 1
            if not self._listeners and self._task:
                self._task.cancel()
                self._task = None
                self._forget()

    async def after(self, since: str, seconds: float) -> Sequence[Fresh] | None:
        """What came behind the cursor `since`: at once where there is any, else what comes within
        so many seconds. None: that lies too far back, or cannot be told yet; read the store."""
        came, began = self._came, self._from != changes.START
        found = self._behind(since) if began else []
        if found is None or found or self.ended:
            return found
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await came.wait()
        return self._behind(since)

    def _behind(self, since: str) -> list[Fresh] | None:
        if self._from == changes.START or position(since) < position(self._from):
            return None
        found: list[Fresh] = []
        for one in reversed(self._kept):
            if position(one.change.cursor) <= position(since):
                break
            found.append(one)
        return found[::-1]

    async def _work(self) -> None:
        seen = None  # the moment of the store that was read last
        while True:
            if self._ending():
                self.ended = True
                self._tell()
                return
            moment = self._sessions.watch.moment()
            full, pause = False, self.pace.poll
            if moment is None or moment != seen:
                try:
                    full = self._keep(await run_in_threadpool(self._read))
                    seen = moment
                except Busy:
                    pass
                except Exception as error:  # noqa: BLE001 - those who listen wait until it is back
                    log.error("the feed cannot be read", error=type(error).__name__)
                    pause = self.pace.calm
            if not full:
                await asyncio.sleep(pause)

    def _read(self) -> tuple[str, list[Fresh]]:
        """Where the feed goes on, and what is new."""
        with self._sessions.reading() as session:
            if self._upto == changes.START:
                return changes.head(session), []
            rows = changes.feed(session, self._upto, _PAGE)
            told = changes.shown(session, rows)
        fresh = [Fresh(row, orjson.dumps(item)) for row, item in zip(rows, told, strict=True)]
        return (rows[-1].cursor if rows else self._upto), fresh

    def _keep(self, read: tuple[str, list[Fresh]]) -> bool:
        """Whether there may be more at once."""
        self._upto, fresh = read
        begins = self._from == changes.START
        if begins:
            self._from = self._upto
        self._kept.extend(fresh)
        while len(self._kept) > _KEPT:
            self._from = self._kept.popleft().change.cursor
        if fresh or begins:
            self._tell()
        return len(fresh) == _PAGE

    def _tell(self) -> None:
        self._came.set()
        self._came = asyncio.Event()

    def _forget(self) -> None:
        self._kept.clear()
        self._from = self._upto = changes.START
