"""A pipeline whose messages wait for a person: nothing of one is settled before it is let in."""

from __future__ import annotations

import hashlib

from hub import decisions
from hub.context import Context
from hub.database import Session
from hub.joining import CannotDo, Word
from hub.lapsing import Lapsing
from pipelines import outcomes
from pipelines.outcomes import Outcome
from pipelines.work import Work

KIND = "message"
REASON = "it waits for a person's decision"


def waiting(session: Session, work: Work, now: int, lapsing: Lapsing) -> Outcome | None:
    """Why a message of such a pipeline is not settled now; None: somebody has let it in. It is
    asked about once, however often it is looked at; and again when it is replayed after nobody
    has answered in time."""
    digest = hashlib.sha256(f"{KIND}|{work.seq}".encode()).digest()[:16]
    row = session.one("select state from decision where digest = ?", (digest,))
    if row and row[0] == "accepted":
        return None
    if row and row[0] == "expired":
        decisions.forget(session, digest)
    if row is None or row[0] == "expired":
        decisions.propose(
            session,
            digest=digest,
            kind=KIND,
            evidence={"connection": work.connection, "stream": work.stream, "message": work.seq},
            proposal={"entity": KIND, "message": work.seq},
            at=now,
            expires_at=lapsing.expires_at(KIND, now),
        )
    return Outcome(work=work, state="parked", reason=REASON)


def let_in(context: Context, question: decisions.Question, word: Word) -> None:
    """It is settled next, as if it had come now."""
    _end(context.session, question, "ready", "let in")


def leave_out(context: Context, question: decisions.Question, word: Word) -> None:
    """It is set aside; it stays in the journal."""
    _end(context.session, question, "aside", "a person declined it")


def passed_over(session: Session, question: decisions.Question) -> None:
    """Nobody answered in time: it is set aside, unless it waits no more."""
    row = session.one("select state from outcome where seq = ?", (_message(question),))
    if row and row[0] in ("parked", "blocking"):
        _end(session, question, "aside", decisions.IN_TIME)


def _end(session: Session, question: decisions.Question, state: str, reason: str) -> None:
    seq = _message(question)
    found = session.one("select lane from outcome where seq = ?", (seq,))
    if found is None:
        raise CannotDo(f"message {seq} does not wait any more")
    session.run(
        "update outcome set state = ?, reason = ?, not_before = 0 where seq = ?",
        (state, reason, seq),
    )
    if state == "aside":
        outcomes.release_lane(session, found[0])


def _message(question: decisions.Question) -> int:
    return int(question.proposal["message"])
