"""A milestone: what a study, site, contract or award works towards, planned and reached."""

from hub.model.base import Entity, IdentifierType, code, date, flag, ref, text
from hub.model.countries import COUNTRIES

SCOPES = ("portfolio", "study", "country", "site", "contract", "award")
KINDS = (
    "protocol_final", "irb_approved", "contract_executed", "budget_final", "site_selected",
    "site_initiated", "site_activated", "open_to_accrual", "first_subject_in", "enrolled_25",
    "enrolled_50", "enrolled_75", "last_subject_in", "last_subject_last_visit", "db_lock", "csr",
    "ctgov_registration_due", "ctgov_results_due", "closed", "other",
)  # fmt: skip
STATUSES = ("not_started", "on_track", "at_risk", "late", "done", "na")


class Milestone(Entity, table=True):
    __tablename__ = "milestone"
    __area__ = "regulatory"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="milestone_no", says="a system's number of it", assigned=True),
    )

    scope: str | None = code("what it is a milestone of", SCOPES)
    scope_native: str | None = text("scope as the source said it", longest=200)
    portfolio_id: str | None = ref("Portfolio", "the portfolio")
    study_id: str | None = ref("Study", "the study", fhir="ResearchStudy.progressStatus")
    study_site_id: str | None = ref("StudySite", "the site")
    contract_id: str | None = ref("Contract", "the contract")
    award_id: str | None = ref("Award", "the award")
    country: str | None = code("the country", COUNTRIES)
    kind: str | None = code("what is reached", KINDS, veeva="milestone__v", usdm="GovernanceDate")
    kind_native: str | None = text("kind as the source said it", longest=200)
    name: str | None = text("name", longest=400)
    baseline_on: str | None = date("first plan; it never moves", veeva="baseline date")
    planned_on: str | None = date("plan", veeva="planned date")
    forecast_on: str | None = date("expected now")
    actual_on: str | None = date("reached", veeva="actual date")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    critical: bool | None = flag("on the critical path")
    waits_for_id: str | None = ref("Milestone", "the milestone that must come first")
    owner_id: str | None = ref("Person", "who sees to it")
