"""Takes a tie back: what was one thing becomes the things it was made of."""

from __future__ import annotations

from collections.abc import Sequence

from hub.context import Changes, Context
from hub.identity import move
from hub.load import load_things, parts_of
from hub.referring import touch_referring
from hub.things import Thing, Xref


def separate(context: Context, changes: Changes, xref: Xref) -> None:
    """Regroups the keys of the thing that `xref` belongs to by the ties that still hold. Each
    group goes back to the oldest id its keys were born with."""
    thing = context.world.things[xref.entity, xref.entity_id]
    touch_referring(context, changes, thing.entity, thing.id)
    for group in _groups(context, changes, thing.xrefs):
        home = min(one.home_id for one in group)
        if home != thing.id:
            _return(context, changes, thing, group, home)
    changes.touched[thing.entity, thing.id] = thing
    for part in parts_of(thing.entity):
        changes.touched[part, thing.id] = context.world.things[part, thing.id]


def _return(
    context: Context, changes: Changes, thing: Thing, group: Sequence[Xref], home: str
) -> None:
    things = context.world.things
    load_things(context, [(thing.entity, home)])
    own: list[Xref] = []
    for name in (thing.entity, *parts_of(thing.entity)):
        back = things[name, home]
        back.xrefs = own
        back.superseded_by = None
        changes.touched[name, home] = back
    for xref in group:
        thing.xrefs.remove(xref)
        move(context, changes, xref, things[thing.entity, home])


def _groups(context: Context, changes: Changes, xrefs: Sequence[Xref]) -> list[list[Xref]]:
    """Connected parts by shared strong identifiers and standing SameAs."""
    parent = {xref.x: xref.x for xref in xrefs}

    def top(x: int) -> int:
        while parent[x] != x:
            x = parent[x]
        return x

    for one, other in _ties(context, changes, list(parent)):
        if one in parent and other in parent:
            parent[top(one)] = top(other)
    groups: dict[int, list[Xref]] = {}
    for xref in xrefs:
        groups.setdefault(top(xref.x), []).append(xref)
    return list(groups.values())


def _ties(context: Context, changes: Changes, xs: Sequence[int]) -> list[tuple[int, int]]:
    session = context.session
    ties = {
        (kept, retired): withdrawn
        for kept, retired, withdrawn in session.among(
            "select kept_x, retired_x, withdrawn_seq from same_as where kept_x in {members}", xs
        )
    }
    ties.update({pair: row[4] for pair, row in changes.links.items()})
    standing = [pair for pair, withdrawn in ties.items() if withdrawn is None]
    holders: dict[bytes, list[int]] = {}
    rows = session.among("select digest, x, strong from identifier where x in {members}", xs)
    rows += [(row[0], row[1], row[7]) for row in changes.identifiers if row[1] in xs]
    for digest, x, strong in rows:
        if strong:
            holders.setdefault(bytes(digest), []).append(x)
    for held in holders.values():
        standing += [(held[0], other) for other in held[1:]]
    return standing
