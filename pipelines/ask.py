"""Questions about deliveries that a person decides: may it go out, did it arrive?

They are decisions like any other: proposed through the journal, so that the settler writes them,
and looked up by the digest that the delivery gives them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from hub.database import Session
from pipelines.deliveries import Open
from pipelines.outlet import Outlet

KIND = "delivery"


@dataclass(frozen=True, slots=True)
class Question:
    """`approval`: accepted, it is said; declined, it is refused. `unknown`: it was sent and
    nobody knows whether it arrived; accepted, it is said again; declined, it is not."""

    one: Open
    about: Literal["approval", "unknown"]

    @property
    def digest(self) -> bytes:
        text = f"{KIND}|{self.about}|{self.one.id}"
        if self.about == "unknown":
            text += f"|{self.one.tries}"  # each attempt whose end nobody knows is asked about anew
        return hashlib.sha256(text.encode()).digest()[:16]


@dataclass(frozen=True, slots=True)
class Answer:
    """`state`: "" (never asked), open, accepted or declined."""

    state: str = ""
    by: str = ""


def answer(hub: Session, question: Question) -> Answer:
    """What has been decided."""
    row = hub.one("select state, decided_by from decision where digest = ?", (question.digest,))
    return Answer(str(row[0]), str(row[1] or "")) if row else Answer()


def proposal(question: Question, outlet: Outlet) -> dict[str, Any]:
    """The order that puts the question. It names the record and its version, never what is said:
    whoever may see that looks it up."""
    one = question.one
    return {
        "do": "propose",
        "object": question.digest.hex(),
        "kind": KIND,
        "evidence": {
            "question": question.about,
            "pipeline": outlet.name,
            "to": outlet.connection,
            "tries": one.tries,
        },
        "proposal": {
            "delivery": one.id,
            "entity": one.entity,
            "id": one.entity_id,
            "version": one.n,
        },
    }
