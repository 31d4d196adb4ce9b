"""What arrived, kept before anyone is answered: every message byte for byte, once.

`keep` stores a group in one transaction. Unique is (connection, key): the same again changes
nothing; the same key with another body is stored beside it and flagged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Table

from hub.database import Row, Session
from pipelines import tables

Also = Callable[[Session], None]  # what else belongs into a commit
Insert = Callable[[Table, Sequence[str], Sequence[Row]], None]
GONE, TEST, FAULT, REUSED, UNREAD, ANSWER = 1, 2, 4, 8, 16, 32
# its own time is unreadable: another place of it gave `at`, or nothing but its arrival did
INSTEAD, UNTIMED = 64, 128
COLUMNS = tuple(str(column.name) for column in tables.message.columns)


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for every message, twice as fast
class Entry:
    """One message ready to be stored; `body` is packed and sealed."""

    connection: str
    stream: str
    key: str
    hash: bytes
    lane: bytes
    part: int
    arrival: int
    at: int
    received_at: int
    media: str
    flags: int
    pipeline: str
    revision: int
    remark: str | None
    body: bytes
    reuse: Literal["park", "accept"] = "park"  # of a key with another body
    control: str | None = None  # the control id of an HL7 message


@dataclass(slots=True)  # as above
class Kept:
    """What became of one entry: its number, and whether it had been there (`again`) or its key
    was in use for another body (`reused`)."""

    seq: int
    again: bool = False
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a pull may resume."""

    connection: str
    stream: str
    position: str
    moved_at: int


@dataclass(slots=True)
class Journal:
    """The journal of one writer on an open session."""

    session: Session
    last: int = -1
    integrity: tuple[type[Exception], ...] = field(init=False)

    def __post_init__(self) -> None:
        self.integrity = integrity_errors(self.session)

    def keep(
        self,
        entries: Sequence[Entry],
        positions: Sequence[Position] = (),
        also: Sequence[Also] = (),
    ) -> list[Kept]:
        """Stores entries in order, moves cursors and does `also` in one commit; nothing when it
        raises."""
        try:
            if not (positions or also) and self.session.dialect == "sqlite":
                return self._insert(entries, self.session.insert_alone)
            with self.session.transaction():
                kept = self._insert(entries, self.session.insert)
                self._rest(positions, also)
                return kept
        except self.integrity:
            self.last = -1
        except BaseException:
            self.last = -1
            raise
        # a key is known: look each one up (rare: senders repeat only after a broken connection)
        try:
            with self.session.transaction():
                kept = [self._keep_one(entry) for entry in entries]
                self._rest(positions, also)
                return kept
        except BaseException:
            self.last = -1
            raise

    def _rest(self, positions: Sequence[Position], also: Sequence[Also]) -> None:
        self._move(positions)
        for do in also:
            do(self.session)

    def _insert(self, entries: Sequence[Entry], insert: Insert) -> list[Kept]:
        numbers = self._numbers(entries)
        rows = [_row(seq, entry) for seq, entry in zip(numbers, entries, strict=True)]
        insert(tables.message, COLUMNS, rows)
        return [Kept(seq) for seq in numbers]

    def _keep_one(self, entry: Entry) -> Kept:
        known = self._known(entry.connection, entry.key)
        if known is None:
            return self._insert([entry], self.session.insert)[0]
        if known[1] == entry.hash:
            return Kept(known[0], again=True)
        beside = replace(
            entry,
            key=f"{entry.key}#{entry.hash.hex()[:16]}",
            flags=entry.flags | (REUSED if entry.reuse == "park" else 0),
        )
        stored = self._known(beside.connection, beside.key)
        reused = entry.reuse == "park"
        if stored:
            return Kept(stored[0], again=True, reused=reused)
        return replace(self._insert([beside], self.session.insert)[0], reused=reused)

    def _known(self, connection: str, key: str) -> tuple[int, bytes] | None:
        row = self.session.one(
            "select seq, hash from message where connection = ? and key = ?", (connection, key)
        )
        return (row[0], bytes(row[1])) if row else None

    def _numbers(self, entries: Sequence[Entry]) -> Sequence[int]:
        session = self.session
        if session.dialect == "postgresql":
            parts = sorted({entry.part for entry in entries})
            session.all(
                "select 1 from partition where part = any(?) order by part for update", (parts,)
            )
            rows = session.all(
                "select nextval('message_seq') from generate_series(1, ?)", (len(entries),)
            )
            return [row[0] for row in rows]
        if self.last < 0:
            row = session.one("select coalesce(max(seq), 0) from message")
            self.last = row[0] if row else 0
        first = self.last + 1
        self.last += len(entries)
        return range(first, self.last + 1)

    def _move(self, positions: Sequence[Position]) -> None:
        # several groups of one commit may move one cursor: the last counts
        last = {(p.connection, p.stream): p for p in positions}
        rows = [(*key, p.position, p.moved_at) for key, p in last.items()]
        columns = ("connection", "stream", "position", "moved_at")
        self.session.upsert(tables.cursor, columns, rows, ("connection", "stream"))


def integrity_errors(session: Session) -> tuple[type[Exception], ...]:
    """What the driver raises when a unique key is taken."""
    if session.dialect == "sqlite":
        return (sqlite3.IntegrityError,)
    import psycopg

    return (psycopg.errors.UniqueViolation,)


def position_of(session: Session, connection: str, stream: str) -> str:
    """Where a pull may resume; "" at the beginning."""
    row = session.one(
        "select position from cursor where connection = ? and stream = ?", (connection, stream)
    )
    return str(row[0]) if row else ""


def _row(seq: int, entry: Entry) -> Row:
    values: tuple[Any, ...] = (
        seq, entry.part, entry.connection, entry.stream, entry.key, entry.hash, entry.lane,
        entry.arrival, entry.at, entry.received_at, entry.media, entry.flags, entry.pipeline,
        entry.revision, entry.remark, entry.body, entry.control,
    )  # fmt: skip
    return values
