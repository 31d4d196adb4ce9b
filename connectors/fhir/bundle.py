"""One page of FHIR: a Bundle cut into its entries, each resource exactly as it was written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import Refused
from connectors.formats.json_text import Part, Reader, decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry. `text` is the resource as the page spells it, `whole` the entry itself."""

    resource: Mapping[str, Any]
    text: str
    whole: str
    fault: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)  # fullUrl, search, request, response

    @property
    def mode(self) -> str:
        """match, include or outcome (FHIR Bundle.entry.search.mode)."""
        return str(_member(self.rest, "search").get("mode", "match"))

    @property
    def request(self) -> Mapping[str, Any]:
        return _member(self.rest, "request")

    @property
    def response(self) -> Mapping[str, Any]:
        return _member(self.rest, "response")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A page: its entries in order, its links by relation, how many match in all if it says."""

    entries: tuple[Entry, ...]
    links: Mapping[str, str]
    total: int = 0


def read(body: bytes) -> Bundle:
    """The Bundle in `body`. A resource that breaks a rule of JSON keeps its place, with its
    fault; anything else that is wrong raises Refused, for the page as a whole."""
    reader = Reader(decode(body))
    if reader.peek() != "{":
        raise Refused("not a Bundle: expected a JSON object")
    entries: list[Entry] = []
    top: dict[str, Any] = {}
    for key in reader.members():
        if key == "entry" and reader.peek() == "[":
            entries = [_entry(reader) for _ in reader.elements()]
        else:
            top[key] = _sound(reader.part(), key)
    reader.end()
    if top.get("resourceType") != "Bundle":
        raise Refused("not a Bundle: resourceType is something else")
    total = top.get("total")
    return Bundle(
        entries=tuple(entries),
        links=_links(top.get("link")),
        total=total if isinstance(total, int) else 0,
    )


def next_of_unreadable(body: bytes) -> str:
    """The next link of a page that cannot be read otherwise; "" when even that is unclear."""
    try:
        found = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return ""
    return _links(found.get("link")).get("next", "") if isinstance(found, dict) else ""


def _entry(reader: Reader) -> Entry:
    reader.peek()
    start, text, fault = reader.at, "", ""
    resource: Any = {}
    rest: dict[str, Any] = {}
    for key in reader.members():
        part = reader.part()
        if key == "resource":
            resource, fault = part.value, part.fault
            text = reader.text[part.start : part.end]
        else:
            rest[key] = _sound(part, key)
    if not isinstance(resource, dict):
        resource, fault = {}, fault or "the entry's resource is no JSON object"
    whole = reader.text[start : reader.at]
    return Entry(resource=resource, text=text, whole=whole, fault=fault, rest=rest)


def _sound(part: Part, name: str) -> Any:  # noqa: ANN401 - JSON
    if part.fault:
        raise Refused(f"{name}: {part.fault}")
    return part.value


def _links(links: object) -> dict[str, str]:
    if not isinstance(links, list):
        return {}
    return {
        str(link.get("relation", "")): link["url"]
        for link in links
        if isinstance(link, dict) and isinstance(link.get("url"), str)
    }


def _member(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}
