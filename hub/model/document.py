"""A document a study must be able to show: what it is, where it belongs, if it is in force."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, flag, ref, text
from hub.model.countries import COUNTRIES

KINDS = (
    "protocol", "protocol_amendment", "investigator_brochure", "informed_consent", "recruitment",
    "irb_approval", "irb_correspondence", "form_1572", "cv", "licence", "training_certificate",
    "financial_disclosure", "delegation_log", "contract", "budget", "monitoring_report",
    "monitoring_letter", "safety_report", "lab_certification", "lab_normals", "ip_record",
    "note_to_file", "other",
)  # fmt: skip
LEVELS = ("trial", "country", "site")
STATUSES = (
    "expected", "missing", "draft", "in_review", "approved", "effective", "superseded", "expired",
    "withdrawn", "archived",
)  # fmt: skip
TRANSITIONS = {
    "expected": ("missing", "draft", "in_review", "approved", "effective"),
    "missing": ("expected", "draft", "in_review", "approved", "effective"),
    "draft": ("in_review", "approved", "effective"),
    "in_review": ("draft", "approved", "effective"),
    "approved": ("draft", "effective", "superseded", "expired", "archived"),
    "effective": ("draft", "superseded", "expired", "archived"),
    "superseded": ("archived",),
    "expired": ("effective", "superseded", "archived"),
    "withdrawn": ("draft", "archived"),
    "archived": (),
}
SIGNATURES = ("wet", "electronic", "none")


class Document(Entity, table=True):
    __tablename__ = "document"
    __area__ = "regulatory"
    __label__ = "title"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("withdrawn",))
    __identifiers__ = (
        IdentifierType(type="document_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study", fhir="DocumentReference.context.related")
    study_site_id: str | None = ref("StudySite", "the site")
    country: str | None = code("the country", COUNTRIES)
    person_id: str | None = ref("Person", "whom it is about", fhir="DocumentReference.subject")
    title: str | None = text(
        "title", longest=1000, fhir="DocumentReference.description", hl7="TXA-2.2"
    )
    kind: str | None = code("what it is", KINDS, fhir="DocumentReference.type", hl7="TXA-2")
    kind_native: str | None = text("kind as the source said it", longest=400)
    tmf_artifact: str | None = text(
        "number in the TMF reference model, zz.ss.aa", longest=40, veeva="artifact__v"
    )
    tmf_version: str | None = text("version of the reference model", longest=40)
    sub_artifact: str | None = text("finer than the artifact", longest=200)
    level: str | None = code("what it belongs to", LEVELS)
    level_native: str | None = text("level as the source said it", longest=200)
    language: str | None = text(
        "language, BCP 47", longest=35, fhir="DocumentReference.content.attachment.language"
    )
    unblinded: bool | None = flag("it can tell who got what: kept from the blinded")
    document_on: str | None = date("date on it", fhir="DocumentReference.date", hl7="TXA-4")
    status: str | None = code(
        "status", STATUSES, fhir="DocumentReference.status, docStatus", hl7="TXA-17, TXA-19"
    )
    status_native: str | None = text("status as the source said it", longest=200)
    current_version: str | None = text(
        "number of the version in force", longest=100, veeva="version__v"
    )
    effective_on: str | None = date("in force from")
    expires_on: str | None = date("last day in force; none: does not expire")
    signature: str | None = code("how it is signed", SIGNATURES, hl7="TXA-22")
    signature_native: str | None = text("signature as the source said it", longest=200)
    milestone_id: str | None = ref("Milestone", "the milestone it is needed for")
