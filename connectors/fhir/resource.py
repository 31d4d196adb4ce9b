"""A resource as a record: its type, id and version name it, its own time dates it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.fhir.walk import MEDIA
from connectors.record import Record
from connectors.resume import instant


def record(
    resource: Mapping[str, Any],
    body: bytes,
    *,
    stream: str,
    at: datetime,
    fault: str = "",
    notes: tuple[str, ...] = (),
) -> Record:
    """The record of `resource`, written as `body`; `at` counts where it has no time of its own,
    `stream` where it does not say what it is."""
    kind, name = resource.get("resourceType"), resource.get("id")
    if not (isinstance(kind, str) and kind.isalpha() and isinstance(name, str) and name):
        kind, name = stream, "unnamed"
        fault = fault or "a resource without resourceType or id"
    # A faulty one may be mended without a new version; its body then tells them apart.
    version = "" if fault else _meta(resource).get("versionId")
    return Record(
        stream=kind,
        message_key=f"{kind}/{name}@{version or sha256(body).hexdigest()[:32]}",
        at=changed(resource) or at,
        body=body,
        media=MEDIA,
        fault=fault,
        notes=notes,
    )


def changed(resource: Mapping[str, Any]) -> datetime | None:
    """`meta.lastUpdated`; None where it does not say."""
    return instant(_meta(resource).get("lastUpdated", ""))


def _meta(resource: Mapping[str, Any]) -> dict[str, Any]:
    found = resource.get("meta")
    return found if isinstance(found, dict) else {}
