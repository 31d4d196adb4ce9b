"""Whether two records are one: what settling cannot know is put to a person, once."""

from __future__ import annotations

from hub import decisions
from hub.context import Changes, Context
from hub.relations import pair
from hub.things import Xref

KIND = "identity"


def ask(
    changes: Changes,
    one: Xref,
    other: Xref,
    question: str,
    system: str,
    *,
    against: str = "",
    withdrawn: bool = False,
) -> None:
    """`question`: contradicted (an identifier says that they are one, `against` that they are
    not), apart (a source says that they are one, a person had said that they are not), linked (a
    source says that they are one person and keeps both). `withdrawn`: it says so no more."""
    evidence = {"question": question, "system": system}
    if against:
        evidence["against"] = against
    changes.questions[pair(one.x, other.x)] = (one.entity, evidence, withdrawn)


def put(context: Context, changes: Changes) -> None:
    """Opens the questions of a batch whose records are still two at its end."""
    for (one, other), (entity, evidence, withdrawn) in changes.questions.items():
        ids = sorted({context.world.homes[x] for x in (one, other)})
        if len(ids) < 2:
            continue
        text = "|".join((KIND, evidence["question"], evidence.get("against", ""), *ids))
        digest = context.keyring.digest(text)
        if withdrawn:
            decisions.moot(context.session, digest, at=changes.now, reason="no longer said")
            continue
        decisions.propose(
            context.session,
            digest=digest,
            kind=KIND,
            evidence=dict(evidence),
            proposal={"entity": entity, "ids": ids},
            at=changes.now,
        )
