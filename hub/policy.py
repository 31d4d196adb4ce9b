"""Whose word counts: survivorship, field by field, as configured.

`hub.rules` says what a rule is, `hub.authority` which ones hold where nobody has said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.authority import DEFAULT_RULES
from hub.rules import GENERAL, Rule

PERSON = "~person"  # the system that speaks when a person overrides a value
_PLAIN = Rule()


@dataclass(frozen=True, slots=True)
class System:
    """One configured source as settling sees it."""

    name: str
    role: str = "OTHER"
    environment: str = "production"


@dataclass(slots=True)
class Policy:
    """The rules, and which role each system plays. `revision` names the configuration."""

    systems: Mapping[str, System] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Rule]] = field(default_factory=lambda: DEFAULT_RULES)
    revision: str = ""
    asking: frozenset[str] = field(init=False)  # entities of which some field must be asked about
    _known: dict[tuple[str, str], Rule] = field(default_factory=dict)
    _ranks: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.asking = frozenset(
            entity
            for entity, fields in self.rules.items()
            if any(rule.approve for rule in fields.values())
        )

    def rule(self, entity: str, name: str) -> Rule:
        """The rule of a field: its own, else that of its entity's `*`."""
        key = (entity, name)
        if key not in self._known:
            fields = self.rules.get(entity, {})
            self._known[key] = fields.get(name) or fields.get("*") or _PLAIN
        return self._known[key]

    def rank(self, entity: str, name: str, system: str) -> int:
        """The place of `system` for this field: 0 is the strongest; roles not listed come last,
        in the general order. A person's own word is before all."""
        key = (entity, name, system)
        if key not in self._ranks:
            self._ranks[key] = self._rank(entity, name, system)
        return self._ranks[key]

    def must_ask(self, entity: str, name: str, system: str) -> bool:
        """Whether what `system` says of this field waits for a person's decision."""
        return self.role(system) in self.rule(entity, name).approve

    def is_ranked(self, entity: str, name: str, system: str) -> bool:
        """Whether the field's order names the role of `system`."""
        return self.role(system) in self.rule(entity, name).order

    def role(self, system: str) -> str:
        """The role a system plays; OTHER for one that is not configured (any more)."""
        return self.systems[system].role if system in self.systems else "OTHER"

    def _rank(self, entity: str, name: str, system: str) -> int:
        if system == PERSON:
            return -1
        order = list(self.rule(entity, name).order)
        order += [other for other in GENERAL if other not in order]
        role = self.role(system)
        return order.index(role) if role in order else len(order)
