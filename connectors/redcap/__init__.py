"""REDCap: one project of an EDC that is asked and told through one address."""

from __future__ import annotations

from connectors.redcap.system import Redcap

__all__ = ["Redcap"]
