"""What was said of two keys that ties nothing: a person keeps them apart, a source links them, an
equal identifier was not believed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hub.context import Changes, Context
from hub.things import Thing, Xref

APART, LINKED, REFUSED, CLASHED = "apart", "linked", "refused", "clashed"
_KINDS = (APART, LINKED, REFUSED, CLASHED)


def pair(one: int, other: int) -> tuple[int, int]:
    """Two keys in the one order in which they are kept."""
    return (one, other) if one < other else (other, one)


def relate(
    changes: Changes, kind: str, one: Xref, other: Xref, seq: int, *, withdrawn: bool = False
) -> None:
    """From now on `kind` is so of these two keys, or no more."""
    first, second = pair(one.x, other.x)
    gone = seq if withdrawn else None
    changes.relations[kind, first, second] = (kind, first, second, one.entity, seq, gone)


def unrelate(
    context: Context, changes: Changes, kind: str, xrefs: Sequence[Xref], seq: int
) -> None:
    """Takes back `kind` of any two of these keys."""
    for one, other in standing(context, changes, kind, xrefs):
        changes.relations[kind, one, other] = (kind, one, other, xrefs[0].entity, seq, seq)


def spoken_since(context: Context, changes: Changes, kind: str, one: Xref, other: Xref) -> int:
    """The number of the message that last spoke of these two, 0 where none did."""
    first, second = pair(one.x, other.x)
    row = changes.relations.get((kind, first, second))
    if row:
        return int(max(row[4], row[5] or 0))
    known = context.session.one(
        "select seq, withdrawn_seq from relation where kind = ? and one_x = ? and other_x = ?",
        (kind, first, second),
    )
    return int(max(known[0], known[1] or 0)) if known else 0


def refuse(
    context: Context, changes: Changes, kind: str, one: Xref, other: Thing, seq: int
) -> None:
    """Remembers that no equal identifier ties this key to that thing: when it is regrouped, it
    must not become one with it either. `clashed`: as long as their fields differ; `refused`: for
    good, since a key remembers every identifier that it ever had."""
    for xref in other.xrefs:
        if xref is not one and not spoken_since(context, changes, kind, one, xref):
            relate(changes, kind, one, xref, seq)


def reconcile(context: Context, changes: Changes, one: Thing, other: Thing) -> None:
    """Their fields clash no more."""
    unrelate(context, changes, CLASHED, [*one.xrefs, *other.xrefs], 0)


def parted(context: Context, changes: Changes, one: Thing, other: Thing) -> str:
    """What keeps these two from being tied by an identifier: `apart` (a person said that they are
    not one), `refused` or `clashed` (it was not believed before), or ""."""
    for thing in (one, other):
        # the store knows nothing of a thing that was born in this batch
        if not changes.relations and all(xref.x in changes.new_xrefs for xref in thing.xrefs):
            return ""
    between = {pair(a.x, b.x) for a, b in product(one.xrefs, other.xrefs)}
    found = _standing(context, changes, [*one.xrefs, *other.xrefs])
    return next((kind for kind in (APART, REFUSED, CLASHED) if found[kind] & between), "")


def standing(
    context: Context, changes: Changes, kind: str, xrefs: Sequence[Xref]
) -> set[tuple[int, int]]:
    """The pairs among these keys of which `kind` stands."""
    return _standing(context, changes, xrefs)[kind]


def _standing(
    context: Context, changes: Changes, xrefs: Sequence[Xref]
) -> dict[str, set[tuple[int, int]]]:
    inside = {xref.x for xref in xrefs}
    rows = context.session.among(
        "select kind, one_x, other_x, withdrawn_seq from relation where one_x in {members}",
        sorted(inside),
    )
    known = {row[:3]: row[3] for row in rows}
    known |= {key: row[5] for key, row in changes.relations.items()}
    found: dict[str, set[tuple[int, int]]] = {kind: set() for kind in _KINDS}
    for (kind, *two), gone in known.items():
        if gone is None and inside.issuperset(two):
            found[kind].add((two[0], two[1]))
    return found
