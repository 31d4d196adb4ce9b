"""Which thing is meant: deterministic keys, merges a source states, and taking them back.

Keys and identifiers form a graph: a system's key holds identifiers, equal strong identifiers
tie keys together, and so does a source's own word (SameAs). A thing is a connected part; its id
is the oldest its keys were born with, so that undoing a tie gives the former ids back.
A false merge is worse than a duplicate: where a single-valued identifier contradicts, nothing is
tied and a finding says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from hub import identifiers as rules
from hub.context import Changes, Context
from hub.load import parts_of
from hub.model.spec import EntitySpec, entities
from hub.referring import touch_referring
from hub.relations import APART, CLASHED, REFUSED, parted, reconcile
from hub.seal import Keyring
from hub.statement import Identifier
from hub.things import Thing, World, Xref

# a medical record number identifies only together with the birth (a number that was given twice,
# or one digit off, would make one person of two)
_TELLING: Mapping[str, tuple[str, ...]] = MappingProxyType({"Participant": ("year_of_birth",)})


@dataclass(slots=True, eq=False)  # not frozen: a frozen one costs four times as much to make
class Token:
    """One identifier ready to be looked up. `single`: two of one assigner contradict."""

    digest: bytes
    find: bytes
    type: str
    assigner: str
    value: str
    strong: bool
    single: bool
    since: str = ""
    until: str = ""


class Against(NamedTuple):
    """What speaks against a tie to which thing: an identifier's type, a field, or what was said or
    found before (`apart`, `refused`)."""

    what: str
    thing: Thing

    @property
    def kind(self) -> str:
        """How it is remembered: a field may be put right, an identifier is never forgotten."""
        return CLASHED if self.what in _TELLING.get(self.thing.entity, ()) else REFUSED


def tokens(keyring: Keyring, spec: EntitySpec, given: Iterable[Identifier]) -> list[Token]:
    """The usable identifiers of a statement. Placeholders and malformed ones are no tokens."""
    found = []
    for one in given:
        token = _token(keyring, spec.name, one.type, one.value, one.assigner)
        if token and (one.since or one.until):
            token = replace(token, since=one.since, until=one.until)
        if token:
            found.append(token)
    return found


@lru_cache(maxsize=8192)  # a hospital speaks of the same people for days
def _token(keyring: Keyring, entity: str, type_: str, value: str, assigner: str) -> Token | None:
    plain, verdict, text = rules.assess(entity, Identifier(type_, value, assigner))
    if text is None:
        return None
    digest = keyring.digest
    return Token(
        digest(text),
        digest(f"find|{entity}|{type_}|{plain}")[:8],
        type_,
        assigner,
        value,
        verdict == "matches",
        entities()[entity].identifiers[type_].single,
    )


def find_digest(keyring: Keyring, entity: str, type_: str, value: str) -> bytes:
    """What a person searches by: type and value, whoever assigned it; 8 bytes."""
    text = rules.normalise(type_, value)
    return keyring.digest(f"find|{entity}|{type_}|{text}")[:8]


def key_digest(keyring: Keyring, entity: str, system: str, native: str) -> bytes:
    """The blind index of a system's own key."""
    return keyring.digest(f"key|{entity}|{system}|{native}")


def things_by_tokens(world: World, given: Sequence[Token]) -> list[Thing]:
    """Things that share a strong identifier, oldest first."""
    found: dict[str, Thing] = {}
    for token in given:
        if not token.strong:
            continue
        for x in world.holders.get(token.digest, ()):
            xref = world.by_number.get(x)
            if xref:
                found[xref.entity_id] = world.things[xref.entity, xref.entity_id]
    return [found[i] for i in sorted(found)]


def contradicts(context: Context, thing: Thing, given: Sequence[Token]) -> str:
    """The identifier type that speaks against `thing` being what `given` names, or "".

    Both have values of a single-valued type from one assigner, and none in common.
    """
    singles = [t for t in given if t.single]
    if not singles:
        return ""
    held = held_singles(context, thing.xrefs)
    for token in singles:
        known = held.get((token.type, token.assigner))
        mine = {t.digest for t in singles if (t.type, t.assigner) == (token.type, token.assigner)}
        if known and not known & mine:
            return token.type
    return ""


def held_singles(context: Context, xrefs: Sequence[Xref]) -> dict[tuple[str, str], set[bytes]]:
    """Digests of the single-valued identifiers that these keys hold, by type and assigner."""
    held: dict[tuple[str, str], set[bytes]] = {}
    for xref in xrefs:
        for type_, assigner, digest, single in context.world.given.get(xref.x, ()):
            if single:
                held.setdefault((type_, assigner), set()).add(digest)
    return held


