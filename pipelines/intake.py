"""Turns records into journal entries: lane, flags, sealing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

import orjson

from connectors.api import Api
from connectors.protocol import Accept
from connectors.record import Record
from hub import spoken
from hub.clock import micros
from hub.seal import Keyring
from mappings.lane import compile_lane
from mappings.values import BadPath
from pipelines import bodies
from pipelines.counter import Counter
from pipelines.journal import (
    ANSWER,
    FAULT,
    GONE,
    INSTEAD,
    TEST,
    UNREAD,
    UNTIMED,
    Also,
    Entry,
    Kept,
    Position,
)
from pipelines.settings import Deployment
from pipelines.writer import Writer

Lane = Callable[[bytes, str], str | None]
_NO_REMARK = None
_DATED = {"said": 0, "instead": INSTEAD, "arrival": UNTIMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Which pipeline reads a stream, and how it computes the lane."""

    pipeline: str
    lane: Lane


def reader_of(deployment: Deployment, connection: str, stream: str) -> Reader | None:
    """The pipeline that reads a stream of a connection; None: nothing does. What is said in
    canonical words needs none."""
    if stream == spoken.STREAM and isinstance(deployment.connector(connection), Api):
        return Reader(pipeline=spoken.PIPELINE, lane=spoken.lane)
    name = deployment.pipeline_of(connection, stream)
    if not name:
        return None
    return Reader(pipeline=name, lane=_lane_of(deployment.inbound[name].lane))


def _lane_of(paths: Sequence[str]) -> Lane:
    """A lane for whatever medium comes: a stream may bring more than one."""

    @cache
    def of(media: str) -> Callable[[bytes], str | None]:
        try:
            return compile_lane(paths, media)
        except BadPath:  # `crohub check` has told: here, messages of this medium have no lane
            return lambda _body: None

    return lambda body, media: of(media)(body)


@dataclass(slots=True)
class Intake:
    """What the edge needs to accept records under one revision."""

    keyring: Keyring
    writer: Writer
    revision: int
    parts: int
    clock: Callable[[], int]
    reader_of: Callable[[str, str], Reader | None]  # (connection, stream)
    _readers: dict[tuple[str, str], Reader | None] = field(default_factory=dict)

    def accept(self, connection: str, arrival: int, *, reuse: str = "park") -> Accept:
        """The function a listener hands records to. Its future resolves after the commit."""
        make = partial(self.entries, connection, arrival, reuse=reuse)
        return Counter(writer=self.writer, loop=asyncio.get_running_loop(), make=make).accept

    def keep(
        self,
        connection: str,
        arrival: int,
        records: Iterable[Record],
        stream: str,
        position: str,
        also: Sequence[Also] = (),
    ) -> list[Kept]:
        """Stores a part of a pull and its cursor in one commit; waits until it is on disk."""
        entries = self.entries(connection, arrival, list(records))
        moved = Position(
            connection=connection, stream=stream, position=position, moved_at=self.clock()
        )
        return self.writer.keep(entries, [moved], also)

    def entry(self, connection: str, arrival: int, record: Record, *, reuse: str = "park") -> Entry:
        """A record as it is stored."""
        return self.entries(connection, arrival, [record], reuse=reuse)[0]

    def entries(
        self, connection: str, arrival: int, records: Sequence[Record], *, reuse: str = "park"
    ) -> list[Entry]:
        """Records as they are stored."""
        places = [bodies.place_of(connection, record.message_key) for record in records]
        sealed = bodies.pack_all(self.keyring, [record.body for record in records], places)
        return [
            self._entry(connection, arrival, record, body, reuse)
            for record, body in zip(records, sealed, strict=True)
        ]

    def _entry(
        self, connection: str, arrival: int, record: Record, sealed: bytes, reuse: str
    ) -> Entry:
        reader = self._reader(connection, record.stream)
        lane = self._lane(connection, record, reader)
        flags = (
            (GONE if record.said == "gone" else 0)
            | (TEST if record.test else 0)
            | (FAULT if record.fault else 0)
            | (0 if reader else UNREAD)
            | (ANSWER if record.answer else 0)
            | _DATED[record.dated]
        )
        return Entry(
            connection=connection,
            stream=record.stream,
            key=record.message_key,
            hash=hashlib.sha256(record.body).digest(),
            lane=lane,
            part=lane[0] % self.parts,
            arrival=arrival,
            at=micros(record.at),
            received_at=self.clock(),
            media=record.media,
            flags=flags,
            pipeline=reader.pipeline if reader else "",
            revision=self.revision,
            remark=_remark(record),
            body=sealed,
            reuse="accept" if reuse == "accept" else "park",
            control=_control(record),
        )

    def _reader(self, connection: str, stream: str) -> Reader | None:
        key = (connection, stream)
        if key not in self._readers:
            if len(self._readers) > 10_000:  # streams are names a sender may invent
                self._readers.clear()
            self._readers[key] = self.reader_of(connection, stream)
        return self._readers[key]

    def _lane(self, connection: str, record: Record, reader: Reader | None) -> bytes:
        value = reader.lane(record.body, record.media) if reader and not record.fault else None
        return lane_digest(self.keyring, value or f"{connection}|{record.message_key}")


def lane_digest(keyring: Keyring, value: str) -> bytes:
    """The blind index of a lane: what a message is searched by, too."""
    return keyring.digest(f"lane|{value}")


def _control(record: Record) -> str | None:
    """MSH-10, the third part of an HL7 message's key."""
    if record.media != "hl7v2":
        return None
    parts = record.message_key.split("|", 3)
    return (parts[2] or None) if len(parts) > 2 else None


def _remark(record: Record) -> str | None:
    if not (record.fault or record.notes):
        return _NO_REMARK
    said = {"fault": record.fault, "notes": list(record.notes)}
    return orjson.dumps(said).decode()
