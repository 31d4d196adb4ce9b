"""Who is believed about what, unless a deployment says otherwise: roles, the strongest first."""

from __future__ import annotations

from collections.abc import Mapping

from hub.rules import Rule, Tolerance

_MONEY = ("ERP", "CTMS")
# whoever counts what was earned need not hear how far its payment is
_HOW_FAR = Rule(order=_MONEY, tolerance=Tolerance(anything=True))
_STAFF = ("HR", "EREG", "CTMS")
_TRAINERS = ("TRAINING", *_STAFF)
_CONSENTS = ("EREG", "EHR", "CTMS", "EDC")
_PAPERS = ("ETMF", "EREG", "CTMS")
_ORDERS: Mapping[str, Mapping[str, tuple[str, ...] | Rule]] = {
    "Study": {"*": ("CTMS", "IRB", "EDC", "EHR", "REGISTRY")},
    "StudySite": {"*": ("CTMS", "IRB", "EDC", "EHR", "REGISTRY")},
    "Participant": {"*": ("EHR", "CTMS", "EDC")},
    "ParticipantPhi": {"*": ("EHR", "CTMS", "EDC")},
    "Enrollment": {"*": ("CTMS", "EDC", "EHR")},
    "EnrollmentState": {"*": ("CTMS", "EDC", "EHR")},
    "EnrollmentArm": {"*": ("EDC", "CTMS", "EHR")},
    "Consent": {
        "*": _CONSENTS,
        # one form version is signed once: who says later has registered it later
        "signed_at": Rule(order=_CONSENTS, by="min"),
    },
    "ParticipantVisit": {"*": ("EDC", "EHR", "CTMS"), "scheduled_at": ("EHR", "CTMS", "EDC")},
    "Person": {"*": ("HR", "EREG", "CTMS", "EHR")},
    "StaffAssignment": {"*": ("CTMS", "EREG", "IRB", "HR", "EHR")},
    "IrbSubmission": {"*": ("IRB", "CTMS")},
    "AncillaryReview": {"*": ("IRB", "CTMS")},
    "Employment": {"*": ("HR",)},
    # a certificate that is evidenced anywhere holds as long as it says
    "Credential": {"*": _STAFF, "expires_on": Rule(order=_STAFF, by="max")},
    "TrainingRecord": {"*": _TRAINERS, "expires_on": Rule(order=_TRAINERS, by="max")},
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
    "Receivable": {"*": ("CTMS", "ERP"), "status": _HOW_FAR, "paid_amount": _HOW_FAR},
}

# a policy file replaces it field by field
DEFAULT_RULES: Mapping[str, Mapping[str, Rule]] = {
    entity: {
        name: said if isinstance(said, Rule) else Rule(order=said) for name, said in fields.items()
    }
    for entity, fields in _ORDERS.items()
}
