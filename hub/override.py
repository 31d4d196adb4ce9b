"""A person's own word about one field of a record: it beats every system until its time is over or
it is taken back. It is an assertion like any other, of a key that only the hub has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub import settle
from hub.assertions import assert_one, key, withdraw_earlier
from hub.conclude import conclude
from hub.context import Changes, Context
from hub.fetch import fetch, home
from hub.identity import key_digest, tie
from hub.joining import CannotDo, Word
from hub.load import load_things, owner_of
from hub.model import check
from hub.model.spec import EntitySpec, entities
from hub.policy import PERSON
from hub.said import Prepared, Said, Settled
from hub.statement import Meaning
from hub.things import Thing, Xref, born
from hub.write import write

_NONE = {"removed": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """`value` is JSON as the API shows it: null means that the field has no value, a reference is
    the id of the record it leads to."""

    entity: str
    id: str
    field: str
    value: Any


def override(context: Context, given: Override, word: Word) -> None:
    """Says it, within the caller's transaction. Raises CannotDo for a record or field there is
    not, and for a value that the field cannot have."""
    spec = entities()[given.entity]
    fault = fault_of(spec, given)
    if fault:
        raise CannotDo(fault)
    owner = entities()[owner_of(spec)]
    [thing] = fetch(context, owner, [given.id])
    if not thing.xrefs:
        raise CannotDo(f"there is no {owner.name} {given.id}")
    changes = Changes(now=context.clock())
    said = Said(seq=word.seq, system=PERSON, at=word.at, meaning=Meaning())
    xref = _own_key(context, changes, said, owner, thing)
    fields = {given.field: _value(context, spec, given)}
    one = Prepared("stated", spec, owner, xref.home_id, xref.digest, fields=fields)
    assert_one(context, changes, said, one)
    _write(context, changes, said)


def lift(context: Context, seq: int, word: Word) -> None:
    """Takes back what the message `seq` overrode; what it had hidden counts again."""
    if not context.keeps:
        context.world.clear()
    changes = Changes(now=context.clock())
    withdraw_earlier(context, changes, seq)
    _write(context, changes, Said(seq=word.seq, system=PERSON, at=word.at, meaning=Meaning()))


def fault_of(spec: EntitySpec, given: Override) -> str:
    """Why this cannot be said, or ""; never the value."""
    field = spec.fields.get(given.field)
    if field is None:
        return f"{spec.name} has no field {given.field!r}; expected one of {', '.join(spec.fields)}"
    if given.value is None:
        return ""
    if field.meta.kind == "ref":
        return "" if isinstance(given.value, str) else f"expected the id of a {field.meta.of}"
    _, faults = check.check(spec.name, {given.field: given.value})
    return f"{spec.name}.{given.field}: expected {faults[0].expected}" if faults else ""


def _value(context: Context, spec: EntitySpec, given: Override) -> Any:  # noqa: ANN401 - JSON
    if given.value is None:
        return _NONE
    meta = spec.fields[given.field].meta
    if meta.kind != "ref":
        return given.value
    pair = (meta.of, home(context, entities()[meta.of], given.value))
    load_things(context, [pair])
    other = context.world.things[pair]
    if not other.xrefs:
        raise CannotDo(f"there is no {meta.of} {given.value}")
    return {"x": min(other.xrefs, key=born).x}


def _own_key(
    context: Context, changes: Changes, said: Said, owner: EntitySpec, thing: Thing
) -> Xref:
    """The key under which persons speak of a record: that of its oldest key, so that whoever
    parts a merged record gives each half back what was said of it."""
    oldest = min((x for x in thing.xrefs if x.system != PERSON), key=born)
    digest = key_digest(context.keyring, owner.name, PERSON, oldest.home_id)
    xref = context.world.by_digest.get(digest)
    if xref is None:
        xref = key(context, changes, said, owner, digest, oldest.home_id)
        changes.links[oldest.x, xref.x] = (oldest.x, xref.x, owner.name, said.seq, None)
        tie(context, changes, thing, context.world.things[owner.name, xref.entity_id])
    return xref


def _write(context: Context, changes: Changes, said: Said) -> None:
    conclude(context, changes, said)
    write(context, changes)
    settle.trail(context, changes, Settled(), [said])
