"""The MLLP sender: one connection, one message at a time, each judged by its answer."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.errors import Misconfigured, TryLater
from connectors.formats.er7_header import Header, Unreadable, header
from connectors.hl7v2 import verdict
from connectors.hl7v2.frame import END, START, FrameFault, Frames, framed
from connectors.protocol import Health
from connectors.record import Delivery, Receipt

_LARGEST_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send; with a context, over TLS."""

    host: str
    port: int
    context: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class NoAnswer(Exception):
    """It was sent, or may have been, and no answer that counts came back."""


def connect(target: Target, timeout: float) -> socket.socket:
    """A connection, verified when it is TLS. Raises TryLater when the target cannot be reached,
    Misconfigured when its certificate, or ours, is not accepted: that never falls back to less."""
    try:
        plain = socket.create_connection((target.host, target.port), timeout=timeout)
    except OSError as error:
        raise TryLater(f"{target} cannot be reached: {error.strerror or error}") from error
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if target.context is None:
        return plain
    try:
        return target.context.wrap_socket(plain, server_hostname=target.host)
    except ssl.SSLError as error:
        plain.close()
        raise Misconfigured(f"{target}: TLS is refused: {error.reason or error}") from error
    except OSError as error:
        plain.close()
        raise TryLater(f"{target}: the TLS handshake failed: {error}") from error


def reach(target: Target, timeout: float) -> Health:
    """Can it be reached? Connects and closes; says nothing to the target."""
    try:
        connect(target, timeout).close()
    except (TryLater, Misconfigured) as error:
        return Health(ok=False, detail=str(error))
    over = "TLS" if target.context else "TCP"
    return Health(ok=True, detail=f"{target} takes {over} connections")


class Line:
    """The one connection to a target. Safe to use from several threads: they take turns."""

    def __init__(self, target: Target, timeout: float) -> None:
        self._target = target
        self._timeout = timeout
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._frames = Frames(_LARGEST_ANSWER)
        self._waiting: list[bytes] = []  # answers read and not yet looked at
        self._before = ""  # the control id answered last on this connection

    def push(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """As `Pushes.push`. When one has no answer, or is not taken now, those behind it are not
        sent: they could overtake it."""
        with self._lock:
            receipts: list[Receipt] = []
            for delivery in deliveries:
                if receipts and receipts[-1].outcome in ("later", "unknown"):
                    why = "not sent: the one before it is not settled"
                    receipts.append(Receipt(id=delivery.id, outcome="later", detail=why))
                else:
                    receipts.append(self._deliver(delivery, first=not receipts))
            return receipts

    def close(self) -> None:
        """End the connection; the next push opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._frames = Frames(_LARGEST_ANSWER)
        self._waiting.clear()
        self._before = ""

    def _deliver(self, delivery: Delivery, *, first: bool) -> Receipt:
        try:
            head = header(delivery.body)
        except Unreadable as error:
            return Receipt(id=delivery.id, outcome="refused", detail=error.reason)
        if not head.control_id:
            return Receipt(id=delivery.id, outcome="refused", detail="MSH-10 is empty")
        if START in delivery.body or END in delivery.body:
            why = "it holds 0x0B, or 0x1C 0x0D, which frame a message"
            return Receipt(id=delivery.id, outcome="refused", detail=why)
        try:
            line = self._open()
        except (TryLater, Misconfigured) as error:
            if first:
                raise
            return Receipt(id=delivery.id, outcome="later", detail=str(error))
        try:
            found = self._ask(line, delivery.body, head)
        except (NoAnswer, FrameFault, OSError) as error:
            self.close()
            return Receipt(id=delivery.id, outcome="unknown", detail=_words(error))
        if found.outcome == "unknown":
            self.close()
        return Receipt(
            id=delivery.id,
            outcome=found.outcome,
            detail=found.detail,
            answered=found.outcome != "unknown",
            confirmed=found.confirmed,
        )

    def _open(self) -> socket.socket:
        """The connection; a new one when the old was ended by the target meanwhile."""
        if self._socket is not None and not self._is_quiet(self._socket):
            self.close()
        if self._socket is None:
            self._socket = connect(self._target, self._timeout)
        return self._socket

    def _is_quiet(self, line: socket.socket) -> bool:
        """Is the connection up, with nothing on it but late application answers?"""
        line.settimeout(0)
        try:
            while data := line.recv(65536):
                self._waiting += self._frames.feed(data)
            return False
        except (BlockingIOError, ssl.SSLWantReadError):
            pass  # nothing more to read: it is up
        except (OSError, FrameFault):
            return False
        late = [verdict.read(body).answers == self._before for body in self._waiting]
        self._waiting.clear()
        return all(late) and not self._frames.partial

    def _ask(self, line: socket.socket, body: bytes, head: Header) -> verdict.Verdict:
        deadline = time.monotonic() + self._timeout
        line.settimeout(self._timeout)
        line.sendall(framed(body))
        wanted = head.accept_ack.strip() or head.app_ack.strip()
        if wanted == "NE":
            return _silent(head, "sent; no answer was asked for")
        try:
            return self._answer(line, head, deadline)
        except NoAnswer:
            if wanted == "ER" and time.monotonic() >= deadline:
                return _silent(head, "sent; no error was answered")
            raise

    def _answer(self, line: socket.socket, head: Header, deadline: float) -> verdict.Verdict:
        """The answer to `head`; a late application answer to the message before is passed over."""
        while True:
            found = verdict.read(self._next(line, deadline))
            if found.answers == head.control_id or found.outcome == "unknown":
                self._before = head.control_id
                return found
            if not self._before or found.answers != self._before:
                raise NoAnswer("MSA-2 of the answer names another message")

    def _next(self, line: socket.socket, deadline: float) -> bytes:
        while not self._waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NoAnswer(f"no answer within {self._timeout:g} s")
            line.settimeout(left)
            try:
                data = line.recv(65536)
            except TimeoutError:
                raise NoAnswer(f"no answer within {self._timeout:g} s") from None
            if not data:
                raise NoAnswer("the target closed the connection before it answered")
            self._waiting += self._frames.feed(data)
        return self._waiting.pop(0)


def _silent(head: Header, why: str) -> verdict.Verdict:
    return verdict.Verdict("delivered", head.control_id, why, confirmed=False)


def _words(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
