"""One line of the answer sheet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expected:
    """What a check must find: its kind, and what its words must name: the record as people call it
    ("LUN-501", "S-0004"), days, amounts, systems."""

    check: str
    kind: str
    names: tuple[str, ...]
    mended: bool = False  # by the flows between systems, where a hub runs them

    def __str__(self) -> str:
        return f"check.{self.check}.{self.kind} of {' '.join(self.names)}"
