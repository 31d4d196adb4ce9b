"""Many assertions, one truth: a pure function of standing statements and policy.

First each system's own assertions fold field by field, newest first: its *standing statement*.
Then the systems' standing statements fold by authority. Any order of arrival gives the same row.
A code and what its source called it (`state`, `state_native`) are one word: they win together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from hub.choose import Voice, choose
from hub.model.spec import entities
from hub.policy import Policy
from hub.things import Assertion, Fields, Xref

Standing = dict[str, Assertion]  # field → the assertion that holds it


def standing(assertions: Sequence[Assertion]) -> Standing:
    """Which assertion of one system holds each field. A complete one hides all before it. The word
    beside a code is held by what said the code, or was told with it: the newest word may have said
    nothing of it."""
    held = _held(assertions)
    if len(assertions) > 1:
        for code, native in natives(assertions[0].entity).items():
            said, word = held.get(code), held.get(native)
            if said is None or word is None or word is said:
                continue
            if native in said.fields:
                held[native] = said
            elif word.seq != said.seq:
                del held[native]
    return held


@cache
def natives(entity: str) -> Mapping[str, str]:
    """The fields that hold a code, each with the one for what its source called it."""
    known = entities().get(entity)
    names = known.fields if known else ()
    return MappingProxyType({n: f"{n}_native" for n in names if f"{n}_native" in names})


def _held(assertions: Sequence[Assertion]) -> Standing:
    held: Standing = {}
    for assertion in sorted(assertions, key=lambda a: a.order, reverse=True):
        if assertion.kind == "gone":
            continue
        for name in assertion.fields:
            held.setdefault(name, assertion)
        if assertion.kind == "complete":
            break
    return held


def is_gone(assertions: Sequence[Assertion]) -> bool:
    """Whether the newest word of one system is that it has it no more.

    A delete feed gives no version of its own: against statements its time counts.
    """
    gone = [a for a in assertions if a.kind == "gone"]
    if not gone:
        return False
    stated = [a for a in assertions if a.kind != "gone"]
    return not stated or _moment(max(gone, key=_moment)) > _moment(max(stated, key=_order))


def still_live(assertions: Sequence[Assertion]) -> list[Assertion]:
    """The assertions that still matter whatever arrives later: those that hold a field, and the
    newest of each kind."""
    if len(assertions) == 1:
        return list(assertions)
    last = assertions[-1]
    if len(assertions) == 2 and _hides(last, assertions[0]):
        return [last]
    kept = {id(a) for a in _held(assertions).values()}
    for kinds, latest in _ENDURING:
        own = [a for a in assertions if a.kind in kinds]
        if own:
            kept.add(id(max(own, key=latest)))
    return [a for a in assertions if id(a) in kept]


def _hides(new: Assertion, old: Assertion) -> bool:
    """The everyday case: a newer statement says at least what the one before said."""
    return (
        new.order > old.order
        and new.kind == old.kind == "stated"
        and old.fields.keys() <= new.fields.keys()
    )


def _order(assertion: Assertion) -> tuple[int, int, int, int]:
    return assertion.order


def _moment(assertion: Assertion) -> tuple[int, int, int]:
    return (assertion.at, assertion.seq, assertion.a)


# the newest statement, the newest complete one (it hides what is older), the newest withdrawal
_ENDURING = (
    (("stated", "complete"), _order),
    (("complete",), _order),
    (("gone",), _moment),
)


def fold(
    entity: str, xrefs: Sequence[Xref], policy: Policy, home: Callable[[int], str]
) -> tuple[Fields, dict[str, int]]:
    """The golden fields of a thing and, for each, the number of the assertion that won it.

    Each field by its rule (`hub.choose`), as a rule authority first, then the newest. REMOVED
    from the winner leaves it without a value; unknown (null) gives way to any system that knows.
    The word beside a code is that of the code's winner. References become ids by `home`.
    """
    voices = speaking(entity, xrefs)
    if len(voices) == 1 and len(voices[0][1]) == 1:
        return _only(voices[0][1][0], home)
    golden: Fields = {}
    provenance: dict[str, int] = {}
    spoken = by_field(voices)
    words = _words(entity, policy, spoken)
    for name, said in spoken.items():
        if name in words.values():
            continue
        best, value = said[0], said[0].value  # the everyday case
        if len(said) > 1:
            best, value = choose(policy, entity, name, said)
        _take(golden, provenance, name, best.said, value, home)
        for word in spoken[words[name]] if name in words else ():
            if word.said.x == best.said.x:
                _take(golden, provenance, words[name], word.said, word.value, home)
    return golden, provenance


def _words(entity: str, policy: Policy, spoken: Mapping[str, object]) -> dict[str, str]:
    """The codes that are spoken of together with their words; a union has the words of all."""
    return {
        code: native
        for code, native in natives(entity).items()
        if code in spoken and native in spoken and policy.rule(entity, code).by != "union"
    }


def speaking(entity: str, xrefs: Sequence[Xref]) -> list[tuple[str, list[Assertion]]]:
    """The keys that speak of a thing as this entity: the system of each and its assertions."""
    voices = []
    for xref in xrefs:
        own = [a for a in xref.live if a.entity == entity]
        if own:
            voices.append((xref.system, own))
    return voices


def by_field(voices: Sequence[tuple[str, Sequence[Assertion]]]) -> dict[str, list[Voice]]:
    """What each key's standing statement says, field by field."""
    found: dict[str, list[Voice]] = {}
    for system, assertions in voices:
        for name, said in standing(assertions).items():
            found.setdefault(name, []).append(Voice(system, said, said.fields[name]))
    return found


def _only(assertion: Assertion, home: Callable[[int], str]) -> tuple[Fields, dict[str, int]]:
    golden: Fields = {}
    if assertion.kind != "gone":
        for name, value in assertion.fields.items():
            if type(value) is dict:
                if "x" in value:
                    golden[name] = home(value["x"])
            elif value is not None:
                golden[name] = value
    return golden, dict.fromkeys(golden, assertion.a)


def _take(
    golden: Fields,
    provenance: dict[str, int],
    name: str,
    said: Assertion,
    value: Any,  # noqa: ANN401 - JSON
    home: Callable[[int], str],
) -> None:
    if value is None:
        return
    if type(value) is dict:
        if "x" not in value:  # removed
            return
        value = home(value["x"])
    golden[name] = value
    provenance[name] = said.a
