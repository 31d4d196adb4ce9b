"""A document of a study as DocumentReference; its content is each version of it that is known."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param, Part
from crohub.fhir.scene import Json, Scene, concept, of_study, own, reference, status, time
from hub.query import Condition
from hub.render import Record

_TABLE, _WRITTEN = "document-status-to-fhir", "document-status-to-fhir-composition"
_SHOWN = ("draft", "in_review", "approved", "effective", "superseded", "expired", "withdrawn",
          "archived")  # fmt: skip
_ARTIFACT = "urn:crohub:tmf-artifact"


def write(record: Record, scene: Scene) -> Json:
    """What is only expected, or missing, is no document yet. R4 has no study as a subject: there
    it is what the document is related to."""
    kind = concept(
        record["kind_native"] or record["kind"],
        own("Document.kind", record["kind"]), (_ARTIFACT, record["tmf_artifact"]),
    )  # fmt: skip
    versions = scene.children("versions", record)
    study = reference(record["study"])
    made: Json = {
        "extension": of_study(record),
        "identifier": scene.identifiers(record),
        "type": kind,
        "description": record["title"],
        "content": [_content(record, one) for one in versions] or [_content(record, {})],
    }
    said = scene.codes.says(_TABLE, record["status"])
    status(made, "status", said, record["status"], record["status_native"])
    made["docStatus"] = scene.codes.says(_WRITTEN, record["status"])
    about = reference(record["person"])
    if scene.r5:
        return made | {"version": record["current_version"], "subject": about or study}
    return made | {"subject": about, "context": {"related": [study] if study else []}}


def _content(record: Record, version: Record) -> Json:
    number = version.get("version_no") or record["current_version"]
    named = " ".join(part for part in (record["title"], number) if part)
    made = time(version.get("approved_on") or version.get("filed_at") or record["document_on"])
    return {
        "attachment": {
            "contentType": version.get("media_type"), "language": record["language"],
            "title": named or version.get("file_name") or "not named", "creation": made,
        }
    }  # fmt: skip


KIND = Kind(
    type="DocumentReference",
    entity="Document",
    says="a document that a study must be able to show",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="a system's number of it"),
        Param(name="status", search="token", field="status", table=_TABLE,
              says="whether it is current"),
        Param(name="doc-status", search="token", field="status", table=_WRITTEN,
              versions=("R5",), says="how far it is written"),
        Param(name="type", search="token", field="kind", says="the canonical kind"),
        Param(name="description", search="string", field="title", says="words of the title"),
        Param(name="related", search="reference", field="study", target="ResearchStudy",
              versions=("R4",), says="the study"),
        Param(name="subject", search="reference", field="study", target="ResearchStudy",
              versions=("R5",), says="the study"),
        Param(name="study", search="reference", field="study", target="ResearchStudy", own=True,
              says="the study"),
    ),
    parts=(Part(name="versions", entity="DocumentVersion", by="document", sort="version_no"),),
    only=(Condition("status", "code", "in", list(_SHOWN)),),
    dates=("document_on",),
)  # fmt: skip
