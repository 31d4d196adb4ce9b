"""A hospital's charge, as it bears on research: for review only, the hub never releases one."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    code,
    date,
    decimal,
    flag,
    ref,
    text,
    texts,
)
from hub.model.currencies import CURRENCIES

KINDS = ("charge", "credit", "adjustment", "payment", "other")
STATUSES = ("planned", "held", "billable", "billed", "reversed", "not_billable", "entered_in_error")
TRANSITIONS = {
    "planned": ("held", "billable", "not_billable"),
    "held": ("billable", "billed", "not_billable"),
    "billable": ("held", "billed", "not_billable"),
    "billed": (),
    "reversed": ("billable", "held"),  # charged again, to someone else
    "not_billable": ("held", "billable"),
    "entered_in_error": (),
}
PAYERS = ("study", "sponsor", "insurance", "patient", "unknown")


class Charge(Entity, table=True):
    __tablename__ = "charge"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = "procedure_code"
    __lifecycle__ = Lifecycle(
        field="status", steps=TRANSITIONS, always=("reversed", "entered_in_error")
    )
    __identifiers__ = (
        IdentifierType(type="charge_no", says="number of the transaction", assigned=True,
                       sensitivity="phi"),
        IdentifierType(type="claim_no", says="number of the claim", assigned=True, strong=False,
                       sensitivity="phi"),
    )  # fmt: skip

    participant_id: str | None = ref("Participant", "whose", fhir="ChargeItem.subject", hl7="PID-3")
    enrollment_id: str | None = ref("Enrollment", "the enrollment, where one is known")
    study_id: str | None = ref("Study", "the study it names", hl7="CTI-1, IN1")
    participant_visit_id: str | None = ref(
        "ParticipantVisit", "the visit", fhir="ChargeItem.context", hl7="PV1-19"
    )
    visit_procedure_id: str | None = ref("VisitProcedure", "the procedure it is for")
    kind: str | None = code("what it is", KINDS, hl7="FT1-6")
    kind_native: str | None = text("kind as the source said it", longest=200)
    status: str | None = code("status, as the hospital says", STATUSES, fhir="ChargeItem.status")
    status_native: str | None = text("status as the source said it", longest=200)
    service_on: str | None = date("done", fhir="ChargeItem.occurrence[x]", hl7="FT1-4")
    posted_on: str | None = date("posted", fhir="ChargeItem.enteredDate", hl7="FT1-5")
    procedure_code: str | None = text(
        "CPT or HCPCS code", longest=100, fhir="ChargeItem.code", hl7="FT1-25"
    )
    chargemaster_code: str | None = text("the hospital's code", longest=100, hl7="FT1-7")
    description: str | None = text("what it is for", longest=400, hl7="FT1-7.2, FT1-8")
    quantity: str | None = decimal("how many", fhir="ChargeItem.quantity", hl7="FT1-10")
    amount: str | None = decimal("what is charged", fhir="ChargeItem.priceOverride", hl7="FT1-11")
    currency: str | None = code("currency", CURRENCIES, hl7="FT1-11.1.2")
    modifiers: list[str] | None = texts("modifiers; Q0 and Q1 mean research", hl7="FT1-26")
    condition_codes: list[str] | None = texts("condition codes; 30 means a trial", hl7="UB2-3")
    research_diagnosis: bool | None = flag("it carries Z00.6", hl7="FT1-19")
    nct_number: str | None = text("the trial number on it", longest=40)
    payer: str | None = code("to whom it goes", PAYERS, fhir="ChargeItem.account", hl7="FT1-14")
    payer_native: str | None = text("to whom, as the source said it", longest=200)
    department: str | None = text("who did it", longest=200, hl7="FT1-13")
