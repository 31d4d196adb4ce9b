"""MLLP framing (HL7 v2 transport, release 1): 0x0B, the message, 0x1C 0x0D."""

from __future__ import annotations

START = b"\x0b"
END = b"\x1c\x0d"
MOST_JUNK = 1024  # bytes outside a frame before we stop believing that this is MLLP


class FrameFault(Exception):
    """The bytes are no MLLP, or too many of them: the connection must be closed, unanswered."""


class Frames:
    """Cuts a stream of bytes into messages.

    `partial` says whether a frame has begun and not ended. A new 0x0B inside a frame begins the
    message again: the sender gave up the first, which nobody acknowledged.
    """

    __slots__ = ("_buffer", "_junk", "_limit", "partial")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._junk = 0
        self.partial = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes, in order. Raises FrameFault for bytes outside
        frames past 1 KiB and for a frame past the limit; nothing past it was kept."""
        end = len(data) - 2
        if not self.partial and data[:1] == START and 0 < end == data.find(END):
            body = data[1:end]
            if START not in body and len(body) <= self._limit:
                self._junk = 0
                return [body]
        return self._cut(data)

    def _cut(self, data: bytes) -> list[bytes]:
        found: list[bytes] = []
        position = 0
        while position < len(data):
            if not self.partial:
                position = self._open(data, position)
                continue
            end = self._end(data, position)
            if end < 0:
                self._keep(data[position:])
                break
            self._keep(data[position:end])
            found.append(self._close())
            position = end
        return found

    def _open(self, data: bytes, position: int) -> int:
        start = data.find(START, position)
        self._junk += (start if start >= 0 else len(data)) - position
        if self._junk > MOST_JUNK:
            raise FrameFault(f"more than {MOST_JUNK} bytes outside a frame, expected 0x0B")
        if start < 0:
            return len(data)
        self.partial = True
        return start + 1

    def _end(self, data: bytes, position: int) -> int:
        """The place in `data` after the frame's end; -1 when it does not end here."""
        if data[position : position + 1] == END[1:] and self._buffer[-1:] == END[:1]:
            return position + 1
        end = data.find(END, position)
        return end + 2 if end >= 0 else -1

    def _keep(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > self._limit + len(END):
            raise FrameFault(f"a frame of more than {self._limit} bytes")

    def _close(self) -> bytes:
        body = bytes(self._buffer[:-2])
        self._buffer.clear()
        self._junk = 0
        self.partial = False
        again = body.rfind(START)
        return body if again < 0 else body[again + 1 :]


def framed(message: bytes) -> bytes:
    """`message` as one frame."""
    return START + message + END
