"""Questions about deliveries that a person decides: may it go out, did it arrive, is it that one?

They are decisions like any other: proposed through the journal, so that the settler writes them,
and looked up by the digest that the delivery gives them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from hub.database import Session
from hub.planned_visit import Match
from pipelines.deliveries import Open
from pipelines.outlet import Outlet

KIND, MATCH = "delivery", "planned visit"


@dataclass(frozen=True, slots=True)
class Question:
    """`approval`: accepted, it is said; declined, it is refused. `unknown`: it was sent and
    nobody knows whether it arrived; accepted, it is said again; declined, it is not. `match`: what
    it is about is in doubt; accepted, it is said; declined, it is refused. That is asked once for
    all versions in which the same is in doubt."""

    one: Open
    about: Literal["approval", "unknown", "match"]
    match: Match | None = None

    @property
    def digest(self) -> bytes:
        text = f"{KIND}|{self.about}|{self.one.id}"
        if self.match:
            text = f"{KIND}|{self.about}|{self.one.pipeline}|{self.match.key}"
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
    one, match = question.one, question.match
    evidence = {"question": question.about, "pipeline": outlet.name, "to": outlet.connection}
    refers = ("enrollment", "visit_def") if match else ()
    return {
        "do": "propose",
        "object": question.digest.hex(),
        "kind": MATCH if match else KIND,
        "evidence": evidence
        | ({"doubt": match.doubt, **match.evidence} if match else {"tries": one.tries}),
        "proposal": {
            "delivery": one.id,
            "entity": one.entity,
            "id": one.entity_id,
            "version": one.n,
            **{name: match.view.fields.get(name) for name in refers if match},
        },
    }


def moot(hub: Session, one: Open, match: Match) -> list[bytes]:
    """Open questions about what a delivery is about that the record answers by itself by now: it
    is in another doubt, or in none. Their digests."""
    still = Question(one, "match", match).digest if match.doubt else b""
    rows = hub.all(
        "select digest from decision where kind = ? and state = 'open' and proposal like ?",
        (MATCH, f'%"delivery":"{one.id}"%'),
    )
    return [bytes(row[0]) for row in rows if bytes(row[0]) != still]
