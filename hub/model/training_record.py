"""A training record: one person's course, from being assigned it to its completion and expiry."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text

STATUSES = ("assigned", "in_progress", "completed", "failed", "expired", "waived")
TRANSITIONS = {
    "assigned": ("in_progress", "completed", "failed", "waived"),
    "in_progress": ("completed", "failed", "expired", "waived"),
    "completed": ("expired",),
    "failed": ("in_progress", "completed"),
    "expired": ("in_progress", "completed"),
    "waived": ("assigned", "expired"),
}


class TrainingRecord(Entity, table=True):
    __tablename__ = "training_record"
    __area__ = "people"
    __sensitivity__ = "confidential"
    __label__ = "course_name"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="completion_no", says="the provider's number of the completion",
                       assigned=True),
    )  # fmt: skip

    person_id: str | None = ref("Person", "who", citi="member id, employee number")
    course_code: str | None = text("the course, as a code", longest=100, hl7="CER-11")
    course_name: str | None = text("the course in words", longest=400, citi="group name")
    course_group: str | None = text(
        "courses that count alike, such as GCP; what a requirement asks for", longest=200
    )
    provider: str | None = text("who gives it", longest=400)
    curriculum: str | None = text("curriculum", longest=400, citi="curriculum name")
    stage: str | None = text("stage: basic, refresher", longest=200, citi="stage")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    assigned_on: str | None = date("assigned")
    due_on: str | None = date("to be done by")
    completed_on: str | None = date("completed", hl7="CER-24", citi="completion date")
    expires_on: str | None = date(
        "last day; none: does not expire", hl7="CER-27", citi="expiration date"
    )
    score: str | None = decimal("score reached", citi="score")
    pass_mark: str | None = decimal("score asked for", citi="passing score")
    certificate_url: str | None = text("address of the certificate", longest=1000)
    study_id: str | None = ref("Study", "the study it is for, where it is for one")
    protocol_version_id: str | None = ref("ProtocolVersion", "the protocol version it is about")
    evidence_id: str | None = ref("Document", "the certificate on file")
