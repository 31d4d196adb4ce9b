"""Takes in how a system that was told of a record calls it there.

What the system answered with becomes a key of its own, tied to the record as if the system had
said that they are one; what it says of that key from then on is about this record.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub import settle
from hub.assertions import key
from hub.conclude import conclude
from hub.context import Changes, Context
from hub.fetch import fetch
from hub.identity import key_digest, things_contradict, tie
from hub.model.spec import entities
from hub.said import Said, Settled
from hub.statement import Meaning
from hub.things import Thing, Xref, born
from hub.write import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """`system` knows the record `one` of `entity` as `native`; `seq` and `at` are those of the
    message that says so."""

    system: str
    entity: str
    one: str
    native: str
    seq: int
    at: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """`against`: the type of identifier that speaks against it, and the other record; then nothing
    was changed. `born`: digests that became known."""

    against: str = ""
    other: str = ""
    born: tuple[bytes, ...] = ()


def name(context: Context, named: Named) -> Outcome:
    """Ties the key to the record, within the caller's transaction. Saying it again, or after the
    system's own feed has, changes nothing."""
    spec = entities()[named.entity]
    owner = entities()[spec.beside or spec.name]
    digest = key_digest(context.keyring, owner.name, named.system, named.native)
    [thing] = fetch(context, owner, [named.one], digest)
    if not thing.xrefs:
        return Outcome()  # nobody speaks of it any more
    changes = Changes(now=context.clock())
    said = Said(seq=named.seq, system=named.system, at=named.at, meaning=Meaning())
    oldest = min(thing.xrefs, key=born)
    known = context.world.by_digest.get(digest)
    if known and known.entity_id != thing.id:
        other = context.world.things[owner.name, known.entity_id]
        against = things_contradict(context, changes, thing, other)
        if against:
            return Outcome(against, other.id)
    xref = known or key(context, changes, said, owner, digest, named.native)
    if xref.entity_id != thing.id:
        _tie(context, changes, said, thing, oldest, xref)
        conclude(context, changes, said)
        write(context, changes)
        settle.trail(context, changes, Settled(), [said])
    return Outcome(born=tuple(changes.born))


def _tie(
    context: Context, changes: Changes, said: Said, thing: Thing, oldest: Xref, xref: Xref
) -> None:
    # a standing tie, so that separating something else keeps them together
    changes.links[oldest.x, xref.x] = (oldest.x, xref.x, xref.entity, said.seq, None)
    tie(context, changes, thing, context.world.things[xref.entity, xref.entity_id])
