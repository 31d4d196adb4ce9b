"""Which messages a replay would settle again, and the orders that do it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    states: dict[str, int] = {}
    pipelines: dict[str, int] = {}
    for one in messages:
        states[one.state] = states.get(one.state, 0) + 1
        pipelines[one.pipeline] = pipelines.get(one.pipeline, 0) + 1
    return {
        "messages": len(messages), "states": states, "pipelines": pipelines,
        "first": [one.seq for one in messages[:20]],
    }  # fmt: skip


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
