"""A procedure at a participant's visit: whether it was done, and who is to be billed for it."""

from hub.model.base import Entity, IdentifierType, code, date, decimal, flag, ref, text

BILLING_STATUSES = (
    "billable_sponsor", "billable_insurance", "not_billable", "invoiced", "paid",
)  # fmt: skip


class VisitProcedure(Entity, table=True):
    __tablename__ = "visit_procedure"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="order_no", says="number of the order", assigned=True,
                       sensitivity="phi"),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    enrollment_id: str | None = ref("Enrollment", "the enrollment")
    participant_visit_id: str | None = ref(
        "ParticipantVisit", "the visit", fhir="Procedure.encounter", hl7="PV1-19"
    )
    procedure_def_id: str | None = ref("ProcedureDef", "the planned procedure")
    name: str | None = text("what, in the source's words", longest=400)
    done: bool | None = flag("it was done", fhir="Procedure.status")
    done_on: str | None = date("when it was done", fhir="Procedure.performed[x]", hl7="PR1-5")
    not_done_reason: str | None = text("why not", longest=400, fhir="Procedure.statusReason")
    quantity: str | None = decimal("how many times")
    billing_status: str | None = code("who is billed, and how far it is", BILLING_STATUSES)
    billing_status_native: str | None = text("billing as the source said it", longest=200)
