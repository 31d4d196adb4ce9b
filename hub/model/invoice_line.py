"""A line of an invoice: one thing that is charged, and the receivable it stands for."""

from hub.model.base import Entity, IdentifierType, code, decimal, integer, ref, text
from hub.model.currencies import CURRENCIES


class InvoiceLine(Entity, table=True):
    __tablename__ = "invoice_line"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "description"
    __identifiers__ = (
        IdentifierType(type="invoice_line_no", says="a system's number of it", assigned=True),
    )

    invoice_id: str | None = ref("Invoice", "the invoice", fhir="Invoice.lineItem")
    study_id: str | None = ref("Study", "the study")
    sequence: int | None = integer("place on the invoice, from 1", fhir="Invoice.lineItem.sequence")
    receivable_id: str | None = ref("Receivable", "the receivable it stands for")
    budget_line_id: str | None = ref("BudgetLine", "the budget line it is counted by")
    description: str | None = text("what for; never who a participant is", longest=1000)
    quantity: str | None = decimal("how many")
    unit_amount: str | None = decimal("for one")
    amount: str | None = decimal("for all, before tax", fhir="Invoice.lineItem.priceComponent")
    tax_amount: str | None = decimal("tax")
    currency: str | None = code("currency", CURRENCIES)
    accounting_code_id: str | None = ref("AccountingCode", "the code it is booked on")
