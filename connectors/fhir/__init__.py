"""FHIR over REST: search, history and bulk export in, conditional writes out, validation."""

from __future__ import annotations

from connectors.fhir.export_job import Export
from connectors.fhir.system import Fhir, Search

__all__ = ["Export", "Fhir", "Search"]
