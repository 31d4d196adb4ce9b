"""An award: money given for research, by whom, for how long, and how much of it is promised."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text
from hub.model.currencies import CURRENCIES

KINDS = ("grant", "contract", "coop", "clinical_trial_agreement", "internal", "gift", "other")
STATUSES = (
    "proposed", "pending", "awarded", "active", "no_cost_ext", "suspended", "closed", "declined",
    "terminated",
)  # fmt: skip
TRANSITIONS = {
    "proposed": ("pending", "awarded", "declined"),
    "pending": ("awarded", "active", "declined"),
    "awarded": ("active",),
    "active": ("no_cost_ext", "suspended", "closed"),
    "no_cost_ext": ("active", "suspended", "closed"),
    "suspended": ("active", "no_cost_ext", "closed"),
    "closed": ("active",),  # opened again
    "declined": ("pending",),
    "terminated": ("closed",),
}


class Award(Entity, table=True):
    __tablename__ = "award"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "award_no"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("terminated",))
    __identifiers__ = (
        IdentifierType(type="award_no", says="the institution's number", assigned=True),
        IdentifierType(type="sponsor_award_no", says="the sponsor's number", assigned=True),
        IdentifierType(type="grant_no", says="grant number", strong=False),
    )

    award_no: str | None = text(
        "the institution's number", longest=100, oracle="awards.AwardNumber"
    )
    sponsor_award_no: str | None = text(
        "the sponsor's number", longest=100, oracle="awards.SponsorAwardNumber"
    )
    title: str | None = text("title", longest=1000)
    kind: str | None = code("what kind of money", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    sponsor_id: str | None = ref("Organization", "who gives it")
    prime_sponsor_id: str | None = ref("Organization", "from whom the giver has it")
    organization_id: str | None = ref("Organization", "the department that has it")
    principal_investigator_id: str | None = ref("Person", "who answers for it")
    study_id: str | None = ref("Study", "the study it pays for, where it is one")
    research_project_id: str | None = ref("ResearchProject", "the project it pays for")
    mechanism: str | None = text("mechanism, such as R01", longest=40)
    assistance_listing: str | None = text("assistance listing number (ALN)", longest=20)
    start_on: str | None = date("first day")
    end_on: str | None = date("last day, with every extension")
    original_end_on: str | None = date("last day, as first awarded")
    budget_start_on: str | None = date("first day of the present budget period")
    budget_end_on: str | None = date("last day of the present budget period")
    f_and_a_rate: str | None = decimal("rate of facilities and administration, per cent")
    obligated_amount: str | None = decimal("promised so far")
    anticipated_amount: str | None = decimal("expected in all")
    currency: str | None = code("currency", CURRENCIES)
    accounting_code_id: str | None = ref("AccountingCode", "the account it is spent from")
