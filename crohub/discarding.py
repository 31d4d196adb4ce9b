"""Which messages a person may set aside for good, the order that does it, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crohub import lookup
from hub.database import Session

PARKED = ("parked", "blocking")  # blocking: parked, and its lane waits for it
_REASON = "discarded"


def unfit(session: Session, seqs: Sequence[int]) -> list[str]:
    """A few words for each of these that cannot be set aside: it is not there or not parked."""
    told: list[str] = []
    for seq in sorted(set(seqs)):
        found = lookup.one(session, seq)
        if found is None:
            told.append(f"there is no message {seq}")
        elif found.state not in PARKED:
            told.append(f"message {seq} is {found.state}, not parked")
    return told


def order(seqs: Sequence[int], *, by: str, reason: str) -> dict[str, Any]:
    """The order that sets these aside."""
    named = sorted(set(seqs))
    return {
        "do": "discard", "by": by, "reason": reason, "messages": named,
        "object": f"messages {named[0]} to {named[-1]}", "detail": {"messages": named},
    }  # fmt: skip


def count(session: Session, seqs: Sequence[int]) -> int:
    """How many of these are set aside now."""
    rows = session.among(
        f"select seq from outcome where state = 'aside' and reason = '{_REASON}' "
        "and seq in {members}",
        sorted(set(seqs)),
    )
    return len(rows)
