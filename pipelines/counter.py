"""Where a listener hands its records over, and hears what became of them.

What one turn of the listener's loop brings is made into entries together, queued together and
answered together: compressing and sealing go on while the journal's thread waits for the disk,
and the two threads take turns a few times a commit, not a few times a message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from connectors.protocol import Accepted
from connectors.record import Record
from pipelines.journal import FAULT, UNREAD, Entry, Kept
from pipelines.writer import MOST_BYTES, NoRoom, Writer

SHARE = 64  # messages queued as one; a commit takes several
Waiting = tuple[Record, "asyncio.Future[Accepted]"]
log = structlog.get_logger("intake")


@dataclass(slots=True, kw_only=True)
class Counter:
    """One listener's. `make` makes an entry of each record, in order."""

    writer: Writer
    loop: asyncio.AbstractEventLoop
    make: Callable[[Sequence[Record]], list[Entry]]
    _fresh: list[Waiting] = field(default_factory=list)

    def accept(self, record: Record) -> asyncio.Future[Accepted]:
        """Takes a record over, in the listener's loop. The future resolves after the commit."""
        future: asyncio.Future[Accepted] = self.loop.create_future()
        if not self._fresh:
            self.loop.call_soon(self._hand_over)
        self._fresh.append((record, future))
        return future

    def _hand_over(self) -> None:
        fresh, self._fresh = self._fresh, []
        for share in _shares(fresh):
            self._put(share)

    def _put(self, some: list[Waiting]) -> None:
        try:
            entries = self.make([record for record, _ in some])
        except Exception as error:  # noqa: BLE001 - whatever it was, its sender is told
            if len(some) > 1:  # one of them: the others are stored
                for one in some:
                    self._put([one])
            else:
                log.error("no entry could be made", error=type(error).__name__)
                _resolve(some, [0], error)
            return
        self.writer.put(entries, partial(self._told, some, [entry.flags for entry in entries]))

    def _told(self, some: list[Waiting], flags: list[int], outcome: list[Kept] | Exception) -> None:
        """Called in the writer's thread, after the commit."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self.loop.call_soon_threadsafe(_resolve, some, flags, outcome)


def _shares(fresh: list[Waiting]) -> Iterator[list[Waiting]]:
    """In order, no share larger than a commit may be."""
    share: list[Waiting] = []
    size = 0
    for one in fresh:
        size += len(one[0].body)
        if share and (len(share) == SHARE or size > MOST_BYTES):
            yield share
            share, size = [], len(one[0].body)
        share.append(one)
    yield share


def _resolve(
    some: Sequence[Waiting], flags: Sequence[int], outcome: Sequence[Kept] | Exception
) -> None:
    for place, (_, future) in enumerate(some):
        if future.cancelled():
            continue
        if isinstance(outcome, Exception):
            future.set_result(_NO_ROOM if isinstance(outcome, NoRoom) else _NOT_STORED)
        else:
            future.set_result(_accepted(outcome[place], flags[place]))


_NO_ROOM, _NOT_STORED = (
    Accepted("full", "no room on disk"),
    Accepted("full", "not stored, try again"),
)
_KEPT, _AGAIN = Accepted("kept"), Accepted("kept", again=True)
_UNREAD, _CONFLICT = Accepted("unread"), Accepted("conflict", "the key is known with another body")


def _accepted(kept: Kept, flags: int) -> Accepted:
    """What the connector is to tell the sender."""
    if kept.reused:
        return _CONFLICT
    if flags & FAULT:
        return Accepted("refused", "unreadable", again=kept.again)
    if kept.again:
        return _AGAIN
    return _UNREAD if flags & UNREAD else _KEPT
