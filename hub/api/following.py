"""The change feed as routes: asked for, waited for, and as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from hub import changes, filters
from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.api.news import News
from hub.api.records import Records
from hub.api.sse import Follower, Stream
from hub.changes import NOW, Change, Part, Wanted
from hub.model.spec import entities
from hub.principal import Principal
from hub.query import BadQuery

LONGEST = 60  # seconds that an answer is waited for
_NAMES = ("since", "entity", "study")
_MOST_EACH = 16  # that one key may hold open
_MOST_NAMED = 100  # studies of one question
_AT_ONCE = 100  # changes that a stream tells of the store at a time
_STUDY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Following:
    """Those who follow the feed of one deployment."""

    records: Records
    news: News
    _open: Counter[str] = field(default_factory=Counter)

    async def feed(self, request: Request) -> Response:
        """A part of the feed; with `wait`, not before there is anything to tell, or that long."""
        given = known(parameters(request), (*_NAMES, "limit", "_limit", "wait"))
        limit = filters.limit(given.get("limit", given.get("_limit", "")))
        seconds = _seconds(given.get("wait", "0"))
        principal, wanted = principal_of(request), wanted_of(given)
        read = partial(self._part, principal, wanted, limit)
        part = await run_in_threadpool(read, given.get("since", changes.START))
        if seconds and not part.items and not part.more and self._has_room(principal):
            with self._held(principal):
                part = await self._awaited(read, part, seconds)
        return answer({"items": part.items, "next": part.next, "more": part.more})

    async def stream(self, request: Request) -> Response:
        """The feed as it goes on, from `Last-Event-ID` or `since`, else from now."""
        given = known(parameters(request), _NAMES)
        principal, wanted = principal_of(request), wanted_of(given)
        if not self._has_room(principal):
            raise Problem(503, detail="too many streams are open", Retry_After="30")
        since = request.headers.get("last-event-id", "") or given.get("since", NOW)
        read = partial(self._part, principal, wanted, _AT_ONCE)
        first = await run_in_threadpool(read, since)
        if request.method == "HEAD":
            return Response(media_type=Stream.media_type)
        follower = Follower(
            principal=principal,
            wanted=wanted,
            again=request.state.again,
            read=read,
            select=partial(self._select, principal, wanted),
        )
        return Stream(follower, self.news, first, partial(self._held, principal))

    def _part(self, principal: Principal, wanted: Wanted, limit: int, since: str) -> Part:
        with self.records.reading() as reader:
            return changes.changes(reader, principal, since, limit, wanted)

    def _select(self, principal: Principal, wanted: Wanted, rows: Sequence[Change]) -> list[Change]:
        with self.records.reading() as reader:
            return changes.select(reader, principal, rows, wanted)

    async def _awaited(self, read: Callable[[str], Part], part: Part, seconds: float) -> Part:
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        async with self.news.listening():
            while not part.items and not self.news.ended and (left := until - clock()) > 0:
                if await self.news.after(part.end, left) != []:
                    part = await run_in_threadpool(read, part.end)
        return part

    def _has_room(self, principal: Principal) -> bool:
        room = self._open.total() < self.records.deps.streams
        return room and self._open[principal.name] < _MOST_EACH

    @contextmanager
    def _held(self, principal: Principal) -> Iterator[None]:
        self._open[principal.name] += 1
        try:
            yield
        finally:
            self._open[principal.name] -= 1


def routes(records: Records) -> APIRouter:
    """They stand before the records' own routes, whose first part of the path is any word."""
    deps = records.deps
    news = News(records.sessions, deps.ending, deps.pace)
    own, made = Following(records, news), APIRouter()
    made.add_route("/changes", own.feed, methods=["GET"])
    made.add_route("/changes/stream", own.stream, methods=["GET"])
    return made


def wanted_of(given: dict[str, str]) -> Wanted:
    """Which changes a question is about. Raises BadQuery naming what there is."""
    kinds = _names(given.get("entity", ""))
    if unknown := kinds - set(entities()):
        raise BadQuery(
            "CROHUB-BAD-VALUE",
            f"entity: {len(unknown)} of them are none; expected some of {', '.join(entities())}",
        )
    studies = _names(given.get("study", ""))
    if len(studies) > _MOST_NAMED or not all(_STUDY.fullmatch(one) for one in studies):
        raise BadQuery("CROHUB-BAD-VALUE", f"study: expected up to {_MOST_NAMED} ids of studies")
    return Wanted(entities=kinds, studies=studies)


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",")) - {""}


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadQuery("CROHUB-BAD-VALUE", "wait: expected a whole number of seconds")
    return min(int(text[:4]), LONGEST)
