"""Takes a tie back: what was one thing becomes the things it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations

from hub.context import Changes, Context
from hub.identity import move
from hub.load import load_things, parts_of
from hub.referring import touch_referring
from hub.relations import APART, CLASHED, REFUSED, pair, standing
from hub.things import Thing, Xref

Pair = tuple[int, int]


def separate(context: Context, changes: Changes, xref: Xref) -> None:
    """Regroups the keys of the thing that `xref` belongs to by the ties that still hold. Each
    group goes back to the oldest id its keys were born with."""
    thing = context.world.things[xref.entity, xref.entity_id]
    touch_referring(context, changes, thing.entity, thing.id)
    for group in ties(context, changes, thing.xrefs).groups():
        home = min(one.home_id for one in group)
        if home != thing.id:
            _return(context, changes, thing, group, home)
    changes.touched[thing.entity, thing.id] = thing
    for part in parts_of(thing.entity):
        changes.touched[part, thing.id] = context.world.things[part, thing.id]


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties the keys of a thing to each other: pairs that a source or a person said to be one
    (`said`, by the message that did), pairs with an equal strong identifier. `apart` parts both,
    `refused` only what is equal."""

    xrefs: Sequence[Xref]
    said: Mapping[Pair, int]
    equal: Sequence[Pair]
    apart: Set[Pair]
    refused: Set[Pair]

    def groups(self) -> list[list[Xref]]:
        """Connected parts; none has two keys that are kept apart."""
        of = {xref.x: [xref] for xref in self.xrefs}
        for one, other in sorted(self.said):
            _join(of, of[one], of[other], self.apart)
        for one, other in self.equal:
            _join(of, of[one], of[other], self.apart | self.refused)
        return list({id(group): group for group in of.values()}.values())

    def are_together(self, one: Xref, other: Xref) -> bool:
        """Whether these two keys are in one part."""
        return any(one in group and other in group for group in self.groups())


def _join(
    of: dict[int, list[Xref]], mine: list[Xref], theirs: list[Xref], parted: Set[Pair]
) -> None:
    if mine is theirs or any(pair(a.x, b.x) in parted for a in mine for b in theirs):
        return
    mine += theirs
    for xref in theirs:
        of[xref.x] = mine


def ties(context: Context, changes: Changes, xrefs: Sequence[Xref]) -> Ties:
    """What ties these keys to each other now."""
    inside = {xref.x for xref in xrefs}
    rows = context.session.among(
        "select kept_x, retired_x, seq, withdrawn_seq from same_as where kept_x in {members}",
        sorted(inside),
    )
    known = {(row[0], row[1]): (row[2], row[3]) for row in rows}
    known.update({one: (row[3], row[4]) for one, row in changes.links.items()})
    return Ties(
        xrefs,
        {one: seq for one, (seq, gone) in known.items() if gone is None and inside >= set(one)},
        _equal(context, changes, inside),
        standing(context, changes, APART, xrefs),
        standing(context, changes, REFUSED, xrefs) | standing(context, changes, CLASHED, xrefs),
    )


def _equal(context: Context, changes: Changes, inside: Set[int]) -> list[Pair]:
    holders: dict[bytes, list[int]] = {}
    rows = context.session.among(
        "select digest, x, strong from identifier where x in {members}", sorted(inside)
    )
    rows += [(row[0], row[1], row[7]) for row in changes.identifiers if row[1] in inside]
    for digest, x, strong in rows:
        if strong:
            holders.setdefault(bytes(digest), []).append(x)
    # every two of them: what one may not be tied to, another may
    pairs = {pair(*two) for held in holders.values() for two in combinations(held, 2)}
    return sorted(pairs)


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
