"""Inside a mapping process: opens sealed bodies, maps them, answers in JSON. Pure but for that."""

from __future__ import annotations

import resource
import signal
import struct
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson

from hub import seal
from hub.clock import from_micros
from hub.prepare import prepared
from pipelines import bodies
from pipelines.journal import GONE, INSTEAD, UNTIMED
from pipelines.understand import NotUnderstood, Raw, Readers

_MEGABYTE = 1 << 20


def main(pipe: Connection, keys: str, revisions: str, megabytes: int) -> None:
    """Answers batches until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to answer
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * _MEGABYTE, megabytes * _MEGABYTE))
    keyring = seal.load(Path(keys))
    readers = Readers(Path(revisions))
    while True:
        try:
            batch = pipe.recv_bytes()
        except EOFError:
            return
        answers = [_answer(keyring, readers, head, body) for head, body in split(batch)]
        pipe.send_bytes(b"[" + b",".join(answers) + b"]")


def split(batch: bytes) -> Iterator[tuple[list[Any], bytes]]:
    """The head and the sealed body of each message in a batch."""
    (length,) = struct.unpack_from("<I", batch)
    start = 4 + length
    for head in orjson.loads(batch[4:start]):
        yield head, batch[start : start + head[-1]]
        start += head[-1]


def _answer(keyring: seal.Keyring, readers: Readers, head: list[Any], cell: bytes) -> bytes:
    seq, connection, stream, key, at, media, flags, pipeline, revision, _ = head
    try:
        body = bodies.unpack(keyring, cell, bodies.place_of(connection, key))
        record = Raw(
            seq=seq,
            connection=connection,
            stream=stream,
            key=key,
            at=from_micros(at),
            body=body,
            media=media,
            gone=bool(flags & GONE),
            doubtful=bool(flags & (INSTEAD | UNTIMED)),
        )
        meaning, read = readers.understand(revision, pipeline, record)
        system = readers.system(revision, connection)
        return orjson.dumps({"read": read, "meaning": prepared(keyring, system, meaning)})
    except NotUnderstood as error:
        return orjson.dumps({"fault": str(error), "place": error.place})
    except MemoryError:
        return orjson.dumps({"fault": "more memory than a message may take"})
    except Exception as error:  # noqa: BLE001 - a fault of a mapping parks its message, no more
        # the error's text may hold data of the message: only its kind leaves this process
        return orjson.dumps({"fault": f"mapping failed with {type(error).__name__}"})
