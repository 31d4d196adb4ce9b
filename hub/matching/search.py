"""Looks through what has changed for records that may be one, apart from settling.

It follows the change feed: what a record is found by is noted in `match_key` as keyed digests,
records that share one are compared, and a pair that agrees far enough becomes a question. The
question says which fields agree how far, never what they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from hub import audit, changes, tables
from hub.database import Session
from hub.matching.pairs import ACTOR, Pairs
from hub.matching.read import PARTS, subjects
from hub.matching.settings import Matching
from hub.matching.traits import Subject
from hub.progress import held
from hub.seal import Keyring

CROWD = 60  # records that share one digest: more, and sharing it says nothing
_MARKS = ("digest", "entity_id")


@dataclass(slots=True, kw_only=True)
class Search:
    """One searcher on a session for writing; of several, one works at a time. `slice` versions
    are looked at in one transaction."""

    session: Session
    keyring: Keyring
    clock: Callable[[], int]
    chain: str
    matching: Matching = field(default_factory=Matching)
    slice: int = 100

    def look(self) -> bool:
        """Looks at the next few changes. False: there are none, or another is at it."""
        with self.session.transaction():
            row = held(self.session, tables.match_progress, {"cursor": changes.START})
            feed = changes.feed(self.session, row[0], self.slice) if row else []
            if not feed:
                return False
            for entity, ids in _changed(feed, self.matching.bounds).items():
                self._compare(entity, ids)
            self._reached(feed[-1].cursor)
        return True

    def _reached(self, cursor: str) -> None:
        self.session.run("update match_progress set cursor = ? where id = 1", (cursor,))

    def _compare(self, entity: str, ids: Sequence[str]) -> None:
        """Notes what these records are found by, and puts a question about each pair of theirs
        that agrees far enough."""
        known = subjects(self.session, self.keyring, entity, ids)
        pairs = Pairs(self.session, entity, self.clock())
        pairs.drop([one for one in ids if one not in known])
        marked = self._mark(ids, known.values())
        near = {one: self._near(one, digests) for one, digests in marked.items()}
        others = sorted({other for found in near.values() for other in found} - known.keys())
        known |= subjects(self.session, self.keyring, entity, others)
        bounds = self.matching.bounds[entity]
        asked = sum(
            pairs.weigh(known[one], known[other], self.keyring, bounds, self.matching)
            for one, other in _two(near)
            if one in known and other in known
        )
        if asked:
            entry = audit.Entry(
                at=self.clock(), actor=ACTOR, action="match", object=entity,
                reason="records that may be one", detail=f'{{"questions":{asked}}}',
            )  # fmt: skip
            audit.append(self.session, self.chain, [entry])

    def _mark(self, ids: Sequence[str], found: Iterable[Subject]) -> dict[str, list[bytes]]:
        """Puts the digests by which these records are found in place of their former ones."""
        wanted = {
            one.id: sorted(self.keyring.digest(f"match|{text}") for text in one.blocks)
            for one in found
        }
        rows = self.session.among(
            "select entity_id, digest from match_key where entity_id in {members}", ids
        )
        have = {(bytes(digest), one) for one, digest in rows}
        want = {(digest, one) for one, digests in wanted.items() for digest in digests}
        for digest, one in sorted(have - want):
            self.session.run(
                "delete from match_key where digest = ? and entity_id = ?", (digest, one)
            )
        self.session.insert(tables.match_key, _MARKS, sorted(want - have))
        return wanted

    def _near(self, one: str, digests: Sequence[bytes]) -> set[str]:
        found: set[str] = set()
        for digest in digests:
            rows = self.session.all(
                "select entity_id from match_key where digest = ? limit ?", (digest, CROWD + 1)
            )
            if len(rows) <= CROWD:
                found.update(row[0] for row in rows)
        return found - {one}


def _changed(feed: Sequence[changes.Change], searched: Iterable[str]) -> dict[str, list[str]]:
    """The records of a part of the feed that are searched, by entity, each once."""
    wanted = set(searched)
    found: dict[str, dict[str, None]] = {}
    for change in feed:
        owner = PARTS.get(change.entity, change.entity)
        if owner in wanted:
            found.setdefault(owner, {})[change.id] = None
    return {entity: list(ids) for entity, ids in found.items()}


def _two(near: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Each pair once, the older record first."""
    return sorted({(min(a, b), max(a, b)) for a, others in near.items() for b in others})
