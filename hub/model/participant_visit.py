"""A participant's visit: planned by a protocol, scheduled by a hospital, or both."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    code,
    date,
    instant,
    integer,
    ref,
    text,
)

STATUSES = (
    "projected", "scheduled", "completed", "missed", "cancelled", "no_show", "partial",
    "entered_in_error",
)  # fmt: skip
TRANSITIONS = {
    "projected": ("scheduled", "completed", "partial", "missed", "cancelled"),
    "scheduled": ("completed", "partial", "missed", "cancelled", "no_show"),
    "completed": (),
    "partial": ("completed",),
    "missed": ("scheduled", "completed"),
    "cancelled": ("scheduled",),
    "no_show": ("scheduled", "completed"),
    "entered_in_error": (),
}


class ParticipantVisit(Entity, table=True):
    __tablename__ = "participant_visit"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = "visit_type"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("entered_in_error",))
    __identifiers__ = (
        IdentifierType(type="appointment_no", says="number of the appointment", assigned=True,
                       sensitivity="phi"),
        IdentifierType(type="encounter_no", says="number of the encounter", assigned=True,
                       sensitivity="phi"),
    )  # fmt: skip

    participant_id: str | None = ref(
        "Participant", "the person", fhir="Appointment.participant, Encounter.subject", hl7="PID-3"
    )
    enrollment_id: str | None = ref("Enrollment", "the enrollment, where one is known")
    study_id: str | None = ref("Study", "the study, where the source names it", hl7="CTI-1")
    visit_def_id: str | None = ref("VisitDef", "the planned visit", hl7="CTI-3, CSS-1")
    sequence: int | None = integer("which repetition", odm="StudyEventData@StudyEventRepeatKey")
    visit_type: str | None = text(
        "what kind of visit, in the source's words", longest=400,
        fhir="Appointment.appointmentType, Encounter.type", hl7="SCH-8",
    )  # fmt: skip
    status: str | None = code(
        "status", STATUSES, fhir="Appointment.status, Encounter.status", hl7="SCH-25"
    )
    status_native: str | None = text("status as the source said it", longest=200)
    planned_on: str | None = date("due by the protocol")
    window_from: str | None = date("first day of the window")
    window_to: str | None = date("last day of the window")
    scheduled_at: str | None = instant("start", fhir="Appointment.start", hl7="SCH-11.4, TQ1-7")
    scheduled_end_at: str | None = instant("end", fhir="Appointment.end", hl7="SCH-11.5, TQ1-8")
    actual_on: str | None = date(
        "took place", fhir="Encounter.period.start", hl7="PV1-44", odm="StudyEventData"
    )
    location_id: str | None = ref(
        "Location", "where", fhir="Encounter.location, Appointment.participant", hl7="AIL-3, PV1-3"
    )
    reason: str | None = text("reason", longest=400, fhir="Appointment.reasonCode", hl7="SCH-7")
