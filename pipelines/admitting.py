"""A pipeline whose messages wait for a person: nothing of one is settled before it is let in."""

from __future__ import annotations

import hashlib

import orjson

from hub import decisions
from hub.context import Context
from hub.database import Session
from hub.joining import CannotDo, Word
from pipelines import outcomes
from pipelines.outcomes import Outcome
from pipelines.work import Work

KIND = "message"
REASON = "it waits for a person's decision"


def waiting(session: Session, work: Work, now: int) -> Outcome | None:
    """Why a message of such a pipeline is not settled now; None: somebody has let it in. It is
    asked about once, however often it is looked at."""
    digest = hashlib.sha256(f"{KIND}|{work.seq}".encode()).digest()[:16]
    row = session.one("select state from decision where digest = ?", (digest,))
    if row and row[0] == "accepted":
        return None
    if row is None:
        decisions.propose(
            session,
            digest=digest,
            kind=KIND,
            evidence={"connection": work.connection, "stream": work.stream, "message": work.seq},
            proposal={"entity": KIND, "message": work.seq},
            at=now,
        )
    return Outcome(work=work, state="parked", reason=REASON)


def let_in(context: Context, question: decisions.Question, word: Word) -> None:
    """It is settled next, as if it had come now."""
    _end(context.session, question, "ready")


def leave_out(context: Context, question: decisions.Question, word: Word) -> None:
    """It is set aside; it stays in the journal."""
    _end(context.session, question, "aside")


def _end(session: Session, question: decisions.Question, state: str) -> None:
    row = session.one("select proposal from decision where id = ?", (question.id,))
    seq = orjson.loads(row[0])["message"] if row else 0
    found = session.one("select lane from outcome where seq = ?", (seq,))
    if found is None:
        raise CannotDo(f"message {seq} does not wait any more")
    reason = "let in" if state == "ready" else "a person declined it"
    session.run(
        "update outcome set state = ?, reason = ?, not_before = 0 where seq = ?",
        (state, reason, seq),
    )
    if state == "aside":
        outcomes.release_lane(session, found[0])
