"""What is odd about a record as it stands now: findings that belong to the record, not to a
message. They are opened once, kept up to date, and closed when the record is right again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from hub.clock import uuid7
from hub.context import Changes, Context
from hub.disagree import CONFLICT, disagreements
from hub.model.spec import entities
from hub.said import Said
from hub.things import Fields, Judged, Thing

JUMP = "illegal-step"
_NAMED = 5  # records that a finding names; a column of 200 characters holds them
_QUALITY = {CONFLICT: "conflict", JUMP: "warning"}  # what a record lacks is a warning as well
_ODD = ("conflict", "warning")


class Oddity(NamedTuple):
    """One thing wrong with one field of a record."""

    rule: str
    field: str
    found: str
    expected: str
    owner: str = ""  # the system whose people should act; "": that of the message
    place: str = ""  # the ids of the records that systems mean, where they refer to different ones


def judge(context: Context, changes: Changes, said: Said, thing: Thing, before: Fields) -> str:
    """The quality of a record that was folded again: conflict, warning, or "" where nothing is
    odd. `before` are its fields until now."""
    is_odd = thing.quality in _ODD
    if not is_odd and len(thing.xrefs) < 2 and not _has_a_course(thing.entity):
        return ""  # the everyday case: one system speaks, of a thing that has no state and no needs
    now = [*_conflicts(context, thing), *_jump(thing, before, said.seq), *_lacks(thing)]
    if not now and not is_odd:
        return ""
    known = _known(context, thing)
    kept = _standing_jump(thing, before, known)
    current = {(one.rule, one.field): one for one in now}
    for key, one in current.items():
        if key not in known:
            _open(context, changes, said, thing, one)
        elif known[key].says != (one.found, one.place):
            known[key].says = (one.found, one.place)
            changes.reworded.append((one.found, one.expected, one.place, known[key].id))
    for key in [key for key in known if key not in current and key not in kept]:
        changes.closed.append((changes.now, known.pop(key).id))
    found = {_QUALITY.get(rule, "warning") for rule, _ in known}
    return next((quality for quality in _ODD if quality in found), "")


def _conflicts(context: Context, thing: Thing) -> Iterator[Oddity]:
    """What two systems say of a field, in the words a person reads; of a sealed field only who."""
    if len(thing.xrefs) < 2:
        return
    spec = entities()[thing.entity]
    for name, voices in disagreements(context, thing):
        silent = spec.fields[name].sealed or spec.fields[name].meta.kind == "ref"
        found = "; ".join(
            voice.system if silent else f"{voice.system}: {voice.value}" for voice in voices
        )
        expected = f"one value; {_believed(context, thing, name)}"
        homes = context.world.homes
        meant = sorted({homes[v.value["x"]] for v in voices if type(v.value) is dict})
        place = ",".join(meant[:_NAMED])
        yield Oddity(CONFLICT, name, found, expected, owner=voices[-1].system, place=place)


def _believed(context: Context, thing: Thing, name: str) -> str:
    rule = context.policy.rule(thing.entity, name)
    order = " before ".join(rule.order)
    return f"the hub believes {order}" if rule.by == "authority" else f"by {rule.by}, then {order}"


def _jump(thing: Thing, before: Fields, seq: int) -> Iterator[Oddity]:
    """A step of the record's state that its lifecycle does not draw, and that this message made:
    a merge taken back, or another policy, is no step of the record."""
    cycle = entities()[thing.entity].lifecycle
    if cycle is None:
        return
    old, new = before.get(cycle.field), thing.golden.get(cycle.field)
    if old is None or new is None or cycle.allows(old, new):
        return
    winner = thing.provenance[cycle.field]
    if not any(a.a == winner and a.seq == seq for xref in thing.xrefs for a in xref.live):
        return
    after = ", ".join(cycle.steps.get(old, ())) or "nothing"
    yield Oddity(JUMP, cycle.field, f"{old} → {new}", f"after {old}: {after}")


@cache
def _has_a_course(entity: str) -> bool:
    """Whether a record can be odd by itself: in its state, or for what it lacks."""
    spec = entities()[entity]
    return spec.lifecycle is not None or bool(spec.needed)


def _standing_jump(
    thing: Thing, before: Fields, known: dict[tuple[str, str], Judged]
) -> set[tuple[str, str]]:
    """A jump stays odd until the state moves on, by a step that is drawn."""
    cycle = entities()[thing.entity].lifecycle
    if cycle is None or before.get(cycle.field) != thing.golden.get(cycle.field):
        return set()
    return {(JUMP, cycle.field)} & known.keys()


def _lacks(thing: Thing) -> Iterator[Oddity]:
    """What the record must say, being what it is, and does not."""
    golden = thing.golden
    for need in entities()[thing.entity].needed:
        is_such = all(golden.get(name) in values for name, values in need.where.items())
        if is_such and golden.get(need.field) is None:
            yield Oddity(need.rule, need.field, "", need.says)


def _known(context: Context, thing: Thing) -> dict[tuple[str, str], Judged]:
    """The open findings of a record, read once."""
    judged = context.world.judged
    key = (thing.entity, thing.id)
    if key not in judged:
        own = [CONFLICT, JUMP, *(need.rule for need in entities()[thing.entity].needed)]
        rows = context.session.among(
            "select rule, field, id, found, place from finding where entity_id = ? and entity = ? "
            "and closed_at is null and rule in {members}",
            own,
            (thing.id, thing.entity),
        )
        judged[key] = {(row[0], row[1]): Judged(row[2], (row[3], row[4])) for row in rows}
    return judged[key]


def _open(context: Context, changes: Changes, said: Said, thing: Thing, one: Oddity) -> None:
    number = uuid7(changes.now)
    digest = context.keyring.digest(f"finding|{one.rule}|{thing.entity}|{thing.id}|{one.field}")
    changes.findings.append(
        (
            number, digest, one.rule, None, thing.entity, thing.id, one.field, one.place, one.found,
            one.expected, said.seq, changes.now, None, one.owner or said.system,
        )
    )  # fmt: skip
    _known(context, thing)[one.rule, one.field] = Judged(number, (one.found, one.place))
