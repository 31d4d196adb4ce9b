"""An MLLP sender that loads a listener: many connections, on each one message until its answer.

It runs in one thread and polls, so that it takes little of the processor it measures on.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

ANSWER = re.compile(rb"\rMSA\|([A-Z]{2})\|([^|\r\x1c]*)")
CONTROL = re.compile(rb"(?:[^|]*\|){9}([^|]*)")
GOOD = (b"AA", b"CA")
PATIENCE = 30.0  # seconds without any answer


class NotAccepted(Exception):
    """An answer was not the one to the message, or none came."""


@dataclass(slots=True)
class Sent:
    """What a run gave: seconds it took and, of each message, how long its answer did."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


@dataclass(slots=True)
class _Line:
    """One connection: what it sent last, when, and what has come back."""

    socket: socket.socket
    position: int = -1
    since: float = 0.0
    answer: bytes = b""


Told = Callable[[int, float], None]  # (position of the message, time of its answer)


def send(
    port: int,
    messages: Sequence[bytes],
    *,
    connections: int = 32,
    per_second: float = 0.0,
    told: Told | None = None,
) -> Sent:
    """Sends all, as fast as they are answered, or `per_second` at even distances: a message whose
    turn has come while every connection waits for an answer counts from when it was due.

    Raises NotAccepted for any answer but acceptance of the very message.
    """
    sent = Sent()
    lines = _open(port, connections)
    poll = select.epoll()
    for number in lines:
        poll.register(number, select.EPOLLIN)
    try:
        _run(sent, lines, poll, messages, per_second, told)
    finally:
        poll.close()
        for line in lines.values():
            line.socket.close()
    return sent


def _open(port: int, connections: int) -> dict[int, _Line]:
    lines = {}
    for _ in range(connections):
        opened = socket.create_connection(("127.0.0.1", port), timeout=10)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines[opened.fileno()] = _Line(opened)
    return lines


def _run(
    sent: Sent,
    lines: dict[int, _Line],
    poll: select.epoll,
    messages: Sequence[bytes],
    per_second: float,
    told: Told | None,
) -> None:
    idle, following, count = list(lines.values()), 0, len(messages)
    began = heard = time.perf_counter()
    while len(sent.latencies) < count:
        now, wait = time.perf_counter(), PATIENCE
        while idle and following < count:
            due = began + following / per_second if per_second else now
            if due > now:
                wait = due - now
                break
            _say(idle.pop(), following, messages[following], due)
            following += 1
        for number, _ in poll.poll(wait):
            line = lines[number]
            if _listen(line):
                heard = time.perf_counter()
                _check(line, messages[line.position])
                sent.latencies.append(heard - line.since)
                if told:
                    told(line.position, heard)
                idle.append(line)
        if time.perf_counter() - heard > PATIENCE:
            raise NotAccepted(f"{len(sent.latencies)} of {count} answered, then silence")
    sent.seconds = heard - began


def _say(line: _Line, position: int, message: bytes, since: float) -> None:
    line.position, line.since, line.answer = position, since, b""
    line.socket.sendall(b"\x0b%b\x1c\r" % message)


def _listen(line: _Line) -> bool:
    """Whether the answer is complete."""
    data = line.socket.recv(65536)
    if not data:
        raise NotAccepted("the listener closed a connection")
    line.answer += data
    return line.answer.endswith(b"\x1c\r")


def _check(line: _Line, message: bytes) -> None:
    found, own = ANSWER.search(line.answer), CONTROL.match(message)
    if not found or found[1] not in GOOD or not own or found[2] != own[1]:
        raise NotAccepted(f"message {line.position}: {found[1] if found else b'no MSA'!r}")
