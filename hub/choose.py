"""The operators of survivorship: which of the systems' values of one field becomes the value.

An operator narrows what is said to those that may win; authority and age decide among them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from hub.policy import PERSON, Policy
from hub.rules import Rule
from hub.things import Assertion

_DAY = 10  # characters of a full date


class Voice(NamedTuple):
    """What one system says of one field."""

    system: str
    said: Assertion
    value: Any  # null: not known; {"x": n}: a reference; {"removed": …}: it has none

    @property
    def known(self) -> bool:
        """Whether it says a value at all."""
        return self.value is not None and not (type(self.value) is dict and "x" not in self.value)


def choose(policy: Policy, entity: str, name: str, voices: Sequence[Voice]) -> tuple[Voice, Any]:
    """The voice that wins a field and the value it gets; for `union`, that of the strongest and
    all values, the strongest system's first.

    What a person says beats everything, whatever the operator. A field that only echoes what we
    told a system ourselves, and one that is not known, count last.
    """
    rule = policy.rule(entity, name)

    def weight(voice: Voice) -> tuple[object, ...]:
        said = voice.said
        version, at, seq, a = said.order
        return (
            voice.system != PERSON, voice.value is None, name in said.echo,
            policy.rank(entity, name, voice.system), -at, -version, -seq, -a,
        )  # fmt: skip

    if rule.by == "authority":
        best = min(voices, key=weight)
        return best, best.value
    best = min(_narrowed(rule, name, voices), key=weight)
    if rule.by == "union" and best.known and best.system != PERSON:
        return best, _union(sorted(voices, key=weight))
    return best, best.value


def _narrowed(rule: Rule, name: str, voices: Sequence[Voice]) -> Sequence[Voice]:
    if any(voice.system == PERSON for voice in voices):
        return voices
    own = [voice for voice in voices if voice.known and name not in voice.said.echo]
    if not own or rule.by == "union":
        return own or voices
    return _OPERATORS[rule.by](own)


def _most_recent(voices: Sequence[Voice]) -> Sequence[Voice]:
    newest = max(voice.said.at for voice in voices)
    return [voice for voice in voices if voice.said.at == newest]


def _most_complete(voices: Sequence[Voice]) -> Sequence[Voice]:
    longest = max(_length(voice.value) for voice in voices)
    return [voice for voice in voices if _length(voice.value) == longest]


def _least(voices: Sequence[Voice]) -> Sequence[Voice]:
    return _alike(voices, min)


def _greatest(voices: Sequence[Voice]) -> Sequence[Voice]:
    return _alike(voices, max)


def _alike(voices: Sequence[Voice], pick: Callable[[Sequence[Any]], Any]) -> Sequence[Voice]:
    """Those that say the best value; 2026-03 and 2026-03-05 do not contradict, the day is more."""
    compared = sizes([voice.value for voice in voices])
    best = pick(compared)
    alike = [v for v, size in zip(voices, compared, strict=True) if agree(size, best)]
    return _most_complete(alike) if type(best) is str else alike


def agree(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether two values are the same, as far as both are precise."""
    if one == other:
        return True
    if type(one) is not str or type(other) is not str or "" in (one, other):
        return False
    short, long = sorted((one, other), key=len)
    return len(short) <= _DAY and short.replace("-", "").isdigit() and long.startswith(short)


def sizes(values: Sequence[Any]) -> list[Any]:
    """What values of one field are compared by: numbers by their amount, dates and codes by their
    text. 1985 beside 1985-03 is a year: they are numbers only if all of them are."""
    found = [_number(value) for value in values]
    return list(values) if None in found else found


def _number(value: Any) -> Any:  # noqa: ANN401 - JSON
    if type(value) is not str:
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _length(value: Any) -> int:  # noqa: ANN401 - JSON
    return len(value) if type(value) in (str, list) else 1


def _union(strongest_first: Sequence[Voice]) -> list[Any]:
    found: list[Any] = []
    for voice in strongest_first:
        if not voice.known:
            continue
        given = voice.value if type(voice.value) is list else [voice.value]
        found += [one for one in given if one not in found]
    return found


_OPERATORS: dict[str, Callable[[Sequence[Voice]], Sequence[Voice]]] = {
    "most_recent": _most_recent, "most_complete": _most_complete, "min": _least, "max": _greatest,
}  # fmt: skip
