"""OData V2 and V4, with SAP S/4HANA as its profile: lists and delta links in, documents out."""

from __future__ import annotations

from connectors.odata.system import Odata

__all__ = ["Odata"]
