"""FHIR answers: single resources, operation outcomes and what the server says it can do."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from crohub.sandbox.fhir_search import FhirError
from crohub.sandbox.fhir_store import Version
from crohub.sandbox.world import Resource

MEDIA = "application/fhir+json"
KINDS = (
    "Appointment", "Consent", "Encounter", "Location", "Organization", "Patient",
    "PlanDefinition", "Practitioner", "PractitionerRole", "ResearchStudy", "ResearchSubject",
)  # fmt: skip
SEARCHED = (
    ("_id", "token"), ("_lastUpdated", "date"), ("identifier", "token"), ("status", "token"),
    ("study", "reference"), ("patient", "reference"),
)  # fmt: skip

_EXPORT = {
    "name": "export",
    "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
}


def known(kind: str) -> None:
    """Raises FhirError when the server has no such resource type."""
    if kind not in KINDS:
        raise FhirError(404, "not-supported", f"this server has no {kind[:64]}")


def json(content: Resource, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response of FHIR JSON."""
    return Response(orjson.dumps(content), status, headers, MEDIA)


def outcome(error: FhirError) -> Response:
    """An OperationOutcome with the status and headers that belong to the error."""
    headers = {429: {"Retry-After": "1"}, 503: {"Retry-After": "1"},
               401: {"WWW-Authenticate": "Bearer"}}.get(error.status, {})  # fmt: skip
    return json(issue("error", error.code, error.diagnostics), error.status, headers)


def issue(severity: str, code: str, diagnostics: str) -> Resource:
    """An OperationOutcome of one issue."""
    one = {"severity": severity, "code": code, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [one]}


def one(version: Version | None, none_match: str = "") -> Response:
    """A resource with its ETag; 404 when there never was one, 410 when it was deleted."""
    if version is None:
        raise FhirError(404, "not-found", "there is no such resource")
    if version.resource is None:
        raise FhirError(410, "deleted", "the resource was deleted")
    if none_match == etag(version):
        return Response(status_code=304, headers={"ETag": etag(version)})
    return json(version.resource, headers={"ETag": etag(version)})


def etag(version: Version) -> str:
    """The weak entity tag of a version."""
    return f'W/"{version.number}"'


def capability(url: str) -> Response:
    """The CapabilityStatement."""
    does = ("read", "search-type", "history-type", "history-instance", "create", "update")
    resource = [
        {
            "type": kind,
            "interaction": [{"code": code} for code in does],
            "versioning": "versioned",
            "conditionalCreate": True,
            "conditionalUpdate": True,
            "updateCreate": True,
            "searchParam": [{"name": name, "type": form} for name, form in SEARCHED],
        }
        for kind in KINDS
    ]
    return json({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-03-01",
        "kind": "instance",
        "software": {"name": "Cedar Mesa research register (invented)", "version": "1"},
        "implementation": {"description": "made-up institution", "url": url},
        "fhirVersion": "4.0.1",
        "format": [MEDIA],
        "rest": [{
            "mode": "server", "resource": resource, "operation": [_EXPORT],
            "interaction": [{"code": "transaction"}],
        }],
    })  # fmt: skip
