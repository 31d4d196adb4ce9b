"""A payment: money that came or went, with an invoice or without one."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text
from hub.model.currencies import CURRENCIES

DIRECTIONS = ("received", "made")
METHODS = ("ach", "wire", "cheque", "card", "internal_transfer", "offset", "other")
STATUSES = ("announced", "posted", "reversed", "void")
TRANSITIONS = {
    "announced": ("posted",),
    "posted": (),
    "reversed": ("posted",),
    "void": (),
}


class Payment(Entity, table=True):
    __tablename__ = "payment"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "reference"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("reversed", "void"))
    __identifiers__ = (
        IdentifierType(type="payment_no", says="number in the ERP", assigned=True),
        IdentifierType(type="payment_reference", says="what the payer or bank calls it",
                       assigned=True, strong=False),
    )  # fmt: skip

    direction: str | None = code("came or went", DIRECTIONS)
    direction_native: str | None = text("direction as the source said it", longest=200)
    reference: str | None = text(
        "number people know it by", longest=200, fhir="PaymentReconciliation.paymentIdentifier"
    )
    posted_no: str | None = text("the ERP's document number", longest=100, sap="AccountingDocument")
    party_id: str | None = ref(
        "Organization", "who paid, or was paid", fhir="PaymentReconciliation.paymentIssuer"
    )
    study_id: str | None = ref("Study", "the study, where it names one")
    award_id: str | None = ref("Award", "the award, where it names one")
    status: str | None = code("status", STATUSES, fhir="PaymentReconciliation.status")
    status_native: str | None = text("status as the source said it", longest=200)
    method: str | None = code("how", METHODS)
    method_native: str | None = text("how, as the source said it", longest=200)
    paid_on: str | None = date("came or went", fhir="PaymentReconciliation.paymentDate")
    posted_on: str | None = date("booked")
    amount: str | None = decimal("how much", fhir="PaymentReconciliation.paymentAmount")
    unallocated_amount: str | None = decimal("of it, not yet allocated, as the source counts")
    currency: str | None = code("currency", CURRENCIES)
