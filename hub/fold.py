"""Many assertions, one truth: a pure function of standing statements and policy.

First each system's own assertions fold field by field, newest first: its *standing statement*.
Then the systems' standing statements fold by authority. Any order of arrival gives the same row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.things import Assertion, Fields, Xref

Rank = Callable[[str, str, str], int]  # (entity, field, system) → 0 is the strongest
Standing = dict[str, Assertion]  # field → the assertion that holds it


def standing(assertions: Sequence[Assertion]) -> Standing:
    """Which assertion of one system holds each field. A complete one hides all before it."""
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
    kept = {id(a) for a in standing(assertions).values()}
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
    entity: str, xrefs: Sequence[Xref], rank: Rank, home: Callable[[int], str]
) -> tuple[Fields, dict[str, int]]:
    """The golden fields of a thing and, for each, the number of the assertion that won it.

    Authority first, then the newest. REMOVED from the strongest system that speaks of a field
    leaves it without a value; unknown (null) gives way to any system that knows. A field that
    only echoes what we told a system ourselves counts last. References become ids by `home`.
    """
    voices = []
    for xref in xrefs:
        own = [a for a in xref.live if a.entity == entity]
        if own:
            voices.append((xref.system, own))
    if len(voices) == 1 and len(voices[0][1]) == 1:
        return _only(voices[0][1][0], home)
    best: dict[str, tuple[tuple[object, ...], Assertion]] = {}
    for system, assertions in voices:
        for name, assertion in standing(assertions).items():
            weight = _weight(entity, name, system, assertion, rank)
            if name not in best or weight < best[name][0]:
                best[name] = (weight, assertion)
    golden: Fields = {}
    provenance: dict[str, int] = {}
    for name, (_, assertion) in best.items():
        _take(golden, provenance, name, assertion, home)
    return golden, provenance


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


def _weight(
    entity: str, name: str, system: str, assertion: Assertion, rank: Rank
) -> tuple[object, ...]:
    version, at, seq, a = assertion.order
    unknown = assertion.fields[name] is None
    return (unknown, name in assertion.echo, rank(entity, name, system), -at, -version, -seq, -a)


def _take(
    golden: Fields,
    provenance: dict[str, int],
    name: str,
    assertion: Assertion,
    home: Callable[[int], str],
) -> None:
    value = assertion.fields[name]
    if value is None:
        return
    if type(value) is dict:
        if "x" not in value:  # removed
            return
        value = home(value["x"])
    golden[name] = value
    provenance[name] = assertion.a
