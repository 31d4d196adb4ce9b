"""A line of a budget: what is paid for one thing, and what it costs."""

from hub.model.base import Entity, IdentifierType, code, decimal, ref, text
from hub.model.currencies import CURRENCIES

CATEGORIES = (
    "personnel", "procedure", "visit", "startup", "pharmacy", "irb_fee", "pass_through", "overhead",
    "travel", "equipment", "close_out", "other",
)  # fmt: skip
BASES = ("subject", "visit", "item", "month", "year", "once")


class BudgetLine(Entity, table=True):
    __tablename__ = "budget_line"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="budget_line_no", says="a system's number of it", assigned=True),
    )

    budget_id: str | None = ref("Budget", "the budget")
    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    name: str | None = text("what for", longest=400)
    category: str | None = code("what kind", CATEGORIES)
    category_native: str | None = text("category as the source said it", longest=200)
    visit_def_id: str | None = ref("VisitDef", "the planned visit")
    procedure_def_id: str | None = ref("ProcedureDef", "the planned procedure")
    per: str | None = code("for each", BASES)
    per_native: str | None = text("for each, as the source said it", longest=200)
    quantity: str | None = decimal("how many")
    unit_amount: str | None = decimal("paid for one")
    cost_amount: str | None = decimal("what one costs the institution")
    currency: str | None = code("currency", CURRENCIES)
    holdback_percent: str | None = decimal("kept back until the end, per cent")
    gl_account: str | None = text("account in the ledger", longest=100)
    cost_centre: str | None = text("cost centre", longest=100)
    accounting_code_id: str | None = ref("AccountingCode", "the code it is booked on")
