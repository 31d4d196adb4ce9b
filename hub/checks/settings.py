"""What a deployment says of the checks: what it tolerates, and which it does without."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from hub.checks import CHECKS
from hub.checks.check import Check
from hub.policy import Policy, System

Number = int | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """`tolerances`: check → name → number, over the defaults in the check's file. `roles`: system →
    the role that checks see it in, where that is not the one whose word it has."""

    off: frozenset[str] = frozenset()
    tolerances: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)

    def on(self) -> list[Check]:
        """The checks that are made, in their order."""
        return [check for name, check in CHECKS.items() if name not in self.off]

    def tolerance(self, check: Check) -> dict[str, Number]:
        """What is tolerated in this check."""
        return {**check.tolerances, **self.tolerances.get(check.name, {})}

    def seen(self, policy: Policy) -> Policy:
        """The policy, with each system in the role that checks see it in."""
        if not self.roles:
            return policy
        own = {name: replace(policy.systems.get(name, System(name)), role=role)
               for name, role in self.roles.items()}  # fmt: skip
        return replace(policy, systems={**policy.systems, **own}, _known={}, _ranks={})

    def digest(self, policy: Policy) -> str:
        """Another one: all must be checked anew, since another outcome is possible."""
        said = (
            [(check.name, sorted(self.tolerance(check).items())) for check in self.on()],
            sorted((one.name, one.role) for one in self.seen(policy).systems.values()),
        )
        return hashlib.sha256(repr(said).encode()).hexdigest()
