"""What a person decides: one table for every gate, with evidence, proposal, who, when and why.

A question is put once: the same digest again changes nothing, whatever the answer was. One that
nobody has answered in its time lapses, and so does one that the data have answered meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from hub import tables
from hub.clock import iso, uuid7
from hub.database import Row, Session
from hub.write import columns_of

Json = dict[str, Any]
OPEN: Final = "open"
Answer = Literal["accepted", "declined"]
ANSWERS: Final = ("accepted", "declined")
STATES: Final = (OPEN, *ANSWERS, "expired", "moot")
MATCH: Final = "match"
# accepted, they make one record of two
JOINING: Final = (MATCH, "identity")
IN_TIME: Final = "nobody answered in time"

COLUMNS: Final = (
    "id, kind, evidence, proposal, state, opened_at, expires_at, decided_at, decided_by, reason"
)


@dataclass(frozen=True, slots=True)
class Question:
    """An open question: `entity` and `ids` are the records it is about."""

    id: str
    kind: str
    entity: str
    ids: tuple[str, ...]
    proposal: Json


def propose(
    session: Session,
    *,
    digest: bytes,
    kind: str,
    evidence: Json,
    proposal: Json,
    at: int,
    expires_at: int | None = None,
) -> str:
    """Opens a question once; the same `digest` again changes nothing. Its id, or "" where it was
    put before."""
    if session.one("select 1 from decision where digest = ?", (digest,)):
        return ""
    one, ids = uuid7(at), ids_of(proposal)
    row = (
        one, digest, kind, orjson.dumps(evidence).decode(), orjson.dumps(proposal).decode(),
        OPEN, at, None, None, None, expires_at, orjson.dumps(ids).decode() if ids else None,
    )  # fmt: skip
    session.insert(tables.decision, columns_of(tables.decision), [row])
    return one


def decide(session: Session, one: str, state: str, *, by: str, at: int, reason: str) -> None:
    """Answers an open question: `accepted` or `declined`. An answered one stays as it is."""
    session.run(
        "update decision set state = ?, decided_at = ?, decided_by = ?, reason = ? "
        "where id = ? and state = 'open'",
        (state, at, by, reason, one),
    )


def still_open(session: Session, ids: Sequence[str]) -> list[Question]:
    """Those of these decisions that nobody has answered, in the order they were put."""
    rows = session.among(
        "select id, kind, proposal from decision where state = 'open' and id in {members}", ids
    )
    return [_question(row) for row in sorted(rows)]


def lapse(session: Session, *, before: int, by: str) -> list[Question]:
    """Open questions whose time was over at `before` expire; which they were."""
    rows = session.all(
        "select id, kind, proposal from decision where state = 'open' and expires_at <= ? "
        "order by id",
        (before,),
    )
    session.run(
        "update decision set state = 'expired', decided_at = ?, decided_by = ?, "
        f"reason = '{IN_TIME}' where state = 'open' and expires_at <= ?",
        (before, by, before),
    )
    return [_question(row) for row in rows]


def forget(session: Session, digest: bytes) -> None:
    """What was asked may be asked again."""
    session.run("update decision set digest = ? where digest = ?", (os.urandom(16), digest))


def moot(session: Session, digest: bytes, *, at: int, reason: str) -> None:
    """What the data have answered by themselves needs nobody any more; it may be asked again."""
    session.run(
        "update decision set state = 'moot', decided_at = ?, decided_by = 'crohub', reason = ?, "
        "digest = ? where digest = ? and state = 'open'",
        (at, reason, os.urandom(16), digest),
    )


def moot_match(session: Session, ids: Sequence[str], *, at: int, reason: str) -> None:
    """Whether these two records may be one needs nobody any more."""
    either = [orjson.dumps(list(order)).decode() for order in (ids, ids[::-1])]
    session.run(
        "update decision set state = 'moot', decided_at = ?, decided_by = 'crohub', reason = ? "
        "where kind = ? and state = 'open' and ids in (?, ?)",
        (at, reason, MATCH, *either),
    )


def shown(row: Row) -> Json:
    """A row of COLUMNS as people and programs read it."""
    one, kind, evidence, proposal, state, opened, expires, decided, by, reason = row
    return {
        "id": one, "kind": kind, "evidence": orjson.loads(evidence),
        "proposal": orjson.loads(proposal), "state": state, "opened_at": iso(opened),
        "expires_at": iso(expires) if expires else None,
        "decided_at": iso(decided) if decided else None, "decided_by": by, "reason": reason,
    }  # fmt: skip


def ids_of(proposal: Json) -> list[str]:
    """The records a proposal is about."""
    return [str(one) for one in proposal.get("ids") or [proposal.get("id")] if one]


def _question(row: Row) -> Question:
    proposal = orjson.loads(row[2])
    entity = str(proposal.get("entity", ""))
    return Question(row[0], row[1], entity, tuple(ids_of(proposal)), proposal)
