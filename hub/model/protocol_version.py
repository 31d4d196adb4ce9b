"""A version of a protocol: the original, an amendment, or an administrative change."""

from hub.model.base import Entity, IdentifierType, code, date, flag, ref, text

KINDS = ("original", "amendment", "administrative", "other")


class ProtocolVersion(Entity, table=True):
    __tablename__ = "protocol_version"
    __area__ = "studies"
    __label__ = "version_no"
    __identifiers__ = (
        IdentifierType(type="protocol_version_oid", says="the version's id in its study",
                       assigned=True, literal=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study", fhir="ResearchStudy.protocol")
    version_no: str | None = text(
        "number of the version", longest=100, usdm="StudyVersion.versionIdentifier",
        odm="MetaDataVersion@OID",
    )  # fmt: skip
    kind: str | None = code("what kind of change", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    amendment_no: str | None = text(
        "number of the amendment", longest=100, usdm="StudyAmendment.number"
    )
    summary: str | None = text("what changed", longest=40000, usdm="StudyAmendment.summary")
    primary_reason: str | None = text(
        "why it changed", longest=1000, usdm="StudyAmendment.primaryReason"
    )
    substantial: bool | None = flag("a substantial amendment, as the EU counts")
    sponsor_approved_on: str | None = date("approved by the sponsor", usdm="GovernanceDate")
    effective_on: str | None = date("in force from", usdm="GovernanceDate")
    irb_approved_on: str | None = date("approved by the IRB", usdm="GovernanceDate")
    irb_submission_id: str | None = ref("IrbSubmission", "the submission that approved it")
    supersedes_id: str | None = ref("ProtocolVersion", "the version it replaces")
    document_id: str | None = ref("Document", "the protocol document")
