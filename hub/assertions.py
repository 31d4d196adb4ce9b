"""Applies statements: a source never overwrites, it asserts."""

from __future__ import annotations

from typing import Any

import orjson

from hub import called
from hub.approve import waiting
from hub.asking import ask
from hub.clock import uuid7
from hub.context import Changes, Context, Echoes
from hub.findings import contradicted
from hub.fold import still_live
from hub.identity import Token, identify, remember, tie
from hub.load import all_of, assertion_place, load_things, parts_of
from hub.model.spec import EntitySpec
from hub.relations import APART, LINKED, parted, refuse, relate, spoken_since
from hub.said import UNTIMED, Prepared, Said
from hub.separate import separate
from hub.things import Assertion, Fields, Thing, Xref, born

REFERRED = "~"  # the system of keys we make ourselves for what is known by identifier only


def assert_one(context: Context, changes: Changes, said: Said, one: Prepared) -> None:
    """One statement of one message."""
    if one.kind == "same":
        _same(context, changes, said, one)
        return
    if one.kind == "linked":
        _linked(context, changes, said, one)
        return
    xref = key(context, changes, said, one.owner, one.digest, one.key)
    if one.tokens:
        for against in identify(context, changes, one.owner, xref, one.tokens, one.fields):
            refuse(context, changes, against.kind, xref, against.thing, said.seq)
            contradicted(context, changes, said, one, xref, against)
    if one.of:
        _belongs(context, changes, said, one, xref)
    fields = _fields(context, changes, said, one) if one.refs else one.fields
    at = (said.at if said.timed else UNTIMED) if one.at is None else one.at
    a = context.numbers.next("assertion", "a")
    made = Assertion(a, xref.x, one.spec.name, said.seq, at, one.version, one.kind, fields)
    if context.echoes is not None:
        made.echo = _echo(context, context.echoes, said.system, one.spec, xref, fields)
    if one.entity in context.policy.asking:
        made = waiting(context, changes, said, one.spec, xref, made)
    take_in(context, changes, one.spec, xref, made)


def key(
    context: Context, changes: Changes, said: Said, owner: EntitySpec, digest: bytes, native: str
) -> Xref:
    """A system's key for a thing; a new key gets a new thing of its own."""
    known = context.world.by_digest.get(digest)
    if known:
        return known
    x = context.numbers.next("xref", "x")
    born = uuid7(changes.now)
    sealed = context.keyring.seal(native.encode(), f"xref|{x}|native".encode())
    xref = Xref(x, digest, owner.name, said.system, sealed, born, born)
    context.world.hold(xref)
    context.world.given.setdefault(x, [])
    own = [xref]
    for name in (owner.name, *parts_of(owner.name)):
        context.world.things[name, born] = Thing(name, born, own, valid_from=said.at)
    changes.xrefs[x] = None
    changes.new_xrefs.add(x)
    changes.born.append(digest)
    touch(context, changes, owner.name, born)
    return xref


def touch(context: Context, changes: Changes, entity: str, one: str) -> None:
    """Marks a thing to be folded again when the message is through."""
    changes.touched[entity, one] = context.world.things[entity, one]


def take_in(
    context: Context, changes: Changes, spec: EntitySpec, xref: Xref, made: Assertion
) -> None:
    """An assertion becomes one of its key's, and its record is worked out again."""
    entity = spec.name
    own = [a for a in xref.live if a.entity == entity]
    if own:
        others = [a for a in xref.live if a.entity != entity]
        xref.live = others + still_live([*own, made])
    else:
        xref.live.append(made)
    changes.xrefs[xref.x] = None
    said: str | None = None
    sealed: bytes | None = None
    if spec.sealed:
        sealed = context.keyring.seal(orjson.dumps(made.fields), assertion_place(made.a))
    else:
        said = orjson.dumps(made.fields).decode()
    echo = orjson.dumps(sorted(made.echo)).decode() if made.echo else None
    changes.assertions.append(
        (
            made.a, made.x, entity, made.seq, made.at, made.version, made.kind, said, sealed, echo,
            changes.now,
        )
    )  # fmt: skip
    touch(context, changes, entity, xref.entity_id)


def _echo(
    context: Context,
    echoes: Echoes,
    system: str,
    spec: EntitySpec,
    xref: Xref,
    fields: dict[str, Any],
) -> frozenset[str]:
    """The fields that only repeat what this system was told by us. A record that was merged is
    known under every id its keys were born with."""
    homes = context.world.homes
    values = {
        name: homes[value["x"]] if type(value) is dict else value
        for name, value in fields.items()
        if value is not None and not (type(value) is dict and "x" not in value)
    }
    thing = context.world.things[xref.entity, xref.entity_id]
    return echoes(system, spec.name, {key.home_id for key in thing.xrefs}, values)


