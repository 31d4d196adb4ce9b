"""Which messages a replay would settle again, and the orders that do it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from crohub import lookup
from crohub.lookup import Found, Wanted
from hub.database import Session
from hub.seal import Keyring

MOST = 50_000  # messages of one replay
AN_ORDER = 2_000  # messages of one order: each order is settled in one transaction

_AGAIN = ("done", "parked", "blocking", "held", "aside", "test")


def chosen(session: Session, keyring: Keyring, wanted: Wanted, seqs: Sequence[int]) -> list[Found]:
    """The messages that `seqs` name, or that are as `wanted` says, oldest first, at most 50,000.
    What waits to be settled anyway is left out."""
    if seqs:
        named = (lookup.one(session, seq) for seq in sorted(set(seqs)))
        found = [one for one in named if one is not None]
    else:
        found = list(_all(session, keyring, wanted))
    return sorted((one for one in found if one.state in _AGAIN), key=lambda one: one.seq)


def left_out(session: Session, found: Sequence[Found], seqs: Sequence[int]) -> list[str]:
    """A few words for each of `seqs` that is not among those found, since it cannot be replayed."""
    told: list[str] = []
    for seq in sorted(set(seqs) - {one.seq for one in found}):
        known = lookup.one(session, seq)
        told.append(f"message {seq} is {known.state}" if known else f"there is no message {seq}")
    return told


def _all(session: Session, keyring: Keyring, wanted: Wanted) -> Iterator[Found]:
    before, left = wanted.before, MOST
    while left > 0:
        page = lookup.find(session, keyring, replace(wanted, before=before, limit=lookup.MOST))
        yield from page[:left]
        if len(page) < lookup.MOST:
            return
        before, left = page[-1].seq, left - len(page)


def summary(messages: Sequence[Found]) -> dict[str, Any]:
    """What a preview shows: how many, by state and by pipeline, and the first of them."""
    return {
        "messages": len(messages), "states": states(messages),
        "pipelines": dict(Counter(one.pipeline for one in messages)),
        "first": [one.seq for one in messages[:20]],
    }  # fmt: skip


def became(
    reading: Callable[[], AbstractContextManager[Session]], seqs: Sequence[int], *, seconds: float
) -> list[Found]:
    """These messages once none of them waits to be settled again, or after so long as they are.
    Each look is a `reading` of its own: within one, nothing changes."""
    until = time.monotonic() + seconds
    while True:
        with reading() as session:
            if time.monotonic() >= until or not _pending(session, seqs):
                return [one for seq in seqs if (one := lookup.one(session, seq))]
        time.sleep(0.05)


def _pending(session: Session, seqs: Sequence[int]) -> bool:
    sql = "select seq from outcome where state = 'ready' and seq in {members} limit 1"
    return bool(session.among(sql, seqs))


def states(messages: Sequence[Found]) -> dict[str, int]:
    """How many of them are in each state."""
    return dict(Counter(one.state for one in messages))


def orders(
    messages: Sequence[Found], session: Session, *, by: str, reason: str, revision: int | None
) -> Iterator[dict[str, Any]]:
    """The orders that replay these messages. `revision`: settle them under this one instead of
    the one that accepted them."""
    for part in _parts(messages):
        lanes: dict[int, bytes] = dict(
            session.among(
                "select seq, lane from message where seq in {members}", [one.seq for one in part]
            )
        )
        yield {
            "do": "replay",
            "by": by,
            "reason": reason,
            "object": f"messages {part[0].seq} to {part[-1].seq}",
            "detail": {"messages": len(part), "revision": revision},
            "revision": revision,
            "messages": [
                {"seq": one.seq, "part": one.part, "lane": bytes(lanes[one.seq]).hex()}
                for one in part
            ],
        }


def _parts(messages: Sequence[Found]) -> Iterator[Sequence[Found]]:
    for start in range(0, len(messages), AN_ORDER):
        yield messages[start : start + AN_ORDER]
