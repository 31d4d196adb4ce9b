"""Reads what a batch touches: one query a table, whatever the batch's size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import orjson

from hub import young
from hub.context import Changes, Context
from hub.database import Row
from hub.fold import fold, is_gone
from hub.model.spec import EntitySpec, entities
from hub.policy import PERSON
from hub.stored import as_written
from hub.things import Assertion, Thing, Xref

_XREF = "select x, digest, entity, system, native, home_id, entity_id, live from xref"
_HELD = "select i.digest, i.x from {pairs} p join identifier i on i.find = p.a and i.digest = p.b"
_ENVELOPE = "version, valid_from, recorded_at, quality, withdrawn, superseded_by"
_ASSERTION = "select a, x, entity, seq, at, native_version, kind, said, sealed, echo from assertion"


def load(context: Context, keys: Iterable[bytes], identifiers: Mapping[bytes, bytes]) -> None:
    """Takes into the world all things that these keys and identifiers lead to. Of an identifier
    the digest and what it is found by."""
    world, session = context.world, context.session
    wanted = [d for d in keys if d not in world.by_digest and d not in world.absent]
    new = young.numbers(context)
    more = {new[d] for d in wanted if d in new}
    aged = [d for d in wanted if d not in new]
    rows = session.among(f"{_XREF} where digest in {{members}} and not young", aged)
    world.absent.update(wanted)
    unknown = [(find, d) for d, find in identifiers.items() if d not in world.holders]
    for _, digest in unknown:
        world.holders[digest] = []
    held = session.among_pairs(_HELD, unknown)
    for digest, x in held:
        world.holders[digest].append(x)
    more |= {x for _, x in held if x not in world.by_number}
    rows += session.among(f"{_XREF} where x in {{members}}", sorted(more))
    load_things(context, {(row[2], row[6]) for row in rows})


def load_things(context: Context, wanted: Iterable[tuple[str, str]]) -> None:
    """Takes whole things into the world: every key, live assertion and sealed part."""
    world = context.world
    new = sorted({pair for pair in wanted if pair not in world.things})
    if not new:
        return
    ids = sorted({i for _, i in new})
    rows = context.session.among(f"{_XREF} where entity_id in {{members}}", ids)
    xrefs = _xrefs(context, rows)
    _identifiers(context, [xref.x for xref in xrefs])
    _open_findings(context, [xref.x for xref in xrefs])
    by_thing: dict[str, list[Xref]] = {}
    for xref in xrefs:
        by_thing.setdefault(xref.entity_id, []).append(xref)
    made = []
    for entity, one in new:
        for name in (entity, *parts_of(entity)):
            thing = Thing(entity=name, id=one, xrefs=by_thing.setdefault(one, []))
            world.things[name, one] = thing
            made.append(thing)
    _standing_rows(context, made)
    _references(context, xrefs)
    for thing in made:
        refold(context, thing)
    if context.stale:
        _as_written(context, made)


def _as_written(context: Context, things: Sequence[Thing]) -> None:
    """What another policy made is what its rows say, not what the statements fold to now."""
    for entity in context.stale & {thing.entity for thing in things}:
        as_written(context, entity, [thing for thing in things if thing.entity == entity])


def refold(context: Context, thing: Thing) -> None:
    """Sets the thing's fields to what its keys' live assertions fold to."""
    thing.golden, thing.provenance = fold(
        thing.entity, thing.xrefs, context.policy, context.world.homes.__getitem__
    )


def gone(thing: Thing) -> bool:
    """Whether every system that spoke of it has withdrawn it."""
    entity = thing.entity
    if not _is_withdrawn_anywhere(thing):
        return False
    voices = [
        own
        for xref in thing.xrefs
        if xref.system != PERSON  # a person's word about a field is none about the record
        if (own := [a for a in xref.live if a.entity == entity])
    ]
    return bool(voices) and all(is_gone(own) for own in voices)


def _is_withdrawn_anywhere(thing: Thing) -> bool:
    for xref in thing.xrefs:
        for assertion in xref.live:
            if assertion.kind == "gone":
                return True
    return False


@cache
def parts_of(entity: str) -> tuple[str, ...]:
    """The sealed parts of an entity."""
    return tuple(spec.name for spec in entities().values() if spec.beside == entity)


def owner_of(spec: EntitySpec) -> str:
    """The entity whose keys this one goes by."""
    return spec.beside or spec.name


def _xrefs(context: Context, rows: Sequence[Row]) -> list[Xref]:
    xrefs = []
    numbers: dict[int, Xref] = {}
    for x, digest, entity, system, native, home_id, entity_id, live in rows:
        xref = Xref(x, digest, entity, system, native, home_id, entity_id)
        xrefs.append(xref)
        context.world.hold(xref)
        for a in orjson.loads(live):
            numbers[a] = xref
    for row in context.session.among(f"{_ASSERTION} where a in {{members}}", sorted(numbers)):
        numbers[row[0]].live.append(_assertion(context, row))
    return xrefs


def all_of(context: Context, changes: Changes, x: int) -> list[Assertion]:
    """Every assertion ever made under a key, in this batch too, that has not been made void."""
    rows = context.session.all(f"{_ASSERTION} where x = ? order by a", (x,))
    rows += [row[:10] for row in changes.assertions if row[1] == x]
    void = {(row[2], row[3]): row[0] for row in rows if row[6] == "void"}
    return [
        _assertion(context, row)
        for row in rows
        if row[6] != "void" and row[0] > void.get((row[2], row[3]), -1)
    ]


def _assertion(context: Context, row: Row) -> Assertion:
    a, x, entity, seq, at, version, kind, said, sealed, echo = row
    if sealed is not None:
        said = context.keyring.open(sealed, assertion_place(a))
    fields = orjson.loads(said) if said else {}
    echoes = frozenset(orjson.loads(echo)) if echo else frozenset()
    return Assertion(a, x, entity, seq, at, version, kind, fields, echoes)


def assertion_place(a: int) -> bytes:
    """Where an assertion's cell is sealed for."""
    return f"assertion|{a}|sealed".encode()


