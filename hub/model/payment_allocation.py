"""A part of a payment and what it pays: a receivable directly, or an invoice."""

from hub.model.base import Entity, IdentifierType, code, date, decimal, ref, text
from hub.model.currencies import CURRENCIES


class PaymentAllocation(Entity, table=True):
    __tablename__ = "payment_allocation"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __identifiers__ = (
        IdentifierType(type="allocation_no", says="a system's number of it", assigned=True),
    )

    payment_id: str | None = ref("Payment", "the payment", fhir="PaymentReconciliation")
    study_id: str | None = ref("Study", "the study")
    receivable_id: str | None = ref("Receivable", "the receivable it pays")
    invoice_id: str | None = ref(
        "Invoice", "the invoice it pays", fhir="PaymentReconciliation.detail.request"
    )
    invoice_line_id: str | None = ref("InvoiceLine", "the line it pays")
    amount: str | None = decimal(
        "how much of the payment", fhir="PaymentReconciliation.detail.amount"
    )
    currency: str | None = code("currency of the payment", CURRENCIES)
    exchange_rate: str | None = decimal("what was owed for one unit paid, if in another currency")
    allocated_on: str | None = date("allocated", fhir="PaymentReconciliation.detail.date")
    comment: str | None = text("remark")
