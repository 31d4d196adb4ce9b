"""A receivable: money a study has earned, from the visit or milestone on to its payment."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text
from hub.model.currencies import CURRENCIES

KINDS = ("visit", "procedure", "milestone", "startup", "pass_through", "holdback", "other")
STATUSES = ("earned", "invoiceable", "invoiced", "paid", "written_off", "entered_in_error")
TRANSITIONS = {
    "earned": ("invoiceable", "invoiced", "paid"),
    "invoiceable": ("earned", "invoiced", "paid"),
    "invoiced": ("invoiceable", "paid"),  # its invoice was credited
    "paid": ("invoiced",),  # its payment was taken back
    "written_off": ("paid", "entered_in_error"),
    "entered_in_error": (),
}


class Receivable(Entity, table=True):
    __tablename__ = "receivable"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "description"
    __lifecycle__ = Lifecycle(
        field="status", steps=TRANSITIONS, always=("written_off", "entered_in_error")
    )
    __identifiers__ = (
        IdentifierType(type="receivable_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study", oncore="invoicables")
    study_site_id: str | None = ref("StudySite", "the site")
    sponsor_id: str | None = ref("Organization", "who owes it")
    contract_id: str | None = ref("Contract", "the contract it is owed under")
    budget_line_id: str | None = ref("BudgetLine", "the line it is counted by")
    enrollment_id: str | None = ref("Enrollment", "the enrollment it was earned with")
    participant_visit_id: str | None = ref("ParticipantVisit", "the visit it was earned with")
    visit_procedure_id: str | None = ref("VisitProcedure", "the procedure it was earned with")
    milestone_id: str | None = ref("Milestone", "the milestone it was earned with")
    kind: str | None = code("what it was earned with", KINDS, veeva="payable item")
    kind_native: str | None = text("kind as the source said it", longest=200)
    description: str | None = text("what for; never who a participant is", longest=400)
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    earned_on: str | None = date("earned")
    invoiceable_on: str | None = date("may be invoiced from")
    quantity: str | None = decimal("how many")
    amount: str | None = decimal("earned, before anything is kept back")
    holdback_amount: str | None = decimal("of it, kept back until the end")
    paid_amount: str | None = decimal("of it, paid, as the source counts")
    currency: str | None = code("currency", CURRENCIES)
