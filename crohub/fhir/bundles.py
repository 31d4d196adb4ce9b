"""A page of a search as a Bundle: its resources, those beside them, and where to go on."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from crohub.fhir import shaping
from crohub.fhir.asking import Asked
from crohub.fhir.outcome import outcome
from crohub.fhir.scene import Json, Version
from crohub.fhir.searching import Found


def searchset(base: str, version: Version, type_: str, asked: Asked, found: Found) -> Json:
    """`base` is the address of the facade, without the type. The links repeat the search as it
    was understood: a page size above the limit is clamped there, too."""
    made: Json = {"resourceType": "Bundle", "id": str(uuid.uuid4()), "type": "searchset"}
    if found.total is not None:
        made["total"] = found.total
    said = [*asked.said, ("_count", str(asked.count))]
    place = f"{base}/{type_}"
    links = [_link("self", place, [*said, *_cursor(asked.cursor)])]
    if found.next:
        links.append(_link("next", place, [*said, *_cursor(found.next)]))
    made["link"] = links
    cut = [shaping.cut(version, one, asked.summary, asked.elements) for one in found.matches]
    entries = [_entry(base, one, "match") for one in cut]
    entries += [_entry(base, one, "include") for one in found.included]
    for note in found.notes:
        said_so = outcome("warning", "incomplete", "not everything could be shown", note)
        entries.append({"resource": said_so, "search": {"mode": "outcome"}})
    return made | ({"entry": entries} if entries else {})


def _link(relation: str, place: str, params: list[tuple[str, str]]) -> Json:
    return {"relation": relation, "url": f"{place}?{urlencode(params)}"}


def _cursor(text: str) -> list[tuple[str, str]]:
    return [("_cursor", text)] if text else []


def _entry(base: str, resource: Json, mode: str) -> Json:
    place = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": place, "resource": resource, "search": {"mode": mode}}
