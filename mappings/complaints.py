"""What a mapping says about values it could not take; never a person's data."""

from __future__ import annotations

from dataclasses import dataclass

from hub import dates
from hub.statement import Complaint
from mappings.spec import Policy
from mappings.values import BadValue, NotUnderstood

# Rules whose `found` is a code and may be shown; of anything else only the form is.
_SHOWN = frozenset(
    {"unmapped-code", "unreadable-flag", "unknown-identifier-type", "wrong-shape", "call-failed"}
)
_LONGEST = 40


def placed(place: str, each: str) -> str:
    """A source's place; one that is relative to an `each` is said with it: `PID-3 .5`."""
    return f"{each} {place}" if each and place.startswith(".") else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Where a bad value is from and what is done about it."""

    entity: str
    field: str
    place: str
    sealed: bool
    policy: Policy

    def complaint(self, bad: BadValue, key: str) -> Complaint:
        """What becomes a finding. Raises NotUnderstood where the policy is to refuse."""
        found = self._shown(bad)
        if self.policy == "refuse":
            raise NotUnderstood(rule=bad.rule, place=self.place, expected=bad.expected, found=found)
        return self.about(bad.rule, bad.expected, key, found)

    def about(self, rule: str, expected: str, key: str, found: str = "") -> Complaint:
        return Complaint(
            rule=rule, place=self.place, expected=expected, found=found,
            entity=self.entity, key=key, field=self.field,
        )  # fmt: skip

    def _shown(self, bad: BadValue) -> str:
        if self.sealed or not bad.found:
            return ""
        return bad.found[:_LONGEST] if bad.rule in _SHOWN else dates.form(bad.found).strip("'")
