"""A data query: a question about one entry in the EDC, from its opening to its closing."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, instant, ref, text

STATUSES = ("open", "answered", "closed", "cancelled")
TRANSITIONS = {
    "open": ("answered", "closed", "cancelled"),
    "answered": ("closed", "open", "cancelled"),
    "closed": ("open",),
    "cancelled": (),
}


class DataQuery(Entity, table=True):
    __tablename__ = "data_query"
    __area__ = "participants"
    __plural__ = "data-queries"
    __sensitivity__ = "confidential"
    __label__ = "form"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="query_no", says="the EDC's number of it", assigned=True,
                       literal=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study", odm="ClinicalData@StudyOID")
    study_site_id: str | None = ref("StudySite", "the site", odm="SiteRef@LocationOID")
    enrollment_id: str | None = ref("Enrollment", "the enrollment", odm="SubjectData@SubjectKey")
    participant_visit_id: str | None = ref(
        "ParticipantVisit", "the visit", odm="StudyEventData@StudyEventOID"
    )
    form: str | None = text("the form", longest=400, odm="FormData@FormOID")
    item: str | None = text("the item asked about", longest=400, odm="ItemData@ItemOID")
    status: str | None = code("status", STATUSES, odm="mdsol:Query@Status, Query@State")
    status_native: str | None = text("status as the source said it", longest=200)
    raised_by: str | None = text(
        "who asks: the system, or a role", longest=200, odm="mdsol:Query@Recipient"
    )
    opened_at: str | None = instant("asked", odm="AuditRecord/DateTimeStamp")
    answered_at: str | None = instant("answered", odm="AuditRecord/DateTimeStamp")
    closed_at: str | None = instant("closed", odm="AuditRecord/DateTimeStamp")
