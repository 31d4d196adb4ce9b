"""The MLLP listener: many connections, one loop, an answer only for what is stored."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import structlog

from connectors.formats import hl7batch
from connectors.formats.er7_time import write_time
from connectors.hl7v2 import answer, intake
from connectors.hl7v2.frame import FrameFault, Frames
from connectors.hl7v2.tls import names_of
from connectors.hl7v2.turn import Turn, reply
from connectors.protocol import Accept, Accepted

_log = structlog.get_logger()
_NOW, _SECOND = timedelta(0), timedelta(seconds=1)
# what is counted; no message tells of it
COUNTED = (
    "connections", "mllp_full", "mllp_idle", "mllp_junk", "mllp_oversize", "mllp_undrained",
    "mllp_unsure", "tls_reject",
)  # fmt: skip
_TLS_HELLO = b"\x16\x03"  # the first bytes of a TLS client


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one listener bears. Times are seconds."""

    frame: int = 16 * 1024 * 1024
    idle: float = 30.0  # between two bytes of one frame
    total: float = 120.0  # for one frame; a connection without an open frame may wait for ever
    connections: int = 1000
    unanswered: int = 64  # on one connection, before its sender is no longer read
    drain: float = 5.0  # for the last answers when the listener is stopped


@dataclass(slots=True, kw_only=True)
class Desk:
    """What all connections of one listener share."""

    accept: Accept
    rules: intake.Rules
    limits: Limits
    we: answer.From
    now: Callable[[], datetime]
    names: frozenset[str] = frozenset()  # client certificate names; empty = any
    open: set[Connection] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    closing: bool = False
    _since: datetime | None = None
    _stamp: str = ""

    def stamp(self) -> str:
        """MSH-7 of an answer given now."""
        now = self.now()
        if self._since is None or not _NOW <= now - self._since < _SECOND:
            self._since = now.replace(microsecond=0)
            self._stamp = write_time(now.astimezone(self.rules.zone))
        return self._stamp


