"""A budget: one version of what a study, site or award is to cost or to bring."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text
from hub.model.currencies import CURRENCIES

KINDS = ("internal", "sponsor", "site", "department", "other")
STATUSES = ("draft", "negotiation", "approved", "superseded", "rejected")
TRANSITIONS = {
    "draft": ("negotiation", "approved"),
    "negotiation": ("draft", "approved", "rejected"),
    "approved": ("negotiation",),
    "superseded": (),
    "rejected": ("draft", "negotiation"),
}


class Budget(Entity, table=True):
    __tablename__ = "budget"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "name"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("superseded",))
    __identifiers__ = (
        IdentifierType(type="budget_no", says="a system's number of it", assigned=True),
    )

    name: str | None = text("name", longest=400)
    kind: str | None = code("whose budget", KINDS, veeva="budget")
    kind_native: str | None = text("kind as the source said it", longest=200)
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    version_no: str | None = text("number of the version", longest=100)
    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    award_id: str | None = ref("Award", "the award")
    contract_id: str | None = ref("Contract", "the contract it is part of")
    calendar_version: str | None = text("the calendar's version it counts by", longest=100)
    overhead_rate: str | None = decimal("overhead, per cent")
    total_amount: str | None = decimal("total, with overhead")
    currency: str | None = code("currency", CURRENCIES)
    start_on: str | None = date("first day")
    end_on: str | None = date("last day")
    approved_on: str | None = date("approved")
    supersedes_id: str | None = ref("Budget", "the version it replaces")
