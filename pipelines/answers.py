"""Tells senders that asked for it what became of their messages once those are settled.

HL7 v2's enhanced acknowledgement has two halves: the listener says at once that a message is
stored; this says, later and as a message of its own, whether it was taken. Where reading stands
is kept with every answer, so that a restart loses none; one that is sent twice has the same id.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson
import structlog

from connectors.errors import Misconfigured, TryLater
from connectors.protocol import Answers, Pushes
from connectors.record import Delivery, Receipt
from hub.clock import from_micros
from hub.database import Row, Session
from hub.seal import Keyring
from pipelines import bodies, tables
from pipelines.journal import ANSWER, FAULT, REUSED
from pipelines.writer import Writer

log = structlog.get_logger("answers")

BATCH = 50
LONGEST = 900.0  # seconds between two tries
FEWEST, OLDEST = 8, 7 * 86_400_000_000  # gives up after so many tries, when so old (microseconds)
_MOST_OPEN = 1000  # messages that wait behind others of their lane; beyond, the oldest are let go
_HELP = 300.0  # seconds until a connection that a person must mend is tried again
_SECOND = 1_000_000
NO_TARGET = "senders want application answers, and it has no target to send them to"
_COLUMNS = "seq, part, connection, key, received_at, flags, body"
# table 0357, by the rule that a message broke: the first word of its outcome's reason
_FAULTS = {
    "no-key": "101", "no-retired-number": "101", "unpaired-merge": "101",
    "wrong-shape": "102", "unreadable-hl7": "102", "unreadable-date": "102",
    "unreadable-decimal": "102", "unreadable-integer": "102", "unreadable-flag": "102",
    "unmapped-code": "103", "unknown-identifier-type": "103",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What answering works with. `hub` and `journal` are only read."""

    hub: Session
    journal: Session
    writer: Writer
    keyring: Keyring
    clock: Callable[[], int]
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class Place:
    """Up to where each partition was looked at, and which messages before that are still owed an
    answer: not settled yet, or not sent yet."""

    upto: dict[int, int] = field(default_factory=dict)
    owed: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Answerer:
    """The answers that one connection's senders want, in the order of their messages. `target` is
    false where nothing says where to send them: they are passed over then, and that is said."""

    desk: Desk
    connection: str
    connector: Answers
    paused: Callable[[], bool] = lambda: False
    target: bool = True
    trouble: str = ""
    place: Place | None = None
    tries: int = 0
    not_before: int = 0

    def step(self) -> bool:
        """Answers what settling has passed since. False: nothing to do now."""
        now = self.desk.clock()
        if self.paused() or now < self.not_before:
            return False
        place = self.place = self.place or self._stored()
        rows = self._rows(place)
        if not rows:
            return False
        states = self._states(rows)
        waiting = [row[0] for row in rows if states.get(row[0], ("", ""))[0] in _UNSETTLED]
        said = list(self._said([r for r in rows if r[0] not in set(waiting)], states, now))
        left = self._send(said, now)
        place.owed = sorted([*waiting[-_MOST_OPEN:], *left])
        if len(waiting) > _MOST_OPEN:
            count = len(waiting) - _MOST_OPEN
            log.warning("not answered: unsettled", connection=self.connection, messages=count)
        self.desk.writer.keep([], [], [self._keep(place)])
        return bool(said) and not left

    # -- what is owed

    def _rows(self, place: Place) -> list[Row]:
        """Messages that want an answer: those still owed one, then new ones that settling has
        passed. No new ones while a batch could not be sent."""
        journal = self.desk.journal
        owed = f"select {_COLUMNS} from message where seq in {{members}} order by seq"
        rows = journal.among(owed, place.owed)
        if self.tries:
            return rows
        for part, upto in self.desk.hub.all("select part, upto from progress order by part"):
            since = place.upto.get(part, 0)
            if upto <= since:
                continue
            news = journal.all(
                f"select {_COLUMNS} from message where connection = ? and (flags & {ANSWER}) <> 0 "
                "and part = ? and seq > ? and seq <= ? order by seq limit ?",
                (self.connection, part, since, upto, BATCH),
            )
            place.upto[part] = news[-1][0] if len(news) == BATCH else upto
            rows += news
        return sorted(rows)

    def _states(self, rows: Sequence[Row]) -> dict[int, tuple[str, str]]:
        found = self.desk.hub.among(
            "select seq, state, reason from outcome where seq in {members}",
            [row[0] for row in rows],
        )
        return {seq: (state, reason) for seq, state, reason in found}

    def _said(
        self, rows: Sequence[Row], states: dict[int, tuple[str, str]], now: int
    ) -> Iterator[tuple[int, Delivery]]:
        for seq, _, connection, key, received_at, flags, cell in rows:
            if flags & (FAULT | REUSED) or not cell:
                continue  # was refused at once, and told so; or there is nothing left to answer
            if self.tries >= FEWEST and now - received_at > OLDEST:
                log.error("gave up answering", connection=connection, seq=seq)
                continue
            state, reason = states.get(seq, ("", ""))
            place = bodies.place_of(connection, key)
            said = self.connector.answer(
                bodies.unpack(self.desk.keyring, bytes(cell), place),
                id=f"A{seq}",
                fault=_fault(reason) if state in _REFUSED else "",
                now=from_micros(now),
            )
            if said is not None:
                yield seq, said

    # -- sending

    def _send(self, said: Sequence[tuple[int, Delivery]], now: int) -> list[int]:
        """Sends answers; which of these messages are still owed one."""
        if not said:
            return []
        if not self.target:
            self._complain(NO_TARGET, log.warning)  # a setting is missing; nothing has failed
            return []
        receipts = self._push([delivery for _, delivery in said])
        left = [
            seq
            for (seq, _), receipt in zip(said, receipts, strict=True)
            if receipt.outcome in ("later", "unknown")
        ]
        for (seq, _), receipt in zip(said, receipts, strict=True):
            if receipt.outcome == "refused":
                log.warning("answer refused", connection=self.connection, seq=seq,
                            detail=receipt.detail)  # fmt: skip
        self._pace(max((r.retry_after for r in receipts), default=0.0), now, failed=bool(left))
        return left

    def _push(self, said: Sequence[Delivery]) -> list[Receipt]:
        assert isinstance(self.connector, Pushes)  # noqa: S101 - what has a target pushes
        try:
            given = {receipt.id: receipt for receipt in self.connector.push(said)}
            self.trouble = ""
        except TryLater as error:
            return _all_later(said, error.after, str(error))
        except Misconfigured as error:
            self._complain(str(error))
            return _all_later(said, _HELP, str(error))
        return [given.get(one.id, Receipt(id=one.id, outcome="unknown")) for one in said]

    def _pace(self, after: float, now: int, *, failed: bool) -> None:
        """After a failure waits a time drawn between nothing and what doubles with each try."""
        self.tries = self.tries + 1 if failed else 0
        if failed:
            most = min(LONGEST, 2.0 ** min(self.tries, 20))
            wait = max(after, 1.0, most * self.desk.chance())
            self.not_before = now + int(wait * _SECOND)

    def _complain(self, why: str, say: Callable[..., None] = log.error) -> None:
        if self.trouble != why:
            say("cannot answer", connection=self.connection, reason=why)
        self.trouble = why

    # -- where it stands

    def _stored(self) -> Place:
        row = self.desk.journal.one(
            "select upto from consumer where pipeline = ?", (consumer(self.connection),)
        )
        if row is None:
            return Place()
        said = orjson.loads(row[0])
        return Place({int(part): seq for part, seq in said["upto"].items()}, said["owed"])

    def _keep(self, place: Place) -> Callable[[Session], None]:
        upto = {str(part): seq for part, seq in sorted(place.upto.items())}
        said = orjson.dumps({"upto": upto, "owed": place.owed}).decode()
        row = (consumer(self.connection), said, 0)

        def do(session: Session) -> None:
            columns = ("pipeline", "upto", "turn")
            session.upsert(tables.consumer, columns, [row], ("pipeline",))

        return do


_UNSETTLED = ("ready", "behind")
_REFUSED = ("parked", "blocking")


def consumer(connection: str) -> str:
    """The name under which a connection's answers keep their place."""
    name = f"answers:{connection}"
    return name if len(name) <= 80 else f"answers:{hashlib.sha256(connection.encode()).hexdigest()}"


def _fault(reason: str) -> str:
    """A code of HL7 table 0357; 207 (application error) for what is not about the message."""
    return _FAULTS.get(reason.partition(" ")[0], "207")


def _all_later(said: Sequence[Delivery], after: float, why: str) -> list[Receipt]:
    return [Receipt(id=d.id, outcome="later", detail=why, retry_after=after) for d in said]