class Connection(asyncio.Protocol):
    """One sender. Answers leave in the order in which its messages came."""

    __slots__ = (
        "_checking",
        "_desk",
        "_drained",
        "_ended",
        "_frames",
        "_last",
        "_lost",
        "_paused",
        "_since",
        "_transport",
        "_turns",
    )

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._frames = Frames(desk.limits.frame)
        self._turns: deque[Turn] = deque()
        self._transport: asyncio.Transport | None = None
        self._drained: asyncio.Future[None] | None = None
        self._paused = False
        self._ended = False  # the sender says no more, but may wait for answers
        self._lost = False
        self._checking = False
        self._since = 0.0  # when the open frame began, loop time
        self._last = 0.0

    # -- from asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        desk = self._desk
        if desk.closing or len(desk.open) >= desk.limits.connections:
            self._refuse("mllp_full", "too many connections")
        elif desk.names and not (desk.names & names_of(self._transport)):
            self._refuse("tls_reject", "the client certificate's name is not on the list")
        else:
            desk.open.add(self)
            desk.counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        if self._lost:
            return
        if not self._frames.partial and data[:2] == _TLS_HELLO:
            self._refuse("tls_reject", "a TLS client on a listener without TLS")
            return
        was_partial = self._frames.partial
        try:
            bodies = self._frames.feed(data)
        except FrameFault as fault:
            self._refuse("mllp_oversize" if self._frames.partial else "mllp_junk", str(fault))
            return
        for body in bodies:
            self._take(body)
        if self._frames.partial:
            self._watch(began=not was_partial or bool(bodies))
        if len(self._turns) >= self._desk.limits.unanswered:
            self._pause()

    def eof_received(self) -> bool:
        """A sender may close its half and still read the answers it waits for."""
        if self._transport is not None and self._transport.get_extra_info("sslcontext"):
            return False  # TLS has no half-open connections
        self._frames.partial = False
        self._ended = True
        return bool(self._turns)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._turns.clear()
        self._desk.open.discard(self)
        self._settle_drain()

    def pause_writing(self) -> None:
        self._pause()

    def resume_writing(self) -> None:
        self._resume()

    # -- messages

    def _take(self, body: bytes) -> None:
        batch: hl7batch.Batch | None = None
        desk = self._desk
        if hl7batch.is_batch(body):
            try:
                batch = hl7batch.split(body)
            except hl7batch.BadBatch as fault:
                taken = [intake.refuse_whole(body, f"batch: {fault}", "100", desk.now())]
            else:
                taken = [intake.take(one, desk.rules, desk.now) for one in batch.messages]
        else:
            taken = [intake.take(body, desk.rules, desk.now)]
        turn = Turn(taken, batch)
        self._turns.append(turn)
        for place, one in enumerate(taken):
            desk.accept(one.record).add_done_callback(partial(self._told, turn, place))

    def _told(self, turn: Turn, place: int, future: asyncio.Future[Accepted]) -> None:
        if future.cancelled() or future.exception() is not None:
            # Whether it is stored is not known: the sender hears nothing and sends it again.
            self._refuse("mllp_unsure", "the message could not be stored, or nobody can say so")
            return
        turn.told[place] = future.result()
        turn.missing -= 1
        if turn.missing == 0:
            turn.reply = reply(turn, self._desk.we, self._desk.stamp())
            self._answer()

    def _answer(self) -> None:
        """Send what is known, up to the first that is not."""
        ready = []
        while self._turns and self._turns[0].reply is not None:
            ready.append(self._turns.popleft().reply or b"")
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if ready:
            transport.write(ready[0] if len(ready) == 1 else b"".join(ready))
        if not self._turns:
            self._settle_drain()
            if self._ended:
                transport.close()
        if self._paused and len(self._turns) <= self._desk.limits.unanswered // 2:
            self._resume()

    # -- limits

    def _pause(self) -> None:
        if self._transport and not self._paused and not self._lost:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport and self._paused and not self._lost and not self._desk.closing:
            self._paused = False
            self._transport.resume_reading()

    def _watch(self, *, began: bool) -> None:
        loop = asyncio.get_running_loop()
        self._last = loop.time()
        if began:
            self._since = self._last
        if not self._checking:
            self._checking = True
            loop.call_later(min(self._desk.limits.idle, self._desk.limits.total), self._check)

    def _check(self) -> None:
        self._checking = False
        if self._lost or not self._frames.partial:
            return
        loop = asyncio.get_running_loop()
        limits, now = self._desk.limits, loop.time()
        left = min(self._last + limits.idle, self._since + limits.total) - now
        if self._paused:  # we do not read it: its silence is ours
            self._last, left = now, limits.idle
        if left <= 0:
            self._refuse("mllp_idle", "a frame without an end")
            return
        self._checking = True
        loop.call_later(left, self._check)

    def _refuse(self, count: str, reason: str) -> None:
        """Close at once; nothing more is read or answered."""
        if self._lost:
            return
        self._lost = True
        self._desk.counts[count] += 1
        if self._transport is not None:
            peer = self._transport.get_extra_info("peername") or ("",)
            _log.warning("connection closed", kind=count, reason=reason, peer=peer[0])
            self._transport.abort()

    async def drain(self) -> None:
        """Read no more, answer what was taken, close."""
        self._pause()
        if self._turns:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        if self._transport is not None:
            self._transport.close()

    def give_up(self) -> None:
        """Close without the answers still owed: the sender will send those messages again."""
        self._refuse("mllp_undrained", "stopped before the last answers were known")

    def _settle_drain(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


Started = Callable[[str, int], None]


async def serve(
    desk: Desk, host: str, port: int, *, tls: ssl.SSLContext | None, started: Started | None
) -> None:
    """Listen until cancelled; then give the answers that are still owed, and end.

    `started` is told the address once connections are taken. Raises OSError when the address
    cannot be had.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(desk),
        host,
        port,
        ssl=tls,
        backlog=1024,
        ssl_handshake_timeout=desk.limits.idle if tls else None,
    )
    try:
        if started is not None:
            address = server.sockets[0].getsockname()
            started(address[0], address[1])
        await loop.create_future()
    finally:
        desk.closing = True
        server.close()
        await _drain(desk)


async def _drain(desk: Desk) -> None:
    tasks = [asyncio.ensure_future(one.drain()) for one in list(desk.open)]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=desk.limits.drain)
    for task in late:
        task.cancel()
    for one in list(desk.open):
        one.give_up()
