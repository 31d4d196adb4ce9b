"""How long a question waits for a person before it lapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# a match has a time of its own, with how sure one must be of it
KINDS: Final = ("approve", "delivery", "identity", "message", "planned visit", "separation")
DAY: Final = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Lapsing:
    """Days after which an open question of a kind lapses; one of another kind waits for good."""

    days: Mapping[str, int] = field(default_factory=dict)

    def expires_at(self, kind: str, asked: int) -> int | None:
        """Until when a question that is put now may be answered."""
        days = self.days.get(kind, 0)
        return asked + days * DAY if days else None