def _identifiers(context: Context, xs: Sequence[int]) -> None:
    rows = context.session.among(
        "select x, entity, type, assigner, digest from identifier where x in {members}", xs
    )
    for x, entity, type_, assigner, digest in rows:
        kind = entities()[entity].identifiers.get(type_)
        single = kind is not None and kind.single
        context.world.given.setdefault(x, []).append((type_, assigner, digest, single))


def _open_findings(context: Context, xs: Sequence[int]) -> None:
    rows = context.session.among(
        "select x, digest, id, rule from finding where closed_at is null and x in {members}", xs
    )
    for x, digest, one, rule in rows:
        context.world.open_findings.setdefault(x, {})[bytes(digest)] = (one, rule)


def _standing_rows(context: Context, things: Sequence[Thing]) -> None:
    by_entity: dict[str, dict[str, Thing]] = {}
    for thing in things:
        by_entity.setdefault(thing.entity, {})[thing.id] = thing
    for entity, known in by_entity.items():
        table = entities()[entity].table.name
        rows = context.session.among(
            f"select id, {_ENVELOPE} from {table} where id in {{members}}",
            list(known),
        )
        for one, n, valid_from, recorded_at, quality, withdrawn, superseded_by in rows:
            thing = known[one]
            thing.n, thing.valid_from, thing.quality = n, valid_from, quality
            thing.recorded_at = recorded_at
            thing.withdrawn, thing.superseded_by = bool(withdrawn), superseded_by
            thing.led_away = superseded_by is not None


def _references(context: Context, xrefs: Sequence[Xref]) -> None:
    homes = context.world.homes
    meant = {
        value["x"]
        for xref in xrefs
        for assertion in xref.live
        for value in assertion.fields.values()
        if type(value) is dict and "x" in value
    }
    missing = sorted(x for x in meant if x not in homes)
    homes.update(
        context.session.among("select x, entity_id from xref where x in {members}", missing)
    )
