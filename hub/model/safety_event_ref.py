"""A safety event, as far as its clocks go: no narrative, no diagnosis, only when and how grave."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, flag, ref, text, texts

KINDS = ("ae", "sae", "susar", "aesi", "pregnancy", "unanticipated_problem", "other")
CRITERIA = (
    "death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly",
    "other_important",
)  # fmt: skip
STATUSES = ("open", "follow_up", "closed", "entered_in_error")
TRANSITIONS = {
    "open": ("follow_up", "closed"),
    "follow_up": ("closed", "open"),
    "closed": ("follow_up", "open"),
    "entered_in_error": (),
}


class SafetyEventRef(Entity, table=True):
    __tablename__ = "safety_event_ref"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = "kind"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("entered_in_error",))
    __identifiers__ = (
        IdentifierType(type="safety_event_no", says="number in the safety system", assigned=True),
    )

    study_id: str | None = ref("Study", "the study", fhir="AdverseEvent.study")
    study_site_id: str | None = ref("StudySite", "the site")
    enrollment_id: str | None = ref("Enrollment", "the enrollment", fhir="AdverseEvent.subject")
    kind: str | None = code("what it is", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    serious: bool | None = flag("serious", fhir="AdverseEvent.seriousness", hl7="PEO-9")
    criteria: list[str] | None = texts("what makes it serious", CRITERIA)
    related: bool | None = flag(
        "related to what is studied", fhir="AdverseEvent.suspectEntity.causality"
    )
    related_native: str | None = text("relatedness as the source said it", longest=200)
    expected: bool | None = flag(
        "expected by the reference safety information",
        fhir="AdverseEvent.expectedInResearchStudy",
        hl7="PEO-10",
    )
    onset_on: str | None = date("began", fhir="AdverseEvent.occurrence[x]", hl7="PEO-3")
    ended_on: str | None = date("ended", hl7="PEO-6")
    aware_on: str | None = date(
        "known to whoever must report it: the clocks run from here", fhir="AdverseEvent.detected"
    )
    report_due_on: str | None = date("to be reported by, as the source counts")
    reported_sponsor_on: str | None = date("reported to the sponsor")
    reported_irb_on: str | None = date("reported to the IRB")
    reported_authority_on: str | None = date("reported to the authority")
    status: str | None = code("status", STATUSES, fhir="AdverseEvent.status")
    status_native: str | None = text("status as the source said it", longest=200)
