"""Another policy: what it would change in the records that stand, and working them out again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hub import settle
from hub.believed import note
from hub.conclude import conclude
from hub.context import Changes, Context
from hub.load import load_things, owner_of, refold
from hub.locks import lock
from hub.model.spec import EntitySpec, entities
from hub.said import Said, Settled
from hub.statement import Meaning
from hub.things import Thing
from hub.write import write

CHUNK = 500  # records a transaction works out


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one record. `before` and `after` are None where it has no value, and both
    "(sealed)" where the field is; `by` is the system whose word would count, "" where none."""

    entity: str
    id: str
    label: str
    field: str
    before: Any
    after: Any
    by: str


def chunks(context: Context, entity: str) -> Iterator[list[str]]:
    """The ids of an entity's records in order, so many at a time."""
    table, after = entities()[entity].table.name, ""
    while True:
        rows = context.session.all(
            f"select id from {table} where id > ? order by id limit {CHUNK}", (after,)
        )
        if not rows:
            return
        after = rows[-1][0]
        yield [row[0] for row in rows]


def differences(context: Context, entity: str) -> Iterator[Difference]:
    """What working out every record of `entity` by the context's policy would change. Only
    reads; `context.stale` must name the entity."""
    spec = entities()[entity]
    for ids in chunks(context, entity):
        context.world.clear()
        load_things(context, [(owner_of(entities()[entity]), one) for one in ids])
        for one in ids:
            yield from _of(context, spec, context.world.things[entity, one])
        context.world.clear()  # what was tried out is no more


def _of(context: Context, spec: EntitySpec, thing: Thing) -> Iterator[Difference]:
    before = thing.golden
    refold(context, thing)
    after = thing.golden
    systems = {a.a: xref.system for xref in thing.xrefs for a in xref.live}
    label = spec.fields.get(spec.label)
    name = "" if label is None or label.sealed else str(before.get(label.name) or "")
    for field in spec.fields.values():
        old, new = before.get(field.name), after.get(field.name)
        if old == new:
            continue
        if field.sealed:
            old = new = "(sealed)"
        by = systems.get(thing.provenance.get(field.name, 0), "")
        yield Difference(spec.name, thing.id, name, field.name, old, new, by)


def recompute(context: Context, entity: str, ids: Sequence[str], *, seq: int, at: int) -> int:
    """Works out these records again by the present policy, in the caller's transaction; the
    number of versions that made. `seq` and `at` are those of the order."""
    rows = context.session.among("select digest from xref where entity_id in {members}", list(ids))
    lock(context, [bytes(row[0]) for row in rows], {})
    if not context.keeps:
        context.world.clear()
    load_things(context, [(owner_of(entities()[entity]), one) for one in ids])
    changes = Changes(now=context.clock())
    said = Said(seq=seq, system="crohub", at=at, meaning=Meaning())
    for one in ids:
        changes.touched[entity, one] = context.world.things[entity, one]
    conclude(context, changes, said)
    write(context, changes)
    settle.trail(context, changes, Settled(), [said])
    return len(changes.versions)


def finish(context: Context, entity: str) -> None:
    """Every record of `entity` has been worked out by the present policy."""
    note(context.session, context.policy, entity)
    context.stale -= {entity}
    context.world.clear()
