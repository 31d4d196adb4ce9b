"""Why one voice wins a field and another does not, in words for people who work with records."""

from __future__ import annotations

from collections.abc import Sequence

from hub.choose import Voice, agree
from hub.policy import PERSON, Policy

SAME = "it says the same"
_NARROWED = {
    "most_recent": ("the newest statement counts", "it is older"),
    "most_complete": ("the most complete value counts", "its value is less complete"),
    "min": ("the least value counts", "its value is greater"),
    "max": ("the greatest value counts", "its value is less"),
    "union": ("all values are joined", "its values are joined with the others"),
}


def because(policy: Policy, entity: str, name: str, best: Voice, voices: Sequence[Voice]) -> str:
    """Why `best` has won among `voices`."""
    if best.system == PERSON:
        return "a person said so, which counts before every system"
    others = [one for one in voices if one is not best]
    if not others:
        return "no other system speaks of it"
    rule = policy.rule(entity, name)
    if rule.by != "authority":
        return _NARROWED[rule.by][0]
    ranks = {policy.rank(entity, name, one.system) for one in others if one.known}
    if any(rank <= policy.rank(entity, name, best.system) for rank in ranks):
        return "of the systems that rank first, it spoke last"
    behind = sorted({(policy.rank(entity, name, v.system), policy.role(v.system)) for v in others})
    return f"{policy.role(best.system)} counts before {', '.join(role for _, role in behind)}"


def lost(policy: Policy, entity: str, name: str, best: Voice, other: Voice) -> str:
    """Why `other` does not count beside `best`."""
    rule = policy.rule(entity, name)
    mine, theirs = (policy.rank(entity, name, one.system) for one in (best, other))
    same = best.known and other.known and agree(other.value, best.value)
    narrowed = other.known and rule.by in _NARROWED
    roles = f"{policy.role(other.system)} counts behind {policy.role(best.system)}"
    reasons = (
        (other.value is None, "it does not know"),
        (same, SAME),
        (best.system == PERSON, "a person said otherwise"),
        (name in other.said.echo, "it only repeats what it was told"),
        (narrowed, _NARROWED.get(rule.by, ("", ""))[1]),
        (theirs > mine, roles),
        (theirs == mine, "it spoke earlier"),
    )
    return next((why for so, why in reasons if so), "it was settled otherwise")
