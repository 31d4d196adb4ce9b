"""Answers that are given out again while nothing at all was committed to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable

from hub.watch import Moment, Watch

Read = Callable[[], Awaitable[bytes]]
_PLACE = 16_384  # bytes that an answer is counted with besides its own: an address can be long


class Kept:
    """The answers of one moment of the store, each read once, however many ask for it at a time.

    An answer that is shared is what a read of its own would have given: the read began after the
    moment was asked for, and nothing was committed since. One event loop may use it.
    """

    def __init__(self, watch: Watch, most: int = 16 << 20) -> None:
        self._watch = watch
        self._most = most  # bytes
        self._moment: Moment | None = None
        self._answers: dict[Hashable, asyncio.Future[bytes]] = {}
        self._size = 0

    async def give(self, place: Hashable, read: Read) -> bytes:
        """The answer at `place`, which names all that it depends on besides the store: what is
        asked, and what the caller may see."""
        moment = self._watch.moment()
        if moment is None:
            return await read()
        if moment != self._moment:
            self._moment = moment
            self._clear()
        answer = self._answers.get(place)
        if answer is None:
            answer = self._answers[place] = asyncio.ensure_future(self._read(place, moment, read))
        return await asyncio.shield(answer)  # who gives up takes it from nobody else

    async def _read(self, place: Hashable, moment: Moment, read: Read) -> bytes:
        try:
            body = await read()
        except BaseException:
            if moment == self._moment:
                self._answers.pop(place, None)
            raise
        if moment == self._moment:
            self._size += _PLACE + len(body)
            if self._size > self._most:
                self._clear()
        return body

    def _clear(self) -> None:
        self._answers = {}
        self._size = 0
