"""A hospital system that takes HL7 messages from the hub: acknowledges and records them."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from crohub.sandbox.er7 import stamp
from crohub.sandbox.mllp import Wire, header


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came, and what it was answered ("" = nothing)."""

    control_id: str
    kind: str  # MSH-9
    body: bytes
    answer: str


Answer = Callable[[bytes], str]


def accept_all(_body: bytes) -> str:
    """The ordinary answer: AA."""
    return "AA"


class Sink:
    """Listens on 127.0.0.1 on a free port between `start` and `stop`.

    `answer` decides on AA, AE or AR for each message; "" leaves it unanswered and hangs up.
    The same control id twice is recorded twice: a sender's repetitions are there to be seen.
    """

    def __init__(self, now: Callable[[], datetime], answer: Answer = accept_all) -> None:
        self.now, self.answer = now, answer
        self.received: list[Received] = []
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; only between `start` and `stop`."""
        if self._server is None:
            raise RuntimeError("the HL7 sink is not running; call start() first")
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Binds and serves; the port is open when this returns."""
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox-sink"
        )
        self._thread.start()

    def stop(self) -> None:
        """Closes the listener and every connection."""
        if self._server and self._thread:
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._thread.join()
        self._server = self._thread = None

    def take(self, body: bytes) -> bytes:
        """Records a message and returns its acknowledgement, b"" for none."""
        answer = self.answer(body)
        control_id, kind = header(body, 10), header(body, 9)
        self.received.append(Received(control_id, kind, body, answer))
        return _ack(body, answer, self.now()) if answer else b""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False  # stop() waits for them
    allow_reuse_address = True

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.wires: set[Wire] = set()
        super().__init__(("127.0.0.1", 0), _Connection)

    def hang_up(self) -> None:
        for wire in list(self.wires):
            wire.close()


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        wire = Wire(self.request)
        self.server.wires.add(wire)
        try:
            while (body := wire.receive()) and (ack := self.server.sink.take(body)):
                wire.send(ack)
        except OSError:
            pass  # the sender hung up; it will say the message again
        finally:
            self.server.wires.discard(wire)


def _ack(body: bytes, answer: str, at: datetime) -> bytes:
    trigger = header(body, 9).split("^")[1:2]
    kind = "^".join(["ACK", *trigger, "ACK"]) if trigger else "ACK"
    back = (header(body, place) for place in (5, 6, 3, 4))
    sender, facility, receiver, place = back
    control_id = header(body, 10)
    lines = (
        f"MSH|^~\\&|{sender}|{facility}|{receiver}|{place}|{stamp(at)}||{kind}|A{control_id}|P|2.5.1",
        f"MSA|{answer}|{control_id}",
    )
    return "".join(line + "\r" for line in lines).encode()
