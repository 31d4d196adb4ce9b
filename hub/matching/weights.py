"""What an agreement is worth, in bits (Fellegi and Sunter 1969): log2(m/u).

m is how often records of one person or organization agree at that level, u how often those of two
do. The figures are set for a hospital of some hundred thousand people and err on the side of
finding too little. What members of a household share (name, address, telephone, for twins the day
of birth) counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import log2
from types import MappingProxyType
from typing import Any

from hub.matching.compare import BY_KIND

Traits = Mapping[str, Any]  # trait → its value in plain form
Odds = tuple[float, float]  # m, u


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """One thing that is compared. Of traits of one `group` only the best agreement counts; with
    `kin`, it is of the group only where that other trait has that level."""

    kind: str
    levels: Mapping[str, Odds]
    group: str = ""
    kin: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The sum of the weights, and for each trait that both have its level and weight."""

    weight: float
    evidence: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def levels(self) -> str:
        """The evidence in one line, to tell whether it has changed."""
        return ",".join(f"{name}={level}" for name, (level, _) in sorted(self.evidence.items()))


_FAMILY = Trait(
    kind="family",
    levels={"same": (0.88, 0.003), "former": (0.03, 0.0008), "close": (0.06, 0.003),
            "similar": (0.01, 0.01), "different": (0.03, 0.98)},
)  # fmt: skip
_GIVEN = Trait(
    kind="given",
    levels={"same": (0.80, 0.012), "nickname": (0.08, 0.004), "initial": (0.02, 0.06),
            "close": (0.05, 0.006), "similar": (0.02, 0.02), "different": (0.01, 0.92)},
)  # fmt: skip
_EMAIL = Trait(kind="common", levels={"same": (0.6, 0.00005), "different": (0.4, 0.99995)})
_PHONE = Trait(
    kind="common", levels={"same": (0.6, 0.0003), "different": (0.4, 0.9997)}, group="household"
)
_POSTCODE = Trait(
    kind="postcode",
    levels={"same": (0.75, 0.01), "area": (0.1, 0.05), "different": (0.15, 0.94)},
    group="household",
)
# identifiers that do not identify by themselves: insurance, licence, one without its assigner
_NUMBERS = Trait(kind="common", levels={"same": (0.3, 0.0005), "different": (0.7, 0.9995)})


def _contradiction(m: float) -> Trait:
    """Two numbers where one person has one: equal ones have tied the records already."""
    return Trait(kind="singles", levels={"same": (1.0, 1.0), "different": (m, 1.0)})


TRAITS: MappingProxyType[str, Mapping[str, Trait]] = MappingProxyType(
    {
        "Participant": {
            "family_name": replace(_FAMILY, group="household"),
            "given_name": _GIVEN,
            # the same day and another given name: twins
            "birth_date": Trait(
                kind="date",
                levels={"same": (0.88, 0.00004), "swapped": (0.02, 0.00004),
                        "close": (0.04, 0.0008), "month": (0.02, 0.001), "day": (0.01, 0.003),
                        "partial": (0.5, 0.02), "different": (0.02, 0.995)},
                group="household",
                kin=("given_name", "different"),
            ),
            "sex": Trait(kind="text", levels={"same": (0.98, 0.5), "different": (0.02, 0.5)}),
            "postal_code": _POSTCODE,
            "email": _EMAIL,
            "phone": _PHONE,
            "numbers": _NUMBERS,
            "chart_numbers": _contradiction(0.3),  # a person may have two charts in one hospital
            "national_numbers": _contradiction(0.02),
        },
        "Person": {
            "family_name": _FAMILY,
            "given_name": _GIVEN,
            "middle_name": Trait(
                kind="given",
                levels={"same": (0.7, 0.02), "nickname": (0.02, 0.01), "initial": (0.2, 0.06),
                        "close": (0.03, 0.01), "similar": (0.02, 0.03), "different": (0.03, 0.87)},
            ),
            "email": _EMAIL,
            "phone": Trait(kind="common", levels={"same": (0.5, 0.003), "different": (0.5, 0.997)}),
            "department": Trait(
                kind="titles",
                levels={"same": (0.6, 0.05), "close": (0.1, 0.03), "similar": (0.05, 0.05),
                        "different": (0.25, 0.87)},
            ),
            "numbers": _NUMBERS,
            "national_numbers": _contradiction(0.002),
        },
        "Organization": {
            "name": Trait(
                kind="titles",
                levels={"same": (0.6, 0.0005), "close": (0.25, 0.002), "similar": (0.1, 0.01),
                        "different": (0.05, 0.98)},
            ),
            "city": Trait(kind="text", levels={"same": (0.9, 0.05), "different": (0.1, 0.95)}),
            "country": Trait(kind="text", levels={"same": (0.99, 0.6), "different": (0.01, 0.4)}),
            "postal_code": Trait(
                kind="postcode",
                levels={"same": (0.7, 0.01), "area": (0.15, 0.04), "different": (0.15, 0.95)},
            ),
            "website": Trait(
                kind="common", levels={"same": (0.8, 0.003), "different": (0.2, 0.997)}
            ),
            "phone": Trait(kind="common", levels={"same": (0.5, 0.001), "different": (0.5, 0.999)}),
            "kind": Trait(kind="text", levels={"same": (0.8, 0.2), "different": (0.2, 0.8)}),
            "national_numbers": _contradiction(0.05),
        },
    }
)  # fmt: skip


def score(entity: str, one: Traits, other: Traits) -> Score:
    """How likely two records of `entity` are one. What one of them lacks says nothing."""
    evidence: dict[str, tuple[str, float]] = {}
    best: dict[str, float] = {}
    total = 0.0
    for name, trait in TRAITS[entity].items():
        level = BY_KIND[trait.kind](one.get(name), other.get(name))
        if level is None:
            continue
        m, u = trait.levels[level]
        weight = round(log2(m / u), 2)
        evidence[name] = (level, weight)
        if weight > 0 and _is_grouped(trait, evidence):
            best[trait.group] = max(best.get(trait.group, 0.0), weight)
        else:
            total += weight
    return Score(round(total + sum(best.values()), 2), evidence)


def _is_grouped(trait: Trait, evidence: Mapping[str, tuple[str, float]]) -> bool:
    if trait.kin is None:
        return bool(trait.group)
    name, level = trait.kin
    return name in evidence and evidence[name][0] == level