def _fields(context: Context, changes: Changes, said: Said, one: Prepared) -> Fields:
    fields = dict(one.fields)
    for name, (owner, digest, native, given) in one.refs.items():
        xref = refer(context, changes, said, owner, digest, native, given)
        fields[name] = {"x": xref.x} if xref else None
    return fields


def refer(
    context: Context,
    changes: Changes,
    said: Said,
    owner: EntitySpec,
    digest: bytes,
    native: str,
    given: tuple[Token, ...],
) -> Xref | None:
    """The key a reference means. What is not known yet becomes a stub that resolves later;
    a reference by identifiers of which none is usable means nothing."""
    if native and not digest:
        thing = called.record(context, owner.name, native)
        return min(thing.xrefs, key=born) if thing else None
    if digest:
        xref = key(context, changes, said, owner, digest, native)
        for against in identify(context, changes, owner, xref, given) if given else ():
            refuse(context, changes, against.kind, xref, against.thing, said.seq)
        return xref
    for token in given:
        for x in context.world.holders.get(token.digest, ()):
            return context.world.by_number[x]
    if not given:
        return None
    first = given[0]
    own = context.keyring.digest(f"{REFERRED}{first.digest.hex()}")
    xref = key(context, changes, said, owner, own, REFERRED)
    remember(context, changes, owner, xref, given)
    return xref


def _same(context: Context, changes: Changes, said: Said, one: Prepared) -> None:
    kept = key(context, changes, said, one.owner, one.digest, one.key)
    retired = key(context, changes, said, one.owner, one.retired, one.retired_key)
    stated, withdrawn = _link(context, changes, kept.x, retired.x)
    if max(stated, withdrawn) > said.seq:
        return  # settled again: a later message has spoken of this tie since
    if one.withdrawn:
        row = (kept.x, retired.x, one.owner.name, said.seq, said.seq)
        changes.links[kept.x, retired.x] = row
        separate(context, changes, kept)
        return
    _are_one(context, changes, said, one, kept, retired)


def _belongs(context: Context, changes: Changes, said: Said, one: Prepared, xref: Xref) -> None:
    """A source says by our own id which record its key is of. One that is no more is nobody's."""
    thing = called.record(context, one.owner.name, one.of)
    if thing and thing.id != xref.entity_id:
        _are_one(context, changes, said, one, min(thing.xrefs, key=born), xref)


def _are_one(
    context: Context, changes: Changes, said: Said, one: Prepared, kept: Xref, retired: Xref
) -> None:
    changes.links[kept.x, retired.x] = (kept.x, retired.x, one.owner.name, said.seq, None)
    if kept.entity_id != retired.entity_id:
        things = context.world.things
        first, second = (things[one.owner.name, x.entity_id] for x in (kept, retired))
        if parted(context, changes, first, second) == APART:
            ask(changes, kept, retired, "apart", said.system)
        else:
            tie(context, changes, first, second)


def _linked(context: Context, changes: Changes, said: Said, one: Prepared) -> None:
    """A source keeps two records of one person and says that they are: nothing is tied, a person
    is asked. Taken back, the question is about something that nobody says any more."""
    first = key(context, changes, said, one.owner, one.digest, one.key)
    second = key(context, changes, said, one.owner, one.retired, one.retired_key)
    if first.x == second.x or spoken_since(context, changes, LINKED, first, second) > said.seq:
        return
    relate(changes, LINKED, first, second, said.seq, withdrawn=one.withdrawn)
    ask(changes, first, second, LINKED, said.system, withdrawn=one.withdrawn)


def _link(context: Context, changes: Changes, kept: int, retired: int) -> tuple[int, int]:
    """The numbers of the messages that last stated and last withdrew a tie; 0: none did."""
    planned = changes.links.get((kept, retired))
    row = (
        planned[3:]
        if planned
        else context.session.one(
            "select seq, withdrawn_seq from same_as where kept_x = ? and retired_x = ?",
            (kept, retired),
        )
    )
    return (row[0], row[1] or 0) if row else (0, 0)


def withdraw_earlier(context: Context, changes: Changes, seq: int) -> None:
    """Before a message is settled again: what it asserted before is void from now on, and what
    it had hidden counts again."""
    rows = context.session.all(
        "select distinct xref.entity, xref.entity_id, assertion.x, assertion.entity "
        "from assertion join xref on xref.x = assertion.x "
        "where assertion.seq = ? and assertion.kind <> 'void'",
        (seq,),
    )
    load_things(context, {(entity, one) for entity, one, _, _ in rows})
    for _, _, x, entity in rows:
        xref = context.world.by_number[x]
        a = context.numbers.next("assertion", "a")
        changes.assertions.append((a, x, entity, seq, 0, "", "void", None, None, None, changes.now))
        standing = [b for b in all_of(context, changes, x) if b.entity == entity and b.seq != seq]
        others = [b for b in xref.live if b.entity != entity]
        xref.live = others + (still_live(standing) if standing else [])
        changes.xrefs[x] = None
        touch(context, changes, entity, xref.entity_id)
