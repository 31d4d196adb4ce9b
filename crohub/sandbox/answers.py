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


_POSTS = ("ONC-101", "CAR-204", "NEU-415")  # of the coordinator who left
# what the institution's own story plants (crohub.sandbox.planted), when its thirty days are over
STORY = (
    Expected("enrolment", "status-behind", ("ONC-101", "S-0012", "OFF STUDY", "2026-03-02")),
    *(Expected("delegation", "training-missing", ("(E217)", number, "2026-02-28"))
      for number in ("ONC-101", "CAR-204", "END-310", "NEU-415")),
    Expected("consent", "wrong-version", ("ONC-101", "S-0007", "v2 on 2026-02-24", "v3")),
    Expected("billing", "off-study", ("ONC-101", "S-0012", "71260 of 2026-03-09", "2026-03-02")),
    *(Expected("leavers", kind, ("(E305)", "2026-03-06", number))
      for number in _POSTS for kind in ("delegation-open", "role-open")),
    Expected("safety", "deviation-clock", ("ONC-101", "DEV-ONC-101-1")),
)  # fmt: skip


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
