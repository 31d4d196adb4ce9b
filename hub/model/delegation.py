"""A delegation: the tasks an investigator has handed to someone on a study, over a period."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    code,
    date,
    flag,
    instant,
    ref,
    text,
    texts,
)

TASKS = (
    "consent", "eligibility", "medical_history", "physical_exam", "ae_assessment", "ip_dispense",
    "ip_accountability", "randomisation", "unblinding", "sample_collection", "crf_entry",
    "crf_sign", "query_resolution", "regulatory", "other",
)  # fmt: skip
STATUSES = ("draft", "pending_pi", "active", "ended", "revoked")
TRANSITIONS = {
    "draft": ("pending_pi", "active"),
    "pending_pi": ("active", "draft", "ended"),
    "active": ("ended",),
    "ended": ("active",),
    "revoked": (),
}


class Delegation(Entity, table=True):
    __tablename__ = "delegation"
    __area__ = "people"
    __sensitivity__ = "confidential"
    __label__ = "status"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("revoked",))
    __identifiers__ = (
        IdentifierType(type="delegation_no", says="a system's number of it", assigned=True),
    )

    person_id: str | None = ref("Person", "to whom", fhir="PractitionerRole.practitioner")
    study_id: str | None = ref("Study", "on which study")
    study_site_id: str | None = ref("StudySite", "at which site")
    assignment_id: str | None = ref("StaffAssignment", "the role it belongs to")
    tasks: list[str] | None = texts("what may be done", TASKS, fhir="PractitionerRole.code")
    tasks_native: list[str] | None = texts("tasks as the source said them")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    start_on: str | None = date("first day", fhir="PractitionerRole.period.start", hl7="ROL-5")
    end_on: str | None = date("last day", fhir="PractitionerRole.period.end", hl7="ROL-6")
    staff_signed_at: str | None = instant("signed by whom it is given to")
    pi_signed_at: str | None = instant("signed by the investigator")
    delegated_by_id: str | None = ref("Person", "the investigator")
    trained: bool | None = flag("trained for the tasks, as the log says")
    document_id: str | None = ref("Document", "the log")
