"""A contract: who agreed with whom on what, and how long it took."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    code,
    date,
    decimal,
    integer,
    ref,
    text,
    texts,
)
from hub.model.currencies import CURRENCIES

KINDS = (
    "cda", "cta", "msa", "work_order", "data_use", "mta", "indemnity", "subaward", "reliance",
    "amendment", "other",
)  # fmt: skip
STATES = (
    "intake", "drafting", "negotiation", "legal_review", "out_for_signature", "executed",
    "amended", "expired", "terminated", "withdrawn",
)  # fmt: skip
TRANSITIONS = {
    "intake": ("drafting", "negotiation", "legal_review"),
    "drafting": ("negotiation", "legal_review", "out_for_signature"),
    "negotiation": ("drafting", "legal_review", "out_for_signature"),
    "legal_review": ("drafting", "negotiation", "out_for_signature"),
    "out_for_signature": ("negotiation", "executed"),
    "executed": ("amended", "expired"),
    "amended": ("expired",),
    "expired": ("executed", "amended"),  # renewed
    "terminated": (),
    "withdrawn": ("intake",),
}


class Contract(Entity, table=True):
    __tablename__ = "contract"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __label__ = "contract_no"
    __lifecycle__ = Lifecycle(field="state", steps=TRANSITIONS, always=("terminated", "withdrawn"))
    __identifiers__ = (
        IdentifierType(type="contract_no", says="the number a party or office gave it",
                       assigned=True),
    )  # fmt: skip

    contract_no: str | None = text(
        "number people know it by", longest=100, fhir="Contract.identifier"
    )
    title: str | None = text("title", longest=1000, fhir="Contract.title")
    kind: str | None = code("what kind of agreement", KINDS, fhir="Contract.type")
    kind_native: str | None = text("kind as the source said it", longest=200)
    state: str | None = code("state", STATES, fhir="Contract.status, legalState")
    state_native: str | None = text("state as the source said it", longest=200)
    study_id: str | None = ref("Study", "the study", fhir="Contract.topic[x]")
    study_site_id: str | None = ref("StudySite", "the site")
    award_id: str | None = ref("Award", "the award it belongs to")
    party_id: str | None = ref("Organization", "the other party")
    other_parties: list[str] | None = texts("further parties")
    part_of_id: str | None = ref("Contract", "the agreement it amends or works under")
    version_no: str | None = text(
        "number of the draft or amendment", longest=100, fhir="Contract.version"
    )
    received_on: str | None = date("received")
    first_draft_on: str | None = date("first draft sent")
    legal_review_on: str | None = date("given to the lawyers")
    out_for_signature_on: str | None = date("sent for signature")
    fully_executed_on: str | None = date("signed by all")
    effective_on: str | None = date("in force from", fhir="Contract.applies.start")
    expires_on: str | None = date("last day; none: open-ended", fhir="Contract.applies.end")
    renewal_due_on: str | None = date("to be renewed or left by")
    value_amount: str | None = decimal("what it is worth")
    currency: str | None = code("currency", CURRENCIES)
    payment_terms: str | None = text("payment terms")
    payment_days: int | None = integer("days in which an invoice is to be paid")
    holdback_percent: str | None = decimal("kept back until the end, per cent")
    owner_id: str | None = ref("Person", "who negotiates it")
    document_id: str | None = ref("Document", "the signed document")
