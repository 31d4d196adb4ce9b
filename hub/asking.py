"""Whether two records are one: what settling cannot know is put to a person, once."""

from __future__ import annotations

from collections.abc import Sequence

from hub import decisions
from hub.context import Changes, Context
from hub.relations import pair
from hub.things import Xref, born

KIND, SEPARATION = "identity", "separation"
Pair = tuple[int, int]


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
    """Opens the questions of a batch, about its records as they are at its end."""
    for (one, other), (entity, evidence, withdrawn) in changes.questions.items():
        ids = sorted({context.world.homes[x] for x in (one, other)})
        if len(ids) > 1 and withdrawn:
            digest = _digest(context, KIND, evidence, ids)
            decisions.moot(context.session, digest, at=changes.now, reason="no longer said")
        elif len(ids) > 1:
            _put(context, changes, KIND, evidence, {"entity": entity, "ids": ids})
        elif withdrawn:
            _separation(context, changes, (one, other), entity, evidence)


def close(context: Context, ids: Sequence[str], at: int) -> None:
    """A person has decided about these records: that something speaks against their being one is
    no trouble any more, and what was refused is not told of again."""
    context.session.among(
        "update finding set closed_at = ? where rule = 'identity-contradicted' "
        "and closed_at is null and entity_id in {members} returning id",
        ids,
        (at,),
    )


def _separation(
    context: Context, changes: Changes, xs: Pair, entity: str, evidence: dict[str, str]
) -> None:
    """A source says of two keys of one record that they are not of one: is the record to be taken
    apart? `part` is what one of them was before."""
    keys = sorted((context.world.by_number[x] for x in xs), key=born)
    whole, part = keys[0].entity_id, keys[1].home_id
    if part != whole:
        proposal = {"entity": entity, "ids": [whole], "part": part}
        _put(context, changes, SEPARATION, evidence | {"question": "unlinked"}, proposal)


def _put(
    context: Context,
    changes: Changes,
    kind: str,
    evidence: dict[str, str],
    proposal: decisions.Json,
) -> None:
    about = [*proposal["ids"], proposal.get("part", "")]
    decisions.propose(
        context.session,
        digest=_digest(context, kind, evidence, about),
        kind=kind,
        evidence=dict(evidence),
        proposal=proposal,
        at=changes.now,
        expires_at=context.lapsing.expires_at(kind, changes.now),
    )


def _digest(context: Context, kind: str, evidence: dict[str, str], about: Sequence[str]) -> bytes:
    text = "|".join((kind, evidence["question"], evidence.get("against", ""), *filter(None, about)))
    return context.keyring.digest(text)
