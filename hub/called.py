"""Records that somebody names by our own ids: brought into the world, followed through merges."""

from __future__ import annotations

from collections.abc import Collection

from hub.context import Context
from hub.fetch import home
from hub.load import load_things
from hub.model.spec import entities
from hub.statement import Seen
from hub.things import Thing

Named = Collection[tuple[str, str]]  # entity, id
_HOPS = 50  # merges of merges that are followed


def homes(context: Context, named: Named) -> set[tuple[str, str]]:
    """What these ids lead to in the store, after all merges."""
    return {(entity, home(context, entities()[entity], one)) for entity, one in named}


def keys_of(context: Context, named: Named) -> set[bytes]:
    """The digests of every key of these records."""
    rows = context.session.among(
        "select digest from xref where entity_id in {members}", sorted(one for _, one in named)
    )
    return {bytes(row[0]) for row in rows}


def record(context: Context, entity: str, one: str) -> Thing | None:
    """The record that an id leads to now, in the middle of a batch; None where there is none."""
    for _ in range(_HOPS):
        load_things(context, [(entity, one)])
        thing = context.world.things[entity, one]
        if thing.superseded_by is None:
            return thing if thing.xrefs else None
        one = thing.superseded_by
    return None


def is_so(context: Context, seen: Seen) -> bool:
    """Whether a record is still of the version that was seen."""
    thing = record(context, seen.entity, seen.id)
    return thing is not None and thing.n == seen.version
