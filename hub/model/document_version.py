"""A version of a document: one file, who wrote, reviewed and approved it, and its fingerprint."""

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
from hub.model.document import STATUSES, TRANSITIONS


class DocumentVersion(Entity, table=True):
    __tablename__ = "document_version"
    __area__ = "regulatory"
    __label__ = "version_no"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("withdrawn",))
    __identifiers__ = (
        IdentifierType(type="document_version_no", says="a system's number of it", assigned=True),
        # one file may be filed in many places
        IdentifierType(type="sha256", says="SHA-256 of the file", strong=False,
                       form=r"[0-9A-F]{64}"),
    )  # fmt: skip

    document_id: str | None = ref(
        "Document", "the document", fhir="DocumentReference.masterIdentifier"
    )
    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    version_no: str | None = text(
        "number of the version, such as 2.0",
        longest=100,
        veeva="version__v",
        usdm="StudyDefinitionDocumentVersion.version",
    )
    status: str | None = code("status", STATUSES, fhir="DocumentReference.docStatus", hl7="TXA-17")
    status_native: str | None = text("status as the source said it", longest=200)
    file_name: str | None = text("name of the file", longest=1000, hl7="TXA-16")
    media_type: str | None = text(
        "kind of file", longest=200, fhir="DocumentReference.content.attachment.contentType"
    )
    size_bytes: int | None = integer("size", fhir="DocumentReference.content.attachment.size")
    sha256: str | None = text("SHA-256 of the file, hexadecimal", longest=64)
    checksum: str | None = text(
        "the source's own checksum", longest=200, fhir="DocumentReference.content.attachment.hash"
    )
    checksum_algorithm: str | None = text("how that was computed", longest=40)
    storage: str | None = text(
        "where the file is",
        longest=2000,
        hl7="TXA-12",
        fhir="DocumentReference.content.attachment.url",
    )
    author_id: str | None = ref(
        "Person", "who wrote it", fhir="DocumentReference.author", hl7="TXA-9"
    )
    reviewer_id: str | None = ref("Person", "who reviewed it")
    approver_id: str | None = ref(
        "Person", "who approved it", fhir="DocumentReference.authenticator", hl7="TXA-22"
    )
    filed_at: str | None = instant("filed", hl7="TXA-7")
    signed_at: str | None = instant("signed", hl7="TXA-22")
    approved_on: str | None = date("approved")
    effective_on: str | None = date("in force from")
    expires_on: str | None = date("last day in force; none: does not expire")
    irb_submission_id: str | None = ref("IrbSubmission", "the submission that approved it")
    irb_approved_on: str | None = date("approved by the IRB")
    supersedes_id: str | None = ref(
        "DocumentVersion",
        "the version it replaces",
        fhir="DocumentReference.relatesTo",
        hl7="TXA-13",
    )
