"""A consent to research as Consent."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param
from crohub.fhir.scene import (
    Json,
    Scene,
    concept,
    day,
    of_study,
    own,
    period,
    person,
    reference,
    status,
    time,
)
from hub.render import Record

_TABLES = ("consent-status-to-fhir", "consent-status-to-fhir-r5")
_SCOPE = ("http://terminology.hl7.org/CodeSystem/consentscope", "research")
_CATEGORY = ("http://terminology.hl7.org/CodeSystem/consentcategorycodes", "research")


def write(record: Record, scene: Scene) -> Json:
    """The form and its version are the policy consented to."""
    form = " ".join(part for part in (record["form_name"], record["form_version"]) if part)
    kind = record["kind"]
    made: Json = {
        "extension": of_study(record),
        "identifier": scene.identifiers(record),
        "language": record["language"],
        "category": [concept(record["kind_native"] or kind, _CATEGORY, own("Consent.kind", kind))],
    }
    said = scene.codes.says(_TABLES[scene.r5], record["status"])
    status(made, "status", said, record["status"], record["status_native"])
    valid = period(record["effective_on"], record["ends_on"] or record["withdrawn_on"])
    return made | (_r5(record, form, valid) if scene.r5 else _r4(record, form, valid))


def _r4(record: Record, form: str, valid: Json | None) -> Json:
    by = reference(record["obtained_by"])
    return {
        "scope": concept(None, _SCOPE),
        "patient": person(record),
        "dateTime": time(record["signed_at"]),
        "performer": [by] if by else [],
        "policyRule": concept(form or "consent form not named"),
        "provision": {"period": valid},
    }


def _r5(record: Record, form: str, valid: Json | None) -> Json:
    by = reference(record["obtained_by"])
    return {
        "subject": person(record),
        "date": day(record["signed_at"]),
        "period": valid,
        "grantee": [by] if by else [],
        "policyBasis": None,
        "regulatoryBasis": [concept(form)] if form else [],
    }


KIND = Kind(
    type="Consent",
    entity="Consent",
    says="one person's answer to one version of one form",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="number of the signed document"),
        Param(name="patient", search="reference", field="participant", target="Patient",
              says="the person"),
        Param(name="subject", search="reference", field="participant", target="Patient",
              says="the person", versions=("R5",)),
        Param(name="status", search="token", field="status", table=_TABLES,
              says="whether it is in force"),
        Param(name="date", search="date", field="signed_at", says="when it was decided"),
        Param(name="study", search="reference", field="study", target="ResearchStudy", own=True,
              says="the study it is for"),
    ),
    dates=("signed_at",),
)  # fmt: skip
