"""Brings whole records into the world of an order, locked: their keys, statements and parts."""

from __future__ import annotations

from collections.abc import Sequence

from hub.context import Context
from hub.load import load, load_things
from hub.locks import lock
from hub.model.spec import EntitySpec
from hub.things import Thing

_HOPS = 50  # merges of merges that are followed


def home(context: Context, owner: EntitySpec, one: str) -> str:
    """The id that `one` leads to after all merges."""
    for _ in range(_HOPS):
        row = context.session.one(
            f"select superseded_by from {owner.table.name} where id = ?", (one,)
        )
        if row is None or row[0] is None:
            break
        one = row[0]
    return one


def fetch(
    context: Context, owner: EntitySpec, ids: Sequence[str], digest: bytes = b""
) -> list[Thing]:
    """These records, or those that took their place; and what the key `digest` leads to."""
    homes = [home(context, owner, one) for one in ids]
    rows = context.session.among("select digest from xref where entity_id in {members}", homes)
    own = [digest] if digest else []
    lock(context, [*own, *(bytes(row[0]) for row in rows)], {})
    if not context.keeps:
        context.world.clear()
    load(context, own, {})
    load_things(context, [(owner.name, one) for one in homes])
    return [context.world.things[owner.name, one] for one in homes]
