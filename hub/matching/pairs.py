"""Pairs of records that may be one: kept as far as they were ever asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from hub import decisions, tables
from hub.database import Row, Session
from hub.matching.settings import Bounds, Matching
from hub.matching.traits import Subject
from hub.matching.weights import Score, score
from hub.seal import Keyring
from hub.write import columns_of

KIND, ACTOR = decisions.MATCH, "crohub:matching"
_AT_ONCE = 200  # questions that are answered in one transaction


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of one entity, within somebody's transaction, at `now`."""

    session: Session
    entity: str
    now: int

    def weigh(
        self, one: Subject, other: Subject, keyring: Keyring, bounds: Bounds, matching: Matching
    ) -> bool:
        """Compares two records, the older first; whether a question was put. One that was
        answered is not put again unless the evidence has grown; one that is open follows it."""
        found = score(self.entity, one.traits, other.traits)
        row = self.session.one(
            "select p.weight, p.levels, p.decision, d.state from match_pair p "
            "join decision d on d.id = p.decision where p.one = ? and p.other = ?",
            (one.id, other.id),
        )
        if row is None and found.weight < bounds.review:
            return False
        if row and not _is_news(row, found):
            return False
        if row and row[3] == decisions.OPEN:
            reason = "the evidence is another now"
            decisions.decide(self.session, row[2], "moot", by=ACTOR, at=self.now, reason=reason)
        if found.weight < bounds.review:
            self.session.run(
                "delete from match_pair where one = ? and other = ?", (one.id, other.id)
            )
            return False
        return self._ask(one, other, found, keyring, matching)

    def _ask(
        self, one: Subject, other: Subject, found: Score, keyring: Keyring, matching: Matching
    ) -> bool:
        asked = decisions.propose(
            self.session,
            digest=keyring.digest(f"{KIND}|{self.entity}|{one.id}|{other.id}|{found.levels}"),
            kind=KIND,
            evidence=evidence(found),
            proposal={"entity": self.entity, "ids": [one.id, other.id]},
            at=self.now,
            expires_at=matching.expires_at(self.now),
        )
        if asked:
            row = (one.id, other.id, self.entity, round(found.weight * 100), found.levels, asked)
            self.session.upsert(
                tables.match_pair, columns_of(tables.match_pair), [row], ("one", "other")
            )
        return bool(asked)

    def drop(self, ids: Sequence[str]) -> None:
        """These records have become parts of others, or have gone: nobody needs to decide."""
        if not ids:
            return
        gone = set(ids)
        rows = self.session.all(
            "select id, ids from decision where state = 'open' and kind in ('match', 'identity')"
        )
        for one, about in rows:
            if gone.intersection(orjson.loads(about or "[]")):
                reason = "one of the two is a record no more"
                decisions.decide(self.session, one, "moot", by=ACTOR, at=self.now, reason=reason)


def sure(session: Session, entity: str, link: float) -> list[str]:
    """Open questions about pairs that agree so far and of which no number contradicts."""
    rows = session.all(
        "select d.id, p.levels from match_pair p join decision d on d.id = p.decision "
        "where p.entity = ? and p.weight >= ? and d.state = 'open' order by d.id limit ?",
        (entity, round(link * 100), _AT_ONCE),
    )
    return [one for one, levels in rows if "_numbers=different" not in levels]


def evidence(found: Score) -> decisions.Json:
    """What a question shows: weight and levels, never a value."""
    agree = {
        name: {"level": level, "weight": weight} for name, (level, weight) in found.evidence.items()
    }
    return {"question": "may be one", "weight": found.weight, "fields": agree}


def _is_news(row: Row, found: Score) -> bool:
    """Whether an earlier question about the pair does not cover this evidence."""
    weight, levels, _, state = row
    if levels == found.levels:
        return False
    return bool(state == decisions.OPEN or round(found.weight * 100) > weight)
