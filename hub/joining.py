"""What a person says of two records: they are one, they are not, this key is not of that record.

Each is a statement of its own that stands until it is taken back, and the records are worked out
again: a merge that is undone leaves both as they were. The older id stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from hub import settle
from hub.conclude import conclude
from hub.context import Changes, Context
from hub.fetch import fetch, home
from hub.identity import key_digest, tie
from hub.model.spec import EntitySpec
from hub.relations import APART, relate, unrelate
from hub.said import Said, Settled
from hub.separate import Pair, separate, ties
from hub.statement import Meaning
from hub.things import Thing, Xref, born
from hub.write import write


class CannotDo(Exception):
    """What a person asks of records cannot be done; says why, without a value of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """The message that says it: its number, and when it was said (microseconds)."""

    seq: int
    at: int


def merge(context: Context, owner: EntitySpec, one: str, other: str, word: Word) -> str:
    """Makes two records one, whatever identifiers say, and whatever was said before to keep them
    apart. The id that stays; they may be one already. Raises CannotDo."""
    changes = Changes(now=context.clock())
    first, second = _known(context, owner, [one, other])
    if first is second:
        return first.id
    unrelate(context, changes, APART, [*first.xrefs, *second.xrefs], word.seq)
    kept, retired = sorted((min(first.xrefs, key=born), min(second.xrefs, key=born)), key=born)
    changes.links[kept.x, retired.x] = (kept.x, retired.x, owner.name, word.seq, None)
    stays = tie(context, changes, first, second)
    _write(context, changes, word)
    return stays.id


def unmerge(context: Context, owner: EntitySpec, one: str, word: Word) -> str:
    """Takes back the statements that made the record `one` part of another; the id it was part
    of. Raises CannotDo where it is not, or where equal identifiers hold them together."""
    changes = Changes(now=context.clock())
    [thing] = _known(context, owner, [one])
    own = [xref for xref in thing.xrefs if xref.home_id == one]
    if thing.id == one or not own:
        raise CannotDo(f"{owner.name} {one} is not part of another record")
    kept = min(thing.xrefs, key=born)
    for pair in _holding(context, changes, thing, min(own, key=born), kept):
        changes.links[pair] = (*_link(context, pair)[:4], word.seq)
    former = thing.id
    separate(context, changes, kept)
    _write(context, changes, word)
    return former


def split(
    context: Context, owner: EntitySpec, one: str, system: str, native: str, word: Word
) -> str:
    """Takes the key by which `system` knows the record out of it, for good: no identifier brings
    it back, only a merge does. The id of the record it is now. Raises CannotDo."""
    changes = Changes(now=context.clock())
    digest = key_digest(context.keyring, owner.name, system, native)
    [thing] = _known(context, owner, [one], digest)
    xref = context.world.by_digest.get(digest)
    if xref is None or xref.entity_id != thing.id:
        raise CannotDo(f"{owner.name} {one} has no such key of {system!r}")
    rest = [other for other in thing.xrefs if other is not xref]
    if not rest:
        raise CannotDo(f"{owner.name} {one} has no other key: there is nothing to part")
    for other in rest:
        relate(changes, APART, xref, other, word.seq)
    separate(context, changes, xref)
    _write(context, changes, word)
    return xref.entity_id


def keep_apart(context: Context, owner: EntitySpec, one: str, other: str, word: Word) -> None:
    """Two records are not one, whatever identifiers say or will say. Raises CannotDo where they
    have become one."""
    changes = Changes(now=context.clock())
    first, second = _known(context, owner, [one, other])
    if first is second:
        raise CannotDo(f"{owner.name} {one} and {other} are one record: `unmerge` parts them")
    for mine, theirs in product(first.xrefs, second.xrefs):
        relate(changes, APART, mine, theirs, word.seq)
    _write(context, changes, word)


def _known(
    context: Context, owner: EntitySpec, ids: Sequence[str], digest: bytes = b""
) -> list[Thing]:
    things = fetch(context, owner, ids, digest)
    for one, thing in zip(ids, things, strict=True):
        if not thing.xrefs:
            raise CannotDo(f"there is no {owner.name} {one}")
    return things


def _holding(
    context: Context, changes: Changes, thing: Thing, one: Xref, other: Xref
) -> list[Pair]:
    """The said ties that must go, and no more, so that these two keys come apart; the latest
    first."""
    all_ = ties(context, changes, thing.xrefs)

    def together(left: Sequence[Pair]) -> bool:
        said = {pair: all_.said[pair] for pair in left}
        return replace(all_, said=said).are_together(one, other)

    if together([]):
        raise CannotDo(
            "equal identifiers make them one, nobody's word: `split` takes a key out of a record"
        )
    left = sorted(all_.said, key=all_.said.__getitem__)
    taken: list[Pair] = []
    while together(left):
        taken.append(left.pop())
    for pair in taken[::-1]:
        if not together([*left, pair]):
            left.append(pair)
    return [pair for pair in taken if pair not in left]


def _link(context: Context, pair: Pair) -> tuple[int, int, str, int, int | None]:
    row = context.session.one(
        "select kept_x, retired_x, entity, seq, withdrawn_seq from same_as "
        "where kept_x = ? and retired_x = ?",
        pair,
    )
    assert row is not None  # noqa: S101 - it has just been read
    return (row[0], row[1], row[2], row[3], row[4])


def _write(context: Context, changes: Changes, word: Word) -> None:
    said = Said(seq=word.seq, system="crohub", at=word.at, meaning=Meaning())
    conclude(context, changes, said)
    write(context, changes)
    settle.trail(context, changes, Settled(), [said])


def are_one(context: Context, owner: EntitySpec, ids: Sequence[str]) -> bool:
    """Whether these records have become one."""
    return len({home(context, owner, one) for one in ids}) == 1
