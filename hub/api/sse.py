"""The change feed as server-sent events (WHATWG HTML §9.2): each with an id to resume from.

A reader sets the pace: what it does not take is not read from the store for it, and one that takes
nothing for a minute is left.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import orjson
import structlog
from fastapi import Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from hub import changes
from hub.api.deps import Busy, Pace
from hub.api.news import Fresh, News
from hub.changes import Change, Part, Wanted
from hub.grants import is_restricted
from hub.principal import Principal

log = structlog.get_logger("api")
_AGAIN = 2000  # milliseconds until a reader whose connection broke comes back
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Who follows what. `again`: who the key speaks for now, None once it opens nothing."""

    principal: Principal
    wanted: Wanted
    again: Callable[[], Awaitable[Principal | None]]
    read: Callable[[str], Part]
    select: Callable[[Sequence[Change]], list[Change]]

    async def may_see(self, fresh: Sequence[Fresh]) -> list[Fresh]:
        """Those of what is new that are wanted and may be seen."""
        rows = changes.asked(self.principal, [one.change for one in fresh], self.wanted)
        if rows and (is_restricted(self.principal) or self.wanted.studies):
            rows = await run_in_threadpool(self.select, rows)
        seen = {row.v for row in rows}
        return [one for one in fresh if one.change.v in seen]

    async def fault(self) -> str:
        """Why nothing more is told; "" while all is as it was."""
        found = await self.again()
        if found is None:
            return "the key opens nothing any more"
        return "" if found.grants == self.principal.grants else "the key opens something else now"


class Stream(Response):
    """An answer that goes on until the reader leaves, its key ends or the server does."""

    media_type = "text/event-stream"

    def __init__(
        self,
        follower: Follower,
        news: News,
        first: Part,
        held: Callable[[], AbstractContextManager[None]],
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._follower, self._news, self._first, self._held = follower, news, first, held
        self._since = first.end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        with self._held():
            await send(start)
            telling = asyncio.ensure_future(self._tell(_speaker(send, self._news.pace)))
            left = asyncio.ensure_future(_left(receive))
            try:
                await asyncio.wait({telling, left}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (telling, left):
                    task.cancel()
                await asyncio.gather(telling, left, return_exceptions=True)
        if not telling.cancelled() and (error := telling.exception()):
            raise error

    async def _tell(self, say: Callable[[str], Awaitable[None]]) -> None:
        try:
            await say(f"retry: {_AGAIN}\n\n" + _of_store(self._first))
            async with self._news.listening():
                why = await self._follow(say)
            await say(f"event: end\ndata: {orjson.dumps({'reason': why}).decode()}\n\n")
            await say("")
        except TimeoutError:
            log.warning("a reader of the feed took nothing", reader=self._follower.principal.name)

    async def _follow(self, say: Callable[[str], Awaitable[None]]) -> str:
        """Tells what comes; gives why it ends."""
        pace, clock = self._news.pace, asyncio.get_running_loop().time
        spoke = checked = clock()
        while not self._news.ended:
            if clock() - checked >= pace.recheck:
                checked = clock()
                with contextlib.suppress(Busy):
                    if fault := await self._follower.fault():
                        return fault
            text = await self._next(min(pace.recheck, max(pace.heartbeat - clock() + spoke, 0.01)))
            if not text and clock() - spoke >= pace.heartbeat:
                text = f"id: {self._since}\n: still here\n\n"  # what was passed over is not re-read
            if text:
                await say(text)
                spoke = clock()
        return "the server ends; come back"

    async def _next(self, seconds: float) -> str:
        try:
            fresh = await self._news.after(self._since, seconds)
            if fresh is None:
                part = await run_in_threadpool(self._follower.read, self._since)
                self._since = part.end
                return _of_store(part)
            text = "".join(_event(one) for one in await self._follower.may_see(fresh))
        except Busy:
            await asyncio.sleep(1.0)
            return ""
        self._since = fresh[-1].change.cursor if fresh else self._since
        return text


def _of_store(part: Part) -> str:
    lines = (
        f"id: {item['cursor']}\ndata: {orjson.dumps(item).decode()}\n\n" for item in part.items
    )
    return "".join(lines)


def _event(one: Fresh) -> str:
    return f"id: {one.change.cursor}\ndata: {one.body.decode()}\n\n"


def _speaker(send: Send, pace: Pace) -> Callable[[str], Awaitable[None]]:
    """Sends a text; an empty one ends the answer. Raises TimeoutError for one who takes nothing."""

    async def say(text: str) -> None:
        async with asyncio.timeout(pace.stall):
            body = {"type": "http.response.body", "body": text.encode(), "more_body": bool(text)}
            await send(body)

    return say


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
