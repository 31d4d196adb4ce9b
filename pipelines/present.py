"""Which things a source's list had when it was last read, so that what is missing is noticed.

A source without a feed of deletes is known by its lists alone. Each thing of a list that is read
whole has a row in `present`, which moves in the commit that stores what was said of it. What was
seen in one reading is noted beside, in a file of its own that nobody needs after it: a reading
that breaks off leaves no trace, and nothing is gone because of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from connectors.record import Record
from hub.clock import from_micros
from hub.database import Session
from hub.seal import Keyring
from pipelines import bodies, tables
from pipelines.journal import Also

_COLUMNS = ("connection", "stream", "digest", "said", "turn", "gone", "moved_at")
_KEYS = ("connection", "stream", "digest")
_AT_ONCE = 250
TWICE = "CROHUB-LIST-TWICE: the list has this id twice, with other content; the first counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """How much of a list may be missing at once before a person is asked: a share of it, where
    that is `fewest` things or more. `accepted`: a person has said that it is right."""

    limit: float = 0.1
    fewest: int = 3
    accepted: bool = False

    def asks(self, roll: Roll, missing: int) -> bool:
        """An empty list in the place of a full one is always asked about."""
        if self.accepted or not missing:
            return False
        many = missing >= self.fewest and missing > self.limit * roll.known
        return many or not roll.read


@dataclass(frozen=True, slots=True)
class Thing:
    """What was last said of one thing. `turn` counts what came after the first, so that content
    that comes back is news: `key` is that of its message in the journal."""

    digest: bytes
    said: str
    turn: int = 0
    gone: bool = False

    @property
    def key(self) -> str:
        return f"{self.said}~{self.turn}" if self.turn else self.said


@dataclass(slots=True)
class Seen:
    """The things of one reading, on disk: as many as there are, in little memory."""

    _raw: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(""))

    def __post_init__(self) -> None:
        self._raw.execute("create table seen (digest blob primary key) without rowid")

    def first(self, digest: bytes) -> bool:
        """Notes a thing. Is it here for the first time?"""
        return self._raw.execute("insert or ignore into seen values (?)", (digest,)).rowcount > 0

    def has(self, digest: bytes) -> bool:
        found = self._raw.execute("select 1 from seen where digest = ?", (digest,)).fetchone()
        return found is not None

    def close(self) -> None:
        self._raw.close()


@dataclass(slots=True)
class Roll:
    """One reading of one list. `known` is how many things it had before; `sound`: every element
    has said which thing it is; `again`: the list is looked at a second time, for what a list that
    shifted between two pages had hidden."""

    journal: Session
    keyring: Keyring
    connection: str
    stream: str
    clock: Callable[[], int]
    began: int = field(init=False)
    known: int = field(init=False)
    read: int = 0
    sound: bool = True
    again: bool = False
    _seen: Seen = field(default_factory=Seen)

    def __post_init__(self) -> None:
        self.began = self.clock()
        row = self.journal.one(
            "select count(*) from present where connection = ? and stream = ? and gone = 0",
            self._list,
        )
        self.known = int(row[0]) if row else 0

    def take(self, page: Sequence[Record]) -> tuple[list[Record], Also]:
        """What of a page is news, and the rows to move in the commit that stores it. What is
        unchanged costs a look by index."""
        digests = [self._digest(record) for record in page]
        things = self._things([digest for digest in digests if digest])
        fresh: list[Record] = []
        moved: dict[bytes, Thing] = {}
        for record, digest in zip(page, digests, strict=True):
            self.read += 1
            news, thing = self._news(record, digest, things)
            fresh += [news] if news else []
            if thing:
                things[thing.digest] = moved[thing.digest] = thing
        return fresh, self._put(list(moved.values()))

    def _news(
        self, record: Record, digest: bytes, things: dict[bytes, Thing]
    ) -> tuple[Record | None, Thing | None]:
        if not digest:
            self.sound = False
            return record, None
        first, known = self._seen.first(digest), things.get(digest)
        if record.fault:  # it is there, whatever it says
            return record, None
        if known is None:
            return record, Thing(digest, record.message_key)
        if known.said == record.message_key and not known.gone:
            return None, None
        if not first:
            return None if self.again else replace(record, fault=TWICE), None
        thing = Thing(digest, record.message_key, known.turn + 1)
        at = max(record.at, from_micros(self._told_at(known) + 1)) if known.gone else record.at
        return replace(record, message_key=thing.key, at=at), thing

    def missing(self) -> int:
        """How many things were not in the list."""
        return sum(len(some) for some in self._absent())

    def leave(self) -> Iterator[tuple[list[Record], Also]]:
        """What is missing, as records that say so, with the rows to move when they are stored.

        A body is the last that was said, for the mapping finds the key in it. Where that was
        erased, nobody keeps anything of the thing, and nothing is said."""
        for some in self._absent():
            left = [replace(thing, turn=thing.turn + 1, gone=True) for thing in some]
            yield list(self._farewells(some)), self._put(left)

    def close(self) -> None:
        """Forgets what was seen."""
        self._seen.close()

    def _absent(self) -> Iterator[list[Thing]]:
        """Not those that another run has moved since this one began: it may know more."""
        last = b""
        while rows := self.journal.all(
            "select digest, said, turn from present where connection = ? and stream = ? "
            "and digest > ? and gone = 0 and moved_at < ? order by digest limit ?",
            (*self._list, last, self.began, _AT_ONCE),
        ):
            last = bytes(rows[-1][0])
            things = [Thing(bytes(digest), said, turn) for digest, said, turn in rows]
            yield [thing for thing in things if not self._seen.has(thing.digest)]

    def _farewells(self, things: Sequence[Thing]) -> Iterator[Record]:
        rows = self.journal.among(
            "select key, at, media, body from message where connection = ? and key in {members}",
            [thing.key for thing in things],
            (self.connection,),
        )
        found = {key: (at, media, cell) for key, at, media, cell in rows}
        for thing in things:
            at, media, cell = found.get(thing.key, (0, "", b""))
            place = bodies.place_of(self.connection, thing.key)
            body = bodies.unpack(self.keyring, bytes(cell), place)
            if body:
                yield Record(
                    stream=self.stream,
                    message_key=f"{thing.said}~{thing.turn + 1}",
                    at=from_micros(max(self.began, at + 1)),
                    body=body,
                    media=media,
                    said="gone",
                )

    def _things(self, digests: Sequence[bytes]) -> dict[bytes, Thing]:
        rows = self.journal.among(
            "select digest, said, turn, gone from present where connection = ? and stream = ? "
            "and digest in {members}",
            digests,
            self._list,
        )
        things = (Thing(bytes(row[0]), row[1], row[2], bool(row[3])) for row in rows)
        return {thing.digest: thing for thing in things}

    def _told_at(self, thing: Thing) -> int:
        row = self.journal.one(
            "select at from message where connection = ? and key = ?", (self.connection, thing.key)
        )
        return int(row[0]) if row else 0

    def _put(self, things: Sequence[Thing]) -> Also:
        moved_at = self.clock()
        rows = [
            (*self._list, one.digest, one.said, one.turn, int(one.gone), moved_at) for one in things
        ]

        def do(session: Session) -> None:
            session.upsert(tables.present, _COLUMNS, rows, _KEYS)

        return do

    def _digest(self, record: Record) -> bytes:
        if not record.of:
            return b""
        return self.keyring.digest(f"present|{self.connection}|{self.stream}|{record.of}")

    @property
    def _list(self) -> tuple[str, str]:
        return self.connection, self.stream
