"""How what several systems say of one field becomes one value, and how far they may differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

By = Literal["authority", "most_recent", "most_complete", "union", "min", "max"]
OPERATORS: tuple[str, ...] = get_args(By)
# roles that no order names come last, in this order
GENERAL = (
    "IRB", "CTMS", "EDC", "EHR", "HR", "TRAINING", "ETMF", "EREG", "ERP", "REGISTRY", "OTHER",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far two ranked systems may differ before that is a disagreement: `days` for dates and
    instants, `amount` for numbers. `anything`: they never disagree."""

    days: int = 0
    amount: str = "0"
    anything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How the values of one field become one. `by` narrows what is said: "authority" not at all,
    "most_recent" to the newest, "most_complete" to the longest or most precise, "min" and "max"
    to the least and the greatest; the strongest role in `order` wins what is left, the newest of
    equals. "union" joins lists. `None` as `tolerance`: what suits the kind of field. What a role
    in `approve` says waits for a person's decision."""

    order: tuple[str, ...] = ()
    by: By = "authority"
    tolerance: Tolerance | None = None
    approve: tuple[str, ...] = ()