def identify(
    context: Context,
    changes: Changes,
    spec: EntitySpec,
    xref: Xref,
    given: Sequence[Token],
    spoken: Mapping[str, Any] = MappingProxyType({}),
) -> list[Against]:
    """Ties `xref` to whatever its identifiers say it is, and remembers them. `spoken`: the fields
    that are said with them. Returns what spoke against it."""
    holders, alone = context.world.holders, [xref.x]
    for token in given:
        if holders.get(token.digest) != alone:
            break
    else:
        return []  # the everyday case: it alone holds them all
    against = []
    for other in things_by_tokens(context.world, given):
        if other.id == xref.entity_id:
            continue
        own = context.world.things[xref.entity, xref.entity_id]
        speaks = things_contradict(context, changes, own, other, spoken) or contradicts(
            context, other, given
        )
        if speaks:
            against.append(Against(speaks, other))
        else:
            tie(context, changes, own, other)
    remember(context, changes, spec, xref, given)
    return against


def things_contradict(
    context: Context,
    changes: Changes,
    one: Thing,
    other: Thing,
    spoken: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """What speaks against two things being one: what was said or found before (`apart`,
    `refused`), an identifier's type, a field, or "". `spoken`: what is being said of the first."""
    before = parted(context, changes, one, other)
    if before in (APART, REFUSED):
        return before
    mine, theirs = (held_singles(context, thing.xrefs) for thing in (one, other))
    for key, digests in mine.items():
        if key in theirs and not digests & theirs[key]:
            return key[0]
    clash = _clash(entities()[one.entity], {**one.golden, **spoken}, other)
    if before and not clash:
        reconcile(context, changes, one, other)
    return clash


def _clash(spec: EntitySpec, spoken: Mapping[str, Any], other: Thing) -> str:
    """The field in which no two records of one thing differ, and these do, or ""."""
    for name in _TELLING.get(spec.name, ()):
        mine, theirs = spoken.get(name), other.golden.get(name)
        known = type(mine) is type(theirs) is int
        if known and mine != theirs:
            return name
    return ""


def remember(
    context: Context, changes: Changes, spec: EntitySpec, xref: Xref, given: Sequence[Token]
) -> None:
    """Notes which identifiers this key holds; what was noted before stays, with what was said last
    of its first and last day."""
    world = context.world
    for token in given:
        holders = world.holders.setdefault(token.digest, [])
        if xref.x in holders:
            if token.since or token.until:
                row = (token.since, token.until, token.find, token.digest, xref.x)
                changes.periods.append(row)
            continue
        holders.append(xref.x)
        world.given.setdefault(xref.x, []).append(
            (token.type, token.assigner, token.digest, token.single)
        )
        place = f"identifier|{xref.x}|value".encode()
        sealed = context.keyring.seal(token.value.encode(), place)
        changes.identifiers.append(
            (
                token.digest, xref.x, spec.name, token.type, token.assigner, sealed,
                token.find, token.strong, token.since, token.until,
            )
        )  # fmt: skip
        changes.born.append(token.digest)


def tie(context: Context, changes: Changes, one: Thing, other: Thing) -> Thing:
    """Makes two things one: the older id stays, the other leads there."""
    kept, lost = sorted((one, other), key=lambda thing: thing.id)
    if lost.n:
        touch_referring(context, changes, lost.entity, lost.id)
    for xref in lost.xrefs:
        move(context, changes, xref, kept)
    changes.touched[kept.entity, kept.id] = kept
    lost.xrefs = []
    if not lost.n:
        _unmake(context, changes, lost)
        return kept
    for part in (lost.entity, *parts_of(lost.entity)):
        gone, stays = context.world.things[part, lost.id], context.world.things[part, kept.id]
        gone.xrefs, gone.superseded_by = lost.xrefs, kept.id
        changes.touched[part, kept.id] = stays
        changes.touched[part, lost.id] = gone
    return kept


def _unmake(context: Context, changes: Changes, thing: Thing) -> None:
    """A thing that was born a moment ago and turns out to be another one leaves no trace."""
    for part in (thing.entity, *parts_of(thing.entity)):
        context.world.things.pop((part, thing.id), None)
        changes.touched.pop((part, thing.id), None)


def move(context: Context, changes: Changes, xref: Xref, thing: Thing) -> None:
    """Re-points one key to `thing`; what it says goes with it."""
    xref.entity_id = thing.id
    context.world.homes[xref.x] = thing.id
    thing.xrefs.append(xref)
    changes.xrefs[xref.x] = None
