"""The answer sheet of what is planted: what the hub's checks must find, and nothing else.

It is written while the plants are, from what they plant, and before any check looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from crohub.sandbox.plants import (
    billing,
    cash,
    consent,
    delegation,
    documents,
    enrolment,
    leavers,
    ledger,
    registry,
    safety,
    sequence,
)
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground

TODAY = date(2026, 3, 31)  # when the demonstration's days have been played
Plant = Callable[[Ground], Iterator[Expected]]
# the checks, in their order
NAMES = (
    "enrolment", "delegation", "consent", "documents", "billing", "cash", "sequence", "leavers",
    "safety", "registry", "ledger", "silence",
)  # fmt: skip
PLANTS: Mapping[str, Plant] = MappingProxyType(
    {
        "enrolment": enrolment.plant,
        "delegation": delegation.plant,
        "consent": consent.plant,
        "documents": documents.plant,
        "billing": billing.plant,
        "cash": cash.plant,
        "sequence": sequence.plant,
        "leavers": leavers.plant,
        "safety": safety.plant,  # and silence: the portal that says no more
        "registry": registry.plant,
        "ledger": ledger.plant,
    }
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is planted, and what must be found of it."""

    ground: Ground
    expected: tuple[Expected, ...]


def sheet(seed: int, today: date) -> Sheet:
    """The plants of a seed, with their answers; the same arguments give the same."""
    ground = Ground(seed, today)
    expected = [one for plant in PLANTS.values() for one in plant(ground)]
    return Sheet(ground, tuple(expected))
