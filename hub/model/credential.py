"""A credential: licence, certificate or declaration that lets a person do certain work."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, ref, text
from hub.model.countries import COUNTRIES

KINDS = (
    "medical_license", "nursing_license", "pharmacy_license", "dea", "npi", "board_cert", "cv",
    "financial_disclosure", "coi", "gcp", "hsp", "hipaa", "iata", "bls", "acls", "other",
)  # fmt: skip
STATUSES = ("pending", "valid", "expiring", "expired", "revoked")
TRANSITIONS = {
    "pending": ("valid", "expiring", "expired"),
    "valid": ("expiring", "expired"),
    "expiring": ("valid", "expired"),
    "expired": ("valid",),  # renewed
    "revoked": ("valid",),  # given back
}


class Credential(Entity, table=True):
    __tablename__ = "credential"
    __area__ = "people"
    __sensitivity__ = "confidential"
    __label__ = "kind"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("revoked",))
    __identifiers__ = (
        IdentifierType(type="credential_no", says="a system's number of it", assigned=True),
        # a board may give a doctor and a nurse the same number
        IdentifierType(type="licence", says="number its issuer gave it", assigned=True,
                       strong=False),
    )  # fmt: skip

    person_id: str | None = ref("Person", "whose", fhir="Practitioner.qualification")
    kind: str | None = code(
        "what it is", KINDS, fhir="Practitioner.qualification.code", hl7="PRA-6.2, CER-10"
    )
    kind_native: str | None = text("kind as the source said it", longest=200)
    number: str | None = text(
        "its number", longest=200, fhir="Practitioner.qualification.identifier",
        hl7="CER-2, PRA-6.1",
    )  # fmt: skip
    issuer: str | None = text(
        "who issued it", longest=400, fhir="Practitioner.qualification.issuer", hl7="CER-5"
    )
    jurisdiction: str | None = text(
        "state or region where it is valid", longest=100, hl7="PRA-6.3, CER-20"
    )
    country: str | None = code("country where it is valid", COUNTRIES, hl7="CER-19")
    issued_on: str | None = date(
        "issued", fhir="Practitioner.qualification.period.start", hl7="CER-24"
    )
    expires_on: str | None = date(
        "last day; none: does not expire", fhir="Practitioner.qualification.period.end",
        hl7="CER-27, PRA-6.4",
    )  # fmt: skip
    status: str | None = code("status", STATUSES, hl7="CER-31")
    status_native: str | None = text("status as the source said it", longest=200)
    verified_on: str | None = date("last verified with its issuer")
    verified_by_id: str | None = ref("Person", "who verified it")
    evidence_id: str | None = ref("Document", "the copy on file")
