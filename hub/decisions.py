"""What a person decides: one table for every gate, with evidence, proposal, who, when and why."""

from __future__ import annotations

from typing import Any

import orjson

from hub import tables
from hub.clock import uuid7
from hub.database import Session
from hub.write import columns_of


def propose(
    session: Session,
    *,
    digest: bytes,
    kind: str,
    evidence: dict[str, Any],
    proposal: dict[str, Any],
    at: int,
) -> None:
    """Opens a question once; the same `digest` again changes nothing."""
    if session.one("select 1 from decision where digest = ?", (digest,)):
        return
    row = (
        uuid7(at), digest, kind, orjson.dumps(evidence).decode(), orjson.dumps(proposal).decode(),
        "open", at, None, None, None,
    )  # fmt: skip
    session.insert(tables.decision, columns_of(tables.decision), [row])


def decide(session: Session, one: str, state: str, *, by: str, at: int, reason: str) -> None:
    """Answers an open question: `accepted` or `declined`. An answered one stays as it is."""
    session.run(
        "update decision set state = ?, decided_at = ?, decided_by = ?, reason = ? "
        "where id = ? and state = 'open'",
        (state, at, by, reason, one),
    )
