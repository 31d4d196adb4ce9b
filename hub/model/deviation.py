"""A protocol deviation: what was not done as the protocol says, and what became of it."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, flag, ref, text

CATEGORIES = (
    "consent", "eligibility", "visit_window", "procedure", "dosing", "randomisation",
    "safety_reporting", "documentation", "privacy", "other",
)  # fmt: skip
SEVERITIES = ("minor", "major", "important")
STATUSES = ("open", "under_review", "resolved")
TRANSITIONS = {
    "open": ("under_review", "resolved"),
    "under_review": ("resolved", "open"),
    "resolved": ("under_review", "open"),
}


class Deviation(Entity, table=True):
    __tablename__ = "deviation"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = "deviation_no"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="deviation_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    enrollment_id: str | None = ref("Enrollment", "the enrollment, where it is about one")
    participant_visit_id: str | None = ref("ParticipantVisit", "the visit it happened at")
    deviation_no: str | None = text("number people know it by", longest=100)
    category: str | None = code("what it is about", CATEGORIES)
    category_native: str | None = text("category as the source said it", longest=200)
    severity: str | None = code("how grave", SEVERITIES)
    severity_native: str | None = text("severity as the source said it", longest=200)
    description: str | None = text("what happened; never who a participant is")
    occurred_on: str | None = date("happened")
    discovered_on: str | None = date("found")
    reportable: bool | None = flag("must be reported to the IRB")
    reported_irb_on: str | None = date("reported to the IRB")
    reported_sponsor_on: str | None = date("reported to the sponsor")
    capa: str | None = text("what is done about it, and against the next")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    resolved_on: str | None = date("resolved")
    owner_id: str | None = ref("Person", "who sees to it")
