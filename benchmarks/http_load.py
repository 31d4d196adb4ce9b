"""HTTP requests over connections that stay open: one caller, or many that load a server."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

PATIENCE = 30.0  # seconds without an answer


class NoAnswer(Exception):
    """The server closed a connection, kept silent, or answered with another status than 200."""


@dataclass(slots=True)
class Load:
    """What a run gave."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


class Caller:
    """One connection, one request at a time."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer = bytearray()
        self._length = -1  # of the whole answer; -1: not known yet
        self.since = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, path: str, body: bytes | None = None) -> None:
        """Sends a request: GET, or POST of `body`."""
        self._answer.clear()
        self._length, self.since = -1, time.perf_counter()
        verb, length = ("GET", "") if body is None else ("POST", f"Content-Length: {len(body)}\r\n")
        request = f"{verb} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}{self._head}\r\n"
        self.socket.sendall(request.encode() + (body or b""))

    def heard(self) -> bool:
        """Takes what has come; whether the answer is complete."""
        data = self.socket.recv(262_144)
        if not data:
            raise NoAnswer("the server closed the connection")
        self._answer += data
        if self._length < 0 and (end := self._answer.find(b"\r\n\r\n")) >= 0:
            self._length = end + 4 + _length(bytes(self._answer[:end]))
        return len(self._answer) == self._length

    def get(self, path: str) -> bytes:
        """The body of an answer."""
        self.ask(path)
        return self._body()

    def post(self, path: str, body: bytes) -> bytes:
        """The body of an answer."""
        self.ask(path, body)
        return self._body()

    def _body(self) -> bytes:
        while not self.heard():
            pass
        return bytes(self._answer[self._answer.find(b"\r\n\r\n") + 4 :])


def _length(head: bytes) -> int:
    if not head.startswith(b"HTTP/1.1 200 "):
        raise NoAnswer(head.partition(b"\r\n")[0].decode())
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise NoAnswer("an answer without a length")


def load(
    port: int, path: str, headers: Mapping[str, str], *, connections: int, seconds: float
) -> Load:
    """Asks for `path` on every connection, again as soon as it is answered, for so long."""
    callers = {}
    for _ in range(connections):
        caller = Caller(port, headers)
        callers[caller.socket.fileno()] = caller
    poll = select.epoll()
    made = Load()
    try:
        began = time.perf_counter()
        for number, caller in callers.items():
            poll.register(number, select.EPOLLIN)
            caller.ask(path)
        while (now := time.perf_counter()) < began + seconds:
            events = poll.poll(PATIENCE)
            if not events:
                raise NoAnswer("silence")
            for number, _ in events:
                if callers[number].heard():
                    now = time.perf_counter()
                    made.latencies.append(now - callers[number].since)
                    callers[number].ask(path)
        made.seconds = now - began
    finally:
        poll.close()
        for caller in callers.values():
            caller.socket.close()
    return made
