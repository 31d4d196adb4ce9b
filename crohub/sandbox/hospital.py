"""The hospital's interface engine: several MLLP connections, each message sent until answered,
and a sheet of what was sent, which answer was due and which one came."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from crohub.sandbox.mllp import Wire
from crohub.sandbox.world import Message

PAUSE_FIRST, PAUSE_LONGEST = 0.05, 2.0  # seconds between two attempts


class NoAnswer(Exception):
    """The receiver did not answer within the hospital's patience; nothing after it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One line of the sheet. `answer` is MSA-1, `echo` MSA-2 of what came back; `code` is the
    HL7 error code (ERR-3) when there is one."""

    control_id: str
    expect: str
    why: str
    body: bytes
    answer: str
    echo: str
    code: str
    attempts: int

    @property
    def as_expected(self) -> bool:
        """The right answer, to the right message. A commit ack (CA, CE, CR) counts as its
        application counterpart."""
        return self.answer[-1:] == self.expect[-1:] and self.echo == self.control_id


class Hospital:
    """Sends to one listener. A person's messages stay on one connection, hence in order."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        lines: int = 4,
        timeout: float = 10.0,
        patience: float = 60.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = (host, port)
        self.timeout, self.patience, self.now = timeout, patience, now
        self.sheet: list[Sent] = []
        self._lines: list[Wire | None] = [None] * lines
        self._stopped = threading.Event()
        self._closing = threading.Lock()  # nothing is begun once it is closed
        self._pool = ThreadPoolExecutor(lines, thread_name_prefix="sandbox-hospital")

    def send(self, messages: Sequence[Message]) -> list[Sent]:
        """Sends these, in order within each line, and returns when all are answered.

        A message without an answer is sent again on a new connection, byte for byte the same;
        so sending all of these again after NoAnswer is safe.
        Raises NoAnswer after `patience` seconds of that. Ends early, without error, on `close`.
        """
        queues = [[m for m in messages if m.line % len(self._lines) == n] for n in self._range()]
        with self._closing:
            if self._stopped.is_set():
                return []
            done = [self._pool.submit(self._send_line, n, queue) for n, queue in enumerate(queues)]
        wait(done)  # no line may still be talking when the caller hears of another's failure
        return [sent for future in done for sent in future.result()]

    def surprises(self) -> list[Sent]:
        """Lines of the sheet whose answer was not the one due."""
        return [sent for sent in self.sheet if not sent.as_expected]

    def close(self) -> None:
        """Ends all connections; a `send` under way returns what was answered so far."""
        with self._closing:
            self._stopped.set()
        for number in self._range():
            self._hang_up(number)
        self._pool.shutdown(wait=True)

    def _range(self) -> Iterable[int]:
        return range(len(self._lines))

    def _send_line(self, number: int, queue: Sequence[Message]) -> list[Sent]:
        answered: list[Sent] = []
        for message in queue:
            if self._stopped.is_set():
                break
            sent = self._until_answered(number, message)
            if sent:
                answered.append(sent)
                self.sheet.append(sent)
        return answered

    def _until_answered(self, number: int, message: Message) -> Sent | None:
        """Asks until there is an answer; None when the hospital closes meanwhile."""
        began, attempts, pause = self.now(), 0, PAUSE_FIRST
        while not self._stopped.is_set():
            attempts += 1
            try:
                return _line(message, self._exchange(number, message.body), attempts)
            except OSError as error:
                self._hang_up(number)
                if self.now() - began > self.patience and not self._stopped.is_set():
                    host, port = self.address
                    raise NoAnswer(
                        f"no answer from {host}:{port} to {message.control_id or 'a message'} in "
                        f"{attempts} attempts over {self.patience:g} s; is the hub listening "
                        f"there? ({error})"
                    ) from error
            self._stopped.wait(pause)
            pause = min(pause * 2, PAUSE_LONGEST)
        return None

    def _exchange(self, number: int, body: bytes) -> bytes:
        wire = self._lines[number]
        if wire is None:
            connection = socket.create_connection(self.address, timeout=self.timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = self._lines[number] = Wire(connection)
        wire.send(body)
        answer = wire.receive()
        if not answer:
            raise ConnectionError("the connection was closed instead of an answer")
        return answer

    def _hang_up(self, number: int) -> None:
        wire, self._lines[number] = self._lines[number], None
        if wire:
            wire.close()


def _line(message: Message, answer: bytes, attempts: int) -> Sent:
    """What an acknowledgement says, whatever its line ends."""
    segments = [part.split(b"|") for part in answer.replace(b"\n", b"\r").split(b"\r")]
    msa = next((parts for parts in segments if parts[0] == b"MSA"), [])
    err = next((parts for parts in segments if parts[0] == b"ERR"), [])
    return Sent(
        control_id=message.control_id, expect=message.expect, why=message.why, body=message.body,
        answer=_text(msa, 1), echo=_text(msa, 2), code=_text(err, 3).split("^")[0],
        attempts=attempts,
    )  # fmt: skip


def _text(parts: Sequence[bytes], place: int) -> str:
    return parts[place].decode("utf-8", "replace").strip() if place < len(parts) else ""
