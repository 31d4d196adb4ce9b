"""Whose word counts: survivorship by authority order, as configured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# model page §7; a policy file replaces it entity by entity, field by field
DEFAULT_ORDER = (
    "IRB", "CTMS", "EDC", "EHR", "HR", "TRAINING", "ETMF", "EREG", "ERP", "REGISTRY", "OTHER",
)  # fmt: skip
_MONEY = ("ERP", "CTMS")
_STAFF = ("HR", "EREG", "CTMS")
_PAPERS = ("ETMF", "EREG", "CTMS")
DEFAULT_AUTHORITY: dict[str, dict[str, Sequence[str]]] = {
    "Study": {"*": ("CTMS", "IRB", "EDC", "EHR", "REGISTRY")},
    "StudySite": {"*": ("CTMS", "IRB", "EDC", "EHR", "REGISTRY")},
    "Participant": {"*": ("EHR", "CTMS", "EDC")},
    "ParticipantPhi": {"*": ("EHR", "CTMS", "EDC")},
    "Enrollment": {"*": ("CTMS", "EDC", "EHR")},
    "EnrollmentState": {"*": ("CTMS", "EDC", "EHR")},
    "EnrollmentArm": {"*": ("EDC", "CTMS", "EHR")},
    "Consent": {"*": ("EREG", "EHR", "CTMS", "EDC")},
    "ParticipantVisit": {"*": ("EDC", "EHR", "CTMS"), "scheduled_at": ("EHR", "CTMS", "EDC")},
    "Person": {"*": ("HR", "EREG", "CTMS", "EHR")},
    "StaffAssignment": {"*": ("CTMS", "EREG", "IRB", "HR", "EHR")},
    "IrbSubmission": {"*": ("IRB", "CTMS")},
    "AncillaryReview": {"*": ("IRB", "CTMS")},
    "Employment": {"*": ("HR",)},
    "Credential": {"*": _STAFF},
    "TrainingRecord": {"*": ("TRAINING", *_STAFF)},
    "Delegation": {"*": ("EREG", "CTMS")},
    "CrfStatus": {"*": ("EDC", "CTMS")},
    "DataQuery": {"*": ("EDC", "CTMS")},
    "Charge": {"*": ("EHR", "ERP")},
    "VisitProcedure": {"*": ("EHR", "EDC", "CTMS"), "billing_status": _MONEY},
    "Document": {"*": _PAPERS},
    "DocumentVersion": {"*": _PAPERS},
    "ExpectedDocument": {"*": _PAPERS},
    "AccountingCode": {"*": _MONEY},
    "Award": {"*": _MONEY},
    "AwardDeliverable": {"*": _MONEY},
    "Invoice": {"*": _MONEY},
    "InvoiceLine": {"*": _MONEY},
    "LedgerEntry": {"*": _MONEY},
    "Payment": {"*": _MONEY},
    "PaymentAllocation": {"*": _MONEY},
    "PurchaseOrder": {"*": _MONEY},
}


@dataclass(frozen=True, slots=True)
class System:
    """One configured source as settling sees it."""

    name: str
    role: str = "OTHER"
    environment: str = "production"


@dataclass(slots=True)
class Policy:
    """Authority orders and which role each system plays. `revision` names the configuration."""

    systems: Mapping[str, System] = field(default_factory=dict)
    authority: Mapping[str, Mapping[str, Sequence[str]]] = field(
        default_factory=lambda: DEFAULT_AUTHORITY
    )
    revision: str = ""
    _known: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def rank(self, entity: str, name: str, system: str) -> int:
        """The place of `system` for this field: 0 is the strongest; roles not listed come last,
        in the general order."""
        key = (entity, name, system)
        if key not in self._known:
            self._known[key] = self._rank(entity, name, system)
        return self._known[key]

    def _rank(self, entity: str, name: str, system: str) -> int:
        role = self.systems[system].role if system in self.systems else "OTHER"
        fields = self.authority.get(entity, {})
        order = list(fields.get(name) or fields.get("*") or ())
        order += [other for other in DEFAULT_ORDER if other not in order]
        return order.index(role) if role in order else len(order)
