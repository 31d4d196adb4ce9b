"""The provenance of a record in the forms that others read: FHIR and W3C PROV."""

from __future__ import annotations

from types import MappingProxyType

from crohub.provenance import fhir, prov

FORMS = MappingProxyType(
    {"fhir": ("application/fhir+json", fhir.bundle), "prov": ("application/json", prov.document)}
)

__all__ = ["FORMS"]
