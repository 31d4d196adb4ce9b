"""A compliance item: a rule that is not met, by whom or what, and what shows that it is by now."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, ref, text

SUBJECTS = (
    "study", "site", "person", "participant", "consent", "delegation", "document", "submission",
    "contract", "award", "registration", "other",
)  # fmt: skip
SEVERITIES = ("minor", "major", "critical")
STATUSES = ("open", "in_progress", "resolved", "waived")
TRANSITIONS = {
    "open": ("in_progress", "resolved", "waived"),
    "in_progress": ("open", "resolved", "waived"),
    "resolved": ("open", "in_progress"),
    "waived": ("open", "in_progress"),
}


class ComplianceItem(Entity, table=True):
    __tablename__ = "compliance_item"
    __area__ = "governance"
    __sensitivity__ = "confidential"
    __label__ = "item"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="compliance_item_no", says="a system's number of it", assigned=True),
    )

    subject: str | None = code("the kind of thing it is about", SUBJECTS)
    subject_native: str | None = text("that kind, as the source said it", longest=200)
    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site, where it is about one")
    person_id: str | None = ref("Person", "the member of staff, where it is about one")
    enrollment_id: str | None = ref("Enrollment", "the enrollment, where it is about one")
    item: str | None = text("what is not met; never who a participant is", longest=400)
    rule: str | None = text("the rule, as whoever keeps the register calls it", longest=200)
    severity: str | None = code("how grave", SEVERITIES)
    severity_native: str | None = text("severity as the source said it", longest=200)
    owner_id: str | None = ref("Person", "who sees to it")
    opened_on: str | None = date("opened")
    due_on: str | None = date("to be met by")
    closed_on: str | None = date("closed")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    evidence: str | None = text("what shows that it is met, or is not")
    document_id: str | None = ref("Document", "the document that shows it")
    deviation_id: str | None = ref("Deviation", "the deviation it led to")
    capa: str | None = text("what is done about it, and against the next")
