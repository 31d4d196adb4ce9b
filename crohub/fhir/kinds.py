"""All resource types of the facade but Provenance, which is told and not kept."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from crohub.fhir import (
    appointment,
    consent,
    document_reference,
    invoice,
    location,
    organization,
    patient,
    practitioner,
    practitioner_role,
    research_study,
    research_subject,
)
from crohub.fhir.kind import Kind
from crohub.fhir.scene import Version

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.type: kind
        for kind in (
            research_study.KIND, research_subject.KIND, patient.KIND, practitioner.KIND,
            practitioner_role.KIND, organization.KIND, location.KIND, consent.KIND,
            appointment.KIND, document_reference.KIND, invoice.KIND,
        )
    }
)  # fmt: skip


def pointing_to(type_: str, version: Version) -> list[str]:
    """What `_revinclude` finds for a resource type: `ResearchSubject:study`."""
    return [
        f"{kind.type}:{name}"
        for kind in KINDS.values()
        for name, link in kind.links(version).items()
        if link.target == type_
    ]
