"""FHIR over REST: search and history in, conditional create and update out, validation beside."""

from __future__ import annotations

from connectors.fhir.system import Fhir, Search

__all__ = ["Fhir", "Search"]
