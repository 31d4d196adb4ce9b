"""After a message: folds what it touched again, and keeps a version where something changed."""

from __future__ import annotations

from typing import Any

import orjson

from hub.context import Changes, Context
from hub.judge import judge
from hub.load import gone, refold
from hub.model.spec import entities
from hub.said import Said
from hub.things import Thing
from hub.write import provenance_text, version_place


def conclude(context: Context, changes: Changes, said: Said) -> None:
    """Folds every touched thing again, and writes down what became of it."""
    for thing in changes.touched.values():
        _conclude_one(context, changes, said, thing)


def _conclude_one(context: Context, changes: Changes, said: Said, thing: Thing) -> None:
    before = (thing.golden, thing.provenance, thing.withdrawn, thing.quality)
    refold(context, thing)
    thing.withdrawn = gone(thing)
    thing.quality = judge(context, changes, said, thing, before[0]) or _quality(thing)
    changed = _changed(before[0], thing.golden)
    if thing.withdrawn != before[2]:
        changed["#withdrawn"] = thing.withdrawn
    if thing.led_away != (thing.superseded_by is not None):
        changed["#superseded_by"] = thing.superseded_by
        thing.led_away = not thing.led_away
    if thing.quality != before[3]:
        changed["#quality"] = thing.quality
    if not thing.n and not thing.golden and entities()[thing.entity].beside:
        return  # a sealed part nobody has spoken of has no row
    if changed or not thing.n:
        _version(context, changes, said, thing, changed)
        changes.things[thing.entity, thing.id] = thing
    elif thing.provenance != before[1]:
        changes.things[thing.entity, thing.id] = thing


def _quality(thing: Thing) -> str:
    if thing.golden or thing.superseded_by:
        return "ok"
    spoken = any(a.entity == thing.entity for xref in thing.xrefs for a in xref.live)
    return "ok" if spoken else "stub"


def _changed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    if old == new:
        return {}
    if not old:
        return dict(new)
    changed = {name: value for name, value in new.items() if old.get(name) != value}
    for name in old:
        if name not in new:
            changed[name] = None
    return changed


def _version(
    context: Context, changes: Changes, said: Said, thing: Thing, changed: dict[str, Any]
) -> None:
    if not thing.n:
        changes.new_things.add((thing.entity, thing.id))
    thing.n += 1
    thing.valid_from = said.at
    # a clock that was set back must not make two versions of one moment: what was known then would
    # be the later one without what it builds on
    thing.recorded_at = max(thing.recorded_at, changes.now)
    v = context.numbers.next("version", "v")
    plain = orjson.dumps(changed)
    text: str | None = None
    sealed: bytes | None = None
    if entities()[thing.entity].sealed:
        sealed = context.keyring.seal(plain, version_place(v))
    else:
        text = plain.decode()
    won = {name: a for name, a in thing.provenance.items() if name in changed}
    changes.versions.append(
        (
            v, thing.entity, thing.id, thing.n, said.seq, said.at, thing.recorded_at, text, sealed,
            provenance_text(won),
        )
    )  # fmt: skip
