"""Ends what is over: what may not be kept of people in no study, and overrides.

Three steps, each safe to repeat: an order `expire` takes held messages out of waiting; their
bodies are erased from the journal (the hash stays, and shows what had been there); an order
`erased` says so in the hub, so that they are not looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from hub.clock import iso
from hub.database import Session
from hub.matching import pairs
from hub.matching.settings import Matching
from hub.seal import Keyring
from pipelines import believing, orders
from pipelines.commands import EXPIRED_AT_ONCE
from pipelines.journal import Also
from pipelines.writer import Writer

log = structlog.get_logger("janitor")
EVERY = 3600  # seconds
_DAY = 86_400_000_000  # microseconds
_MOST_ORDERS = 20  # of one round; the next goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Janitor:
    """Held messages are kept for `days`. The stores are only read; what changes goes through the
    journal's writer, as orders or within its commits."""

    open_hub: Callable[[], Session]
    writer: Writer
    keyring: Keyring
    clock: Callable[[], int]
    days: int
    matching: Matching = field(default_factory=Matching)

    def tick(self) -> None:
        """One round."""
        hub = self.open_hub()
        try:
            self._erase(hub)
            self._expire(hub)
            self._lift(hub)
            self._lapse(hub)
            self._link(hub)
        finally:
            hub.close()

    def _expire(self, hub: Session) -> None:
        before = self.clock() - self.days * _DAY
        count = sum(_count(hub, part, before) for (part,) in hub.all("select part from progress"))
        said = {"do": "expire", "before": before, "reason": f"held for {self.days} days",
                "detail": {"before": iso(before)}}  # fmt: skip
        for _ in range(min(-(-count // EXPIRED_AT_ONCE), _MOST_ORDERS)):
            self._order(hub, said)

    def _lift(self, hub: Session) -> None:
        """Overrides end when their time is over."""
        for (one,) in hub.all(*believing.ended(self.clock())):
            self._order(hub, {"do": "lift", "object": one, "reason": "its time is over"})

    def _lapse(self, hub: Session) -> None:
        """Questions lapse when nobody has answered them in time."""
        sql = "select 1 from decision where state = 'open' and expires_at <= ? limit 1"
        if hub.one(sql, (before := self.clock(),)):
            self._order(hub, {"do": "lapse", "object": "questions", "before": before,
                              "reason": "not answered in time"})  # fmt: skip

    def _link(self, hub: Session) -> None:
        """Questions that the policy lets the hub answer by itself."""
        for entity, bounds in self.matching.bounds.items():
            if bounds.link is not None and (sure := pairs.sure(hub, entity, bounds.link)):
                self._order(hub, {"do": "decide", "by": pairs.ACTOR, "state": "accepted",
                                  "objects": sure, "object": f"{len(sure)} questions of {entity}",
                                  "reason": f"agree beyond {bounds.link} bits"})  # fmt: skip

    def _erase(self, hub: Session) -> None:
        for (part,) in hub.all("select part from progress order by part"):
            since = -1
            while seqs := _expired(hub, part, since):
                since = seqs[-1]
                self.writer.keep([], [], [erase(seqs, self.clock())])
                self._order(hub, {"do": "erased", "messages": seqs, "reason": "no longer held",
                                  "detail": {"messages": len(seqs)}})  # fmt: skip
                log.info("bodies erased", messages=len(seqs))

    def _order(self, hub: Session, said: dict[str, Any]) -> None:
        order = {"by": "crohub:janitor", "object": "held messages", **said}
        self.writer.keep([orders.entry(self.keyring, hub.dialect, order)])


def erase(seqs: Sequence[int], now: int) -> Also:
    """Empties the bodies of these messages within someone's commit; hash, key and times stay, and
    the remark says when. Erasing what is erased changes nothing."""

    def do(session: Session) -> None:
        rows = session.among("select seq, remark, length(body) from message where seq in {members}",
                             list(seqs))  # fmt: skip
        for seq, remark, length in rows:
            if length:
                said = {**orjson.loads(remark or "{}"), "erased": iso(now)}
                session.run(
                    "update message set body = ?, remark = ? where seq = ?",
                    (b"", orjson.dumps(said).decode(), seq),
                )

    return do


def _count(hub: Session, part: int, before: int) -> int:
    row = hub.one(
        "select count(*) from outcome where part = ? and state = 'held' and at < ?", (part, before)
    )
    return int(row[0]) if row else 0


def _expired(hub: Session, part: int, since: int) -> list[int]:
    rows = hub.all(
        "select seq from outcome where part = ? and state = 'expired' and seq > ? order by seq "
        "limit ?",
        (part, since, EXPIRED_AT_ONCE),
    )
    return [seq for (seq,) in rows]
