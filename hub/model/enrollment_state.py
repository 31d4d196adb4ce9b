"""One period of an enrollment in one state: its history is a list of these."""

from hub.model.base import Entity, code, date, ref, text
from hub.model.enrollment import STATES


class EnrollmentState(Entity, table=True):
    __tablename__ = "enrollment_state"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = "state"

    enrollment_id: str | None = ref("Enrollment", "the enrollment")
    state: str | None = code(
        "state", STATES, fhir="ResearchSubject.progress.subjectState", hl7="CRM event"
    )
    state_native: str | None = text("state as the source said it", longest=200)
    started_on: str | None = date("first day", fhir="ResearchSubject.progress.startDate")
    ended_on: str | None = date("last day", fhir="ResearchSubject.progress.endDate")
    reason: str | None = text("why", longest=400, fhir="ResearchSubject.progress.reason")
