"""How sure the search for probable matches must be before it asks, and of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hub.matching.traits import ENTITIES

DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """In bits: from `review` on a person is asked; from `link` on, where it is given, the hub
    answers for them. None: it never does."""

    review: float
    link: float | None = None

    def __post_init__(self) -> None:
        if self.link is not None and self.link < self.review:
            raise ValueError(f"link {self.link} is below review {self.review}")


# twelve bits: two records that are not one agree as far once in four thousand times
DEFAULTS: Mapping[str, Bounds] = MappingProxyType(
    {
        "Participant": Bounds(review=14.0),
        "Person": Bounds(review=11.0),
        "Organization": Bounds(review=10.0),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """`bounds` of the entities that are searched. A question that nobody answers within `days`
    lapses; 0: it waits for good."""

    bounds: Mapping[str, Bounds] = field(default_factory=lambda: dict(DEFAULTS))  # is pickled
    days: int = 180

    def __post_init__(self) -> None:
        if unknown := set(self.bounds) - set(ENTITIES):
            raise ValueError(f"no probable matches of {', '.join(sorted(unknown))}")
        own = self.bounds.get("Participant")
        if own and own.link is not None:
            raise ValueError("participants are never linked without a strong identifier")

    def expires_at(self, now: int) -> int | None:
        """Until when a question of now may be answered."""
        return now + self.days * DAY if self.days else None
