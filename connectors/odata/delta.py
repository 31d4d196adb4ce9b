"""Reads an entity set by its delta link (OData V4 §11.3): what changed, and what was removed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from connectors.address import follow
from connectors.errors import Misconfigured, Refused, TryLater
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import Answer, StatusRefused
from connectors.odata.entity_set import EntitySet
from connectors.record import Record
from connectors.rest_elements import Element, elements
from connectors.rest_stream import Stream, record

_MARK = "delta:"
_FORGOTTEN = frozenset({404, 410})
_PREDICATE = re.compile(r"\(([^()]*)\)$")
_PAIR = re.compile(r"(?:(\w+)=)?(?:'((?:[^']|'')*)'|([^,']+))(?:,|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a delta is read: `url` is the set's own, `headers` go with every request."""

    name: str
    wanted: EntitySet
    stream: Stream
    url: str
    headers: Mapping[str, str]
    now: datetime


def pull(http: Http, place: Place, since: str) -> Iterator[Record]:
    """From the beginning, or from the delta link in `since`. Only the last record moves the
    cursor on: a link holds for all that came before it. A link that the system has forgotten is
    read from the beginning; what was removed in between is then not heard of."""
    held, link = None, ""
    for records, link in _pages(http, place, since):  # noqa: B007 - the last one counts
        for one in records:
            if held:
                yield replace(held, cursor=since)
            held = one
    if held:
        yield replace(held, cursor=_MARK + link if link else since)
    if not link:
        raise Misconfigured(f"{place.name}: no delta link came; the service tracks no changes")


def _pages(http: Http, place: Place, since: str) -> Iterator[tuple[list[Record], str]]:
    """The records of each page; with those of the last, the delta link."""
    answer = _begun(http, place, since)
    while True:
        records, rest = _understood(answer, place)
        delta = rest.get("@odata.deltaLink") or rest.get("@deltaLink")
        yield records, follow(delta, seen_at=answer.url) if isinstance(delta, str) else ""
        link = rest.get("@odata.nextLink") or rest.get("@nextLink")
        if not isinstance(link, str):
            return
        answer = http.ask(Ask(url=follow(link, seen_at=answer.url), headers=place.headers))


def _begun(http: Http, place: Place, since: str) -> Answer:
    try:
        return http.ask(_first(place, since))
    except StatusRefused as error:
        if not since or error.status not in _FORGOTTEN:
            raise
        return http.ask(_first(place, ""))


def _first(place: Place, since: str) -> Ask:
    if not since:
        params = tuple(place.stream.params.items())
        return Ask(url=place.url, params=params, headers=place.headers)
    if not since.startswith(_MARK):
        raise Misconfigured(f"cursor {since[:60]!r} is none of ours, expected a delta link")
    return Ask(url=follow(since.removeprefix(_MARK), seen_at=place.url), headers=place.headers)


def _understood(answer: Answer, place: Place) -> tuple[list[Record], dict[str, Any]]:
    try:
        found, rest = elements(answer.body, "value")
    except Refused as error:
        raise TryLater(f"{answer.told}: unreadable page: {error}") from error
    at = answer.server_time or place.now
    return [_record(one, place, at) for one in found], rest


def _record(element: Element, place: Place, at: datetime) -> Record:
    value = element.value
    if not isinstance(value, dict) or not _is_removed(value):
        return record(place.name, place.stream, element, at)
    # an entry of what was removed may name its entity by address alone
    named = keys(str(value.get("@odata.id") or value.get("@id") or value.get("id") or ""), place)
    text = json_text.write(value | {name: named[name] for name in named if name not in value})
    made = record(place.name, place.stream, Element(json_text.read(text), text.decode()), at)
    return replace(made, said="gone", message_key=f"{made.message_key}:gone")


def _is_removed(value: dict[str, Any]) -> bool:
    """4.01 says `@removed`; 4.0 says it with the context of a deleted entity."""
    context = str(value.get("@odata.context") or value.get("@context") or "")
    return "@removed" in value or "@odata.removed" in value or context.endswith("$deletedEntity")


def keys(address: str, place: Place) -> dict[str, str]:
    """The key in an entity's address: `Suppliers('17')`, `Items(Year='2026',No='1')`."""
    found = _PREDICATE.search(unquote(address))
    only = place.wanted.key[0] if len(place.wanted.key) == 1 else ""
    pairs = _PAIR.findall(found[1]) if found else []
    said = {name or only: quoted.replace("''", "'") or bare for name, quoted, bare in pairs}
    return {name: value for name, value in said.items() if name}
