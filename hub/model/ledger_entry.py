"""A line of the ledger: what was really booked, as the ERP says."""

from hub.model.base import Entity, IdentifierType, code, date, decimal, integer, ref, text
from hub.model.currencies import CURRENCIES

SIDES = ("debit", "credit")
KINDS = ("actual", "commitment", "budget", "other")


class LedgerEntry(Entity, table=True):
    __tablename__ = "ledger_entry"
    __area__ = "finance"
    __plural__ = "ledger-entries"
    __sensitivity__ = "confidential"
    __label__ = "document_no"
    __identifiers__ = (
        IdentifierType(type="ledger_entry_no", says="company, year, document and line",
                       assigned=True, literal=True),
    )  # fmt: skip

    document_no: str | None = text("number of the document", longest=100, sap="AccountingDocument")
    line_no: str | None = text("line of the document", longest=20, sap="LedgerGLLineItem")
    kind: str | None = code("booked, or only committed", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    posted_on: str | None = date("booked", sap="PostingDate")
    fiscal_year: int | None = integer("fiscal year", sap="FiscalYear")
    fiscal_period: str | None = text("period of the fiscal year", longest=20, sap="FiscalPeriod")
    company: str | None = text("company", longest=100, sap="CompanyCode")
    gl_account: str | None = text("account", longest=100, sap="GLAccount")
    cost_centre: str | None = text("cost centre", longest=100, sap="CostCenter")
    fund: str | None = text("fund", longest=100, sap="Fund")
    project_code: str | None = text("project", longest=100, sap="WBSElement")
    accounting_code_id: str | None = ref("AccountingCode", "the whole code")
    study_id: str | None = ref("Study", "the study")
    award_id: str | None = ref("Award", "the award")
    invoice_id: str | None = ref("Invoice", "the invoice it books")
    payment_id: str | None = ref("Payment", "the payment it books")
    party_id: str | None = ref("Organization", "with whom", sap="Supplier, Customer")
    side: str | None = code("debit or credit", SIDES, sap="DebitCreditCode")
    side_native: str | None = text("side as the source said it", longest=200)
    amount: str | None = decimal(
        "how much, without a sign for the side", sap="AmountInCompanyCodeCurrency"
    )
    currency: str | None = code("currency", CURRENCIES, sap="CompanyCodeCurrency")
    description: str | None = text("what for", longest=1000, sap="DocumentItemText")
    reverses_id: str | None = ref("LedgerEntry", "the entry it takes back")
