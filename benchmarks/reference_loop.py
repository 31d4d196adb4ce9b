"""The bare loop that the listener is compared with: framing, a group commit, an answer.

It keeps the message and seven of its fields in SQLite (WAL, synchronous=FULL) and answers after
the commit; it knows no duplicates, lanes, seals, limits, or faults. `python -m
benchmarks.reference_loop FILE` prints its port and runs until it is ended.
"""

from __future__ import annotations

import asyncio
import collections
import sqlite3
import sys
import threading

import uvloop

START, END = b"\x0b", b"\x1c\r"
MOST = 1000  # messages a commit


def fields(message: str) -> tuple[str, ...]:
    """Seven fields, by splitting no more than is needed."""
    segments: dict[str, str] = {}
    for segment in message.split("\r"):
        segments.setdefault(segment[:3], segment)
    header, person = segments["MSH"].split("|", 11), segments["PID"].split("|", 9)
    name = person[5].split("^", 2)
    visit = segments["PV1"].split("|", 3)
    number = person[3].split("^", 1)[0]
    return (header[9], number, name[0], name[1], person[7], person[8], visit[2])


def acknowledgement(control_id: str) -> bytes:
    text = f"MSH|^~\\&|HUB|R|E|N|20260101||ACK|1|P|2.5.1\rMSA|AA|{control_id}\r"
    return START + text.encode() + END


class Keeper:
    """One thread that commits whatever waits and then has it answered."""

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        self._path, self._loop = path, loop
        self._waiting: collections.deque[tuple[tuple[str, ...], asyncio.Transport, bytes]]
        self._waiting = collections.deque()
        self._some = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def put(self, row: tuple[str, ...], transport: asyncio.Transport, answer: bytes) -> None:
        self._waiting.append((row, transport, answer))
        self._some.set()

    def _work(self) -> None:
        store = sqlite3.connect(self._path, isolation_level=None)
        store.execute("pragma journal_mode=wal")
        store.execute("pragma synchronous=full")
        store.execute("create table adt(id integer primary key, control, number, family, given, "
                      "born, sex, class, raw)")  # fmt: skip
        insert = "insert into adt(control, number, family, given, born, sex, class, raw) "
        insert += "values(?, ?, ?, ?, ?, ?, ?, ?)"
        while True:
            self._some.wait()
            self._some.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                store.execute("begin immediate")
                store.executemany(insert, [row for row, _, _ in batch])
                store.execute("commit")
                self._loop.call_soon_threadsafe(_answer, batch)


def _answer(batch: list[tuple[tuple[str, ...], asyncio.Transport, bytes]]) -> None:
    for _, transport, answer in batch:
        transport.write(answer)


class Line(asyncio.Protocol):
    """One sender."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper, self._buffer = keeper, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(END)) >= 0:
            message = self._buffer[1:end].decode()
            self._buffer = self._buffer[end + 2 :]
            found = fields(message)
            self._keeper.put((*found, message), self._transport, acknowledgement(found[0]))


async def serve(path: str) -> None:
    loop = asyncio.get_running_loop()
    keeper = Keeper(path, loop)
    server = await loop.create_server(lambda: Line(keeper), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
