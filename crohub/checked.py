"""What the twelve checks find in a hub on a given day, beside what was planted for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crohub import lookup
from crohub.sandbox.plants.expected import Expected
from hub.checks import CHECKS
from hub.checks.check import Check, Discrepancy
from hub.checks.keeping import HUB
from hub.checks.running import Checking
from hub.clock import micros
from hub.database import Session
from pipelines.edge import Edge
from pipelines.settling import policy_of


def shown(
    edge: Edge, expected: Iterable[Expected] | None, now: datetime
) -> dict[str, dict[str, Any]]:
    """For each check how many discrepancies are `expected` (None: nobody knows) and how many are
    `found`; nothing is kept of them."""
    counts = Counter(one.check for one in expected or ())
    wanted = {name: counts[name] if expected is not None else None for name in CHECKS}
    session = lookup.reading(edge.places)
    try:
        checking = Checking(
            session=session, keyring=edge.keyring, clock=lambda: micros(now), chain="",
            policy=policy_of(edge.deployment), checks=edge.deployment.checks,
            zone=ZoneInfo(edge.deployment.hub.timezone),
        )  # fmt: skip
        return {
            name: {"expected": wanted[name], "found": len(_found(checking, check, session))}
            for name, check in CHECKS.items()
        }
    finally:
        session.close()


def _found(checking: Checking, check: Check, session: Session) -> list[Discrepancy]:
    ids = [HUB]
    if check.scope != "hub":
        rows = session.all(f"select id from {check.scope} where superseded_by is null")
        ids = [row[0] for row in rows]
    return list(check.find(checking.looks(check, ids)))
