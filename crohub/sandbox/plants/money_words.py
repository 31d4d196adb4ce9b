"""Planted studies as research finance tells them: contract, budget, who pays for what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from crohub.sandbox.studies import Study

Words = Iterator[tuple[str, str, dict[str, Any]]]
SIGNED = timedelta(days=30)  # before a study begins
OWN = "org-cedar"
_USD = {"currency": "USD"}


def study(of: Study) -> Words:
    """The contract of a study that a sponsor pays for."""
    if of.sponsor == OWN:
        return
    yield "tables/contracts", of.number, {
        "protocol_no": of.number, "contract_no": f"CTA-{of.number}", "title": of.title,
        "kind": "cta", "state": "executed", "party_code": of.sponsor,
        "fully_executed_on": (of.started - SIGNED).isoformat(), "value_amount": "425000.00",
        "holdback_percent": "10", **_USD,
    }  # fmt: skip
