"""A submission to an IRB: what was asked, how far it is, and what was decided until when."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    Needed,
    code,
    date,
    flag,
    ref,
    text,
    texts,
)

KINDS = (
    "initial", "amendment", "continuing_review", "amendment_cr", "reportable_event", "closure",
    "site_add", "staff_change", "reliance", "nhsr", "emergency_use", "other",
)  # fmt: skip
REVIEW_LEVELS = ("exempt", "expedited", "full_board", "administrative")
STATES = (
    "draft", "submitted", "pre_review", "changes_requested", "scheduled", "in_review",
    "modifications_required", "deferred", "approved", "disapproved", "acknowledged", "suspended",
    "expired", "closed", "withdrawn", "terminated",
)  # fmt: skip
_DECISIONS = ("modifications_required", "deferred", "approved", "disapproved", "acknowledged")
TRANSITIONS = {
    "draft": ("submitted",),
    "submitted": ("draft", "pre_review", "changes_requested", "scheduled", "in_review",
                  *_DECISIONS),
    "pre_review": ("changes_requested", "scheduled", "in_review", *_DECISIONS),
    "changes_requested": ("submitted", "pre_review", "scheduled", "in_review"),
    "scheduled": ("pre_review", "in_review", *_DECISIONS),
    "in_review": ("changes_requested", "scheduled", *_DECISIONS),
    "modifications_required": ("submitted", "pre_review", "in_review", "approved", "disapproved"),
    "deferred": ("submitted", "pre_review", "scheduled", "in_review"),
    "approved": ("suspended", "expired", "closed"),
    "disapproved": ("submitted", "closed"),
    "acknowledged": ("closed",),
    "suspended": ("approved", "expired", "closed"),
    "expired": ("approved", "closed"),
    "closed": (),
    "withdrawn": (),
    "terminated": ("closed",),
}  # fmt: skip
RISKS = ("minimal", "greater_than_minimal")
PEDIATRIC_RISKS = ("404", "405", "406", "407")
WAIVERS = ("consent", "consent_alteration", "consent_documentation", "hipaa", "assent")
RULES = ("pre_2018", "revised", "none")


class IrbSubmission(Entity, table=True):
    __tablename__ = "irb_submission"
    __area__ = "regulatory"
    __label__ = "native_no"
    __lifecycle__ = Lifecycle(field="state", steps=TRANSITIONS, always=("withdrawn", "terminated"))
    __identifiers__ = (
        IdentifierType(type="irb_submission_no", says="the board's number of it", assigned=True),
    )
    __needed__ = (
        Needed(
            rule="missing-expiry", field="expires_on",
            where={"fda_regulated": (True,), "state": ("approved", "suspended"),
                   "kind": ("initial", "continuing_review", "amendment_cr")},
            says="a last day: what the FDA regulates is reviewed once a year (21 CFR 56.109(f))",
        ),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site, where it is about one")
    native_no: str | None = text("the board's number of it", longest=100, huron="ID")
    part_of_id: str | None = ref("IrbSubmission", "the submission it follows", huron="parentStudy")
    kind: str | None = code("what is asked", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    board_id: str | None = ref("Organization", "the board that has this submission")
    irb_of_record_id: str | None = ref("Organization", "the board whose word counts, if another")
    review_level: str | None = code("how it is reviewed", REVIEW_LEVELS)
    review_level_native: str | None = text("review level as the source said it", longest=200)
    review_categories: list[str] | None = texts("categories of exemption or expedited review")
    state: str | None = code("state", STATES, fhir="Task.status", huron="status")
    state_native: str | None = text("state as the source said it", longest=200)
    determination: str | None = text(
        "decision, in the board's words", longest=400, huron="determination"
    )
    submitted_on: str | None = date("submitted")
    meeting_on: str | None = date("on the agenda of")
    determination_on: str | None = date("decided")
    approval_on: str | None = date("approved", usdm="GovernanceDate", huron="approvalDate")
    effective_on: str | None = date("approval in force from", huron="effectiveDate")
    expires_on: str | None = date(
        "expiry; none: never, which is a finding while FDA-regulated research is active",
        huron="lastDayOfApproval",
    )
    expiry_day_valid: bool | None = flag("the day of expiry is still a valid one")
    fda_regulated: bool | None = flag("the FDA regulates it (21 CFR 56.109)")
    common_rule: str | None = code("which common rule holds", RULES, huron="commonRuleLabel")
    common_rule_native: str | None = text("common rule as the source said it", longest=200)
    risk_level: str | None = code("risk", RISKS, huron="preReviewRiskLevel")
    risk_level_native: str | None = text("risk as the source said it", longest=200)
    pediatric_risk: str | None = code("section of 45 CFR 46 for children", PEDIATRIC_RISKS)
    pediatric_risk_native: str | None = text("that, as the source said it", longest=200)
    waivers: list[str] | None = texts("what is waived", WAIVERS)
    waivers_native: list[str] | None = texts("waivers as the source said them")
    conditions: str | None = text("conditions still open", huron="requiredModifications")
    letter_id: str | None = ref("Document", "the letter", huron="correspondenceLetter")
