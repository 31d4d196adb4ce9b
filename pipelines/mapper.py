"""Understands messages in processes of their own, with limits of time and memory.

Whatever a message does to its reader (a parser that hangs, grows or dies), only that message is
parked: the process is ended, a new one takes the batch message by message. In go sealed bodies,
out comes JSON; nothing is pickled.
"""

from __future__ import annotations

import multiprocessing as mp
import struct
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import orjson

from hub.prepare import understood
from pipelines import mapwork
from pipelines.work import Mapped, Work

BATCH = 64  # messages a round trip: more gains nothing, fewer costs
_STARTING = 20.0  # seconds a new process may take on top


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one message may cost a mapping process."""

    seconds: float = 10.0
    megabytes: int = 2048


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    fresh: bool = True


class Mapper:
    """Mapping processes, started at the first work. Each is spoken to by a thread of its own,
    which sends a batch only when the one before is answered: neither side ever waits to be read
    while it writes."""

    def __init__(
        self, *, keys: Path, revisions: Path, size: int = 1, limits: Limits | None = None
    ) -> None:
        self._arguments = (str(keys), str(revisions))
        self._limits = limits or Limits()
        self._own = threading.local()
        self._all: list[_Worker] = []
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="mapping")

    def submit(self, works: Sequence[Work]) -> list[Future[list[bytes]]]:
        """Hands work over; the futures are given to `collect`, in this order."""
        parts = [works[start : start + BATCH] for start in range(0, len(works), BATCH)]
        return [self._threads.submit(self._map, part, pack(part)) for part in parts]

    @staticmethod
    def collect(waiting: Sequence[Future[list[bytes]]]) -> list[Mapped]:
        """Waits for the answers, in the order of the work. They are read here: a thread that did
        it would wait for its turn while its process has nothing to do."""
        return [one for future in waiting for answer in future.result() for one in unpack(answer)]

    def stop(self) -> None:
        """Ends the processes; what they were doing is still in the journal."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.process.kill()
        self._threads.shutdown(wait=True)
        for worker in self._all:
            _end(worker)

    def _map(self, works: Sequence[Work], packed: bytes) -> list[bytes]:
        """In a worker's thread: one batch there and back."""
        worker: _Worker = getattr(self._own, "worker", None) or self._start()
        self._own.worker = worker
        try:
            return [self._ask(worker, packed, self._limits.seconds * max(1, len(works) / 8))]
        except (EOFError, OSError):  # TimeoutError is an OSError
            self._own.worker = None
            self._drop(worker)
        return [self._alone(work) for work in works]

    def _ask(self, worker: _Worker, packed: bytes, seconds: float) -> bytes:
        worker.pipe.send_bytes(packed)
        if not worker.pipe.poll(seconds + (_STARTING if worker.fresh else 0)):
            raise TimeoutError
        worker.fresh = False
        return worker.pipe.recv_bytes()

    def _alone(self, work: Work) -> bytes:
        """The process hung or died over a batch: each of its messages gets one to itself until
        the guilty one is found, which costs only that message."""
        worker: _Worker = getattr(self._own, "worker", None) or self._start()
        self._own.worker = worker
        try:
            return self._ask(worker, pack([work]), self._limits.seconds)
        except TimeoutError:
            fault = f"not understood within {self._limits.seconds:g} s"
        except (EOFError, OSError):
            fault = "the mapping process died over it (memory limit or crash)"
        self._own.worker = None
        self._drop(worker)
        return orjson.dumps([{"fault": fault}])

    def _start(self) -> _Worker:
        context = mp.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=mapwork.main,
            args=(theirs, *self._arguments, self._limits.megabytes),
            name="mapping",
            daemon=True,
        )
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._all.append(worker)
        return worker

    def _drop(self, worker: _Worker) -> None:
        self._all.remove(worker)
        _end(worker)


def pack(works: Sequence[Work]) -> bytes:
    """Work as bytes: length of a JSON head, the head, the sealed bodies one behind the other."""
    head = orjson.dumps(
        [
            [
                work.seq, work.connection, work.stream, work.key, work.at, work.media, work.flags,
                work.pipeline, work.revision, len(work.body),
            ]
            for work in works
        ]
    )  # fmt: skip
    return b"".join((struct.pack("<I", len(head)), head, *(work.body for work in works)))


def unpack(answer: bytes) -> list[Mapped]:
    """What the mapping process said of each message."""
    return [_mapped(one) for one in orjson.loads(answer)]


def _mapped(one: dict[str, Any]) -> Mapped:
    if "fault" in one:
        return Mapped(fault=one["fault"], place=one.get("place", ""))
    return Mapped(meaning=understood(one["meaning"]), read=one["read"])


def _end(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()
