"""What amounts come to that no table of paths can say: sums are Python's."""

from __future__ import annotations

from decimal import Decimal

from mappings.calls import function
from mappings.canonical import CanonicalView
from mappings.values import BadValue


@function(
    "money.less_holdback",
    says="the amount less what is kept back until the end",
    reads=("amount", "holdback_amount"),
    gives="decimal",
)
def less_holdback(receivable: CanonicalView) -> str | None:
    """Exact, with the digits of its parts. More kept back than earned is no amount."""
    amount, kept = receivable.get("amount"), receivable.get("holdback_amount")
    if amount is None:
        return None
    left = Decimal(amount) - Decimal(kept or "0")
    if left < 0:
        raise BadValue("kept-back", "a holdback no larger than the amount")
    return f"{left:f}"
