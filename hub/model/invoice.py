"""An invoice, debit memo or credit note: sent to whoever pays (AR), or got from a supplier (AP)."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text
from hub.model.currencies import CURRENCIES

DIRECTIONS = ("ar", "ap")
KINDS = ("invoice", "debit_memo", "credit_note")
STATES = (
    "draft", "approved", "sent", "partially_paid", "paid", "disputed", "credited", "void",
)  # fmt: skip
TRANSITIONS = {
    "draft": ("approved", "sent"),
    "approved": ("draft", "sent", "partially_paid", "paid"),
    "sent": ("partially_paid", "paid", "disputed"),
    "partially_paid": ("paid", "disputed", "sent"),
    "paid": ("partially_paid", "sent"),  # a payment was taken back
    "disputed": ("sent", "partially_paid", "paid"),
    "credited": (),
    "void": (),
}


class Invoice(Entity, table=True):
    __tablename__ = "invoice"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "invoice_no"
    __lifecycle__ = Lifecycle(field="state", steps=TRANSITIONS, always=("credited", "void"))
    __identifiers__ = (
        IdentifierType(type="invoice_no", says="number its issuer gave it", assigned=True),
        IdentifierType(type="invoice_posting_no", says="number in the ERP", assigned=True),
    )

    direction: str | None = code("sent to a payer, or got from a supplier", DIRECTIONS)
    direction_native: str | None = text("direction as the source said it", longest=200)
    kind: str | None = code("what it is", KINDS, fhir="Invoice.type")
    kind_native: str | None = text("kind as the source said it", longest=200)
    invoice_no: str | None = text(
        "number people know it by",
        longest=100,
        fhir="Invoice.identifier",
        oracle="TransactionNumber",
    )
    posted_no: str | None = text(
        "the ERP's document number; before it there is none to be sent",
        longest=100,
        sap="AccountingDocument",
    )
    party_id: str | None = ref("Organization", "who pays, or is paid", fhir="Invoice.recipient")
    study_id: str | None = ref("Study", "the study, where it is about one")
    study_site_id: str | None = ref("StudySite", "the site")
    award_id: str | None = ref("Award", "the award")
    contract_id: str | None = ref("Contract", "the contract")
    purchase_order_id: str | None = ref("PurchaseOrder", "the order it is for")
    corrects_id: str | None = ref("Invoice", "the invoice it credits or corrects")
    state: str | None = code("state", STATES, fhir="Invoice.status")
    state_native: str | None = text("state as the source said it", longest=200)
    issued_on: str | None = date("issued", fhir="Invoice.date")
    sent_on: str | None = date("sent")
    due_on: str | None = date("to be paid by")
    paid_on: str | None = date("paid in full")
    subtotal_amount: str | None = decimal("before tax", fhir="Invoice.totalNet")
    tax_amount: str | None = decimal("tax")
    total_amount: str | None = decimal("with tax", fhir="Invoice.totalGross")
    open_amount: str | None = decimal("still to be paid, as the source counts")
    currency: str | None = code("currency", CURRENCIES, fhir="Invoice.totalGross.currency")
