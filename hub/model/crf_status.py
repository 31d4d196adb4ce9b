"""How far one form of one participant is in the EDC: expected, entered, verified, locked."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    code,
    date,
    flag,
    instant,
    integer,
    ref,
    text,
)

STATUSES = (
    "expected", "in_progress", "entered", "verified", "signed", "frozen", "locked", "not_done",
    "deleted",
)  # fmt: skip
TRANSITIONS = {
    "expected": ("in_progress", "entered", "not_done"),
    "in_progress": ("entered", "not_done"),
    "entered": ("in_progress", "verified", "signed", "frozen", "locked"),
    "verified": ("in_progress", "entered", "signed", "frozen", "locked"),
    "signed": ("in_progress", "entered", "verified", "frozen", "locked"),
    "frozen": ("entered", "verified", "signed", "locked"),
    "locked": ("entered", "verified", "signed", "frozen"),
    "not_done": ("expected", "in_progress", "entered"),
    "deleted": ("in_progress", "entered"),
}


class CrfStatus(Entity, table=True):
    __tablename__ = "crf_status"
    __area__ = "participants"
    __plural__ = "crf-statuses"
    __sensitivity__ = "confidential"
    __label__ = "form"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("deleted",))
    __identifiers__ = (
        IdentifierType(type="form_no", says="the EDC's number of this form", assigned=True,
                       literal=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study", odm="ClinicalData@StudyOID")
    study_site_id: str | None = ref("StudySite", "the site", odm="SiteRef@LocationOID")
    enrollment_id: str | None = ref("Enrollment", "the enrollment", odm="SubjectData@SubjectKey")
    participant_visit_id: str | None = ref(
        "ParticipantVisit", "the visit", odm="StudyEventData@StudyEventOID"
    )
    form: str | None = text("the form", longest=400, odm="FormData@FormOID", redcap="form_name")
    repeat_key: str | None = text(
        "which repetition", longest=100, odm="FormData@FormRepeatKey", redcap="repeat_instance"
    )
    status: str | None = code("status", STATUSES, redcap="form_complete")
    status_native: str | None = text("status as the source said it", longest=200)
    required: bool | None = flag("the protocol asks for it")
    expected_on: str | None = date("due")
    entered_at: str | None = instant("first entered", odm="AuditRecord/DateTimeStamp")
    verified_at: str | None = instant("source data verified", odm="mdsol:Verify")
    signed_at: str | None = instant("signed", odm="Signature/DateTimeStamp")
    frozen_at: str | None = instant("frozen", odm="mdsol:Freeze")
    locked_at: str | None = instant("locked", odm="mdsol:Lock")
    open_queries: int | None = integer("queries open on it, as the EDC counts")
