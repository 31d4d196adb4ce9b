"""MLLP on a plain blocking socket: one frame out, one frame in (HL7 v2.5.1 appendix C)."""

from __future__ import annotations

import socket
from contextlib import suppress

START, END = b"\x0b", b"\x1c\r"
_LARGEST = 16 * 1024 * 1024


def framed(body: bytes) -> bytes:
    """A message between its start and end marks."""
    return START + body + END


class Wire:
    """One connection. Not for use by two threads at once."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._rest = b""

    def send(self, body: bytes) -> None:
        """Writes one frame; OSError when the other side is gone."""
        self.connection.sendall(framed(body))

    def receive(self) -> bytes:
        """The next frame's content; b"" when the other side closed between frames.

        Raises OSError (TimeoutError among them) when the connection breaks or goes quiet, or
        when what comes is no frame.
        """
        while END not in self._rest:
            more = self.connection.recv(65536)
            if not more:
                if self._rest.strip(b"\r\n"):
                    raise ConnectionError("the connection ended in the middle of a frame")
                return b""
            self._rest += more
            if len(self._rest) > _LARGEST:
                raise ConnectionError(f"no end of frame within {_LARGEST} bytes")
        frame, _, self._rest = self._rest.partition(END)
        junk, mark, body = frame.partition(START)
        if not mark:
            raise ConnectionError(f"{len(junk)} bytes without a start mark (0x0B)")
        return body

    def close(self) -> None:
        """Closes the socket; a thread waiting in `receive` wakes up."""
        with suppress(OSError):  # it was closed from the other side
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()


def header(body: bytes, number: int) -> str:
    """A field of the first segment by HL7 number, as text; "" when it is not there."""
    parts = body.split(b"\r", 1)[0].split(body[3:4] or b"|")
    return parts[number - 1].decode("utf-8", "replace") if number - 1 < len(parts) else ""
