"""Where systems whose word counts say different things of one field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from hub.choose import Voice, agree, sizes
from hub.context import Context
from hub.fold import by_field, speaking
from hub.model.spec import EntitySpec, entities
from hub.rules import Tolerance
from hub.things import Thing

CONFLICT = "systems-disagree"  # the rule of the finding
# words are written in many ways, and two clocks never agree to the second
_LOOSE = ("text", "texts", "instant")
_EXACT, _ANYTHING = Tolerance(), Tolerance(anything=True)


def disagreements(context: Context, thing: Thing) -> Iterator[tuple[str, list[Voice]]]:
    """Each field of which two ranked systems say what its tolerance does not allow, with what
    each of them says last, the strongest first. What only repeats our own word is no evidence."""
    voices = speaking(thing.entity, thing.xrefs)
    if len({system for system, _ in voices}) < 2:
        return
    spec = entities()[thing.entity]
    for name, said in by_field(voices).items():
        if len(said) < 2 or name not in spec.fields:
            continue
        tolerance = context.policy.rule(spec.name, name).tolerance or _usual(spec, name)
        if tolerance.anything:
            continue
        ranked = _ranked(context, spec, name, said)
        if any(not _within(context, tolerance, ranked[0], other) for other in ranked[1:]):
            yield name, ranked


def _usual(spec: EntitySpec, name: str) -> Tolerance:
    return _ANYTHING if spec.fields[name].meta.kind in _LOOSE else _EXACT


def _ranked(context: Context, spec: EntitySpec, name: str, said: Sequence[Voice]) -> list[Voice]:
    """One voice a system, its newest, of the systems that the field's order names."""
    policy = context.policy
    newest: dict[str, Voice] = {}
    for voice in said:
        if not voice.known or name in voice.said.echo:
            continue
        if not policy.is_ranked(spec.name, name, voice.system):
            continue
        other = newest.get(voice.system)
        if other is None or other.said.order < voice.said.order:
            newest[voice.system] = voice
    return sorted(newest.values(), key=lambda v: (policy.rank(spec.name, name, v.system), v.system))


def _within(context: Context, tolerance: Tolerance, one: Voice, other: Voice) -> bool:
    first, second = sizes([_plain(context, voice.value) for voice in (one, other)])
    if agree(first, second):
        return True
    if tolerance.days and type(first) is str and type(second) is str:
        return _days_apart(first, second) <= tolerance.days
    if type(first) in (int, Decimal) and type(second) in (int, Decimal):
        return bool(abs(first - second) <= Decimal(tolerance.amount))
    return False


def _plain(context: Context, value: Any) -> Any:  # noqa: ANN401 - JSON
    """A reference as the id of what it leads to: two keys of one thing are no disagreement."""
    return context.world.homes[value["x"]] if type(value) is dict else value


def _days_apart(one: str, other: str) -> float:
    try:
        return abs((date.fromisoformat(one[:10]) - date.fromisoformat(other[:10])).days)
    except ValueError:
        return float("inf")  # 2026-03 is no day
