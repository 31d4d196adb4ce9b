"""A consent: one person's answer to one version of one form."""

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
from hub.model.enrollment import SCOPES

KINDS = ("main", "reconsent", "optional_biobank", "assent", "hipaa", "short_form", "other")
STATUSES = (
    "proposed", "obtained", "declined", "withdrawn", "superseded", "expired", "ended",
    "entered_in_error",
)  # fmt: skip
TRANSITIONS = {
    "proposed": ("obtained", "declined"),
    "obtained": ("withdrawn", "superseded", "expired", "ended"),
    "declined": ("obtained",),
    "withdrawn": (),  # consenting again is another consent
    "superseded": ("withdrawn",),
    "expired": (),
    "ended": ("withdrawn", "superseded", "expired"),  # the source has now said why
    "entered_in_error": (),
}
MODES = ("paper", "econsent", "remote", "verbal", "other")


class Consent(Entity, table=True):
    __tablename__ = "consent"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = "form_name"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("entered_in_error",))
    __identifiers__ = (
        IdentifierType(type="consent_no", says="number of the signed document", assigned=True),
    )

    enrollment_id: str | None = ref("Enrollment", "the enrollment it is for")
    participant_id: str | None = ref(
        "Participant", "the person", fhir="Consent.patient", hl7="PID-3"
    )
    study_id: str | None = ref("Study", "the study it is for")
    form_name: str | None = text("the form", longest=400, hl7="CON-4", fhir="Consent.policyRule")
    form_version: str | None = text("version of the form", longest=100, hl7="CON-4")
    kind: str | None = code("what is consented to", KINDS, fhir="Consent.category", hl7="CON-2")
    kind_native: str | None = text("kind as the source said it", longest=200)
    status: str | None = code("status", STATUSES, fhir="Consent.status", hl7="CON-11")
    status_native: str | None = text("status as the source said it", longest=200)
    language: str | None = text("language of the form, BCP 47", longest=35, fhir="Consent.language")
    signed_at: str | None = instant(
        "when it was decided", fhir="Consent.dateTime", hl7="CON-13, CSR-9"
    )
    effective_on: str | None = date(
        "first day", fhir="Consent.provision.period.start", hl7="CON-14"
    )
    ends_on: str | None = date("last day", fhir="Consent.provision.period.end", hl7="CON-15")
    withdrawn_on: str | None = date("withdrawn")
    withdrawal_scope: list[str] | None = texts("what was withdrawn", SCOPES)
    obtained_by_id: str | None = ref("Person", "who obtained it")
    witnessed: bool | None = flag("a witness was there")
    mode: str | None = code("how", MODES, hl7="CON-10")
    mode_native: str | None = text("how, as the source said it", longest=200)
    copy_given: bool | None = flag("the person got a copy")
