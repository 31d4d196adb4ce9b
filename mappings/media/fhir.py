"""FHIR resources as JSON; a delete in a history reads as the resource that is no more."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from mappings.media import json
from mappings.media.medium import Document, Medium

_PLACE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/?]+)?$")


def medium(*, exact: bool) -> Medium:
    """JSON bodies; `exact` as for JSON.

    A history tells a delete as an entry without a resource (FHIR R4 http §3.2.0.9): it reads as
    {"resourceType", "id"} and, where the server says when, {"meta": {"lastUpdated"}}.
    """
    plain = json.medium(exact=exact)
    return replace(plain, read=lambda body, media: _resource(plain.read(body, media)))


def _resource(document: Document) -> Document:
    if not isinstance(document, dict) or "resourceType" in document:
        return document
    request = document.get("request")
    if not isinstance(request, dict) or request.get("method") != "DELETE":
        return document
    for url in (request.get("url"), document.get("fullUrl")):
        place = _PLACE.search(url) if isinstance(url, str) else None
        if place:
            return {"resourceType": place[1], "id": place[2], "meta": _meta(document)}
    return document


def _meta(entry: dict[str, Any]) -> dict[str, Any]:
    response = entry.get("response")
    said = response.get("lastModified") if isinstance(response, dict) else None
    return {"lastUpdated": said} if said else {}
