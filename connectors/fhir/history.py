"""Deletes, which no search shows: read from the history of a resource type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.fhir.bundle import Entry
from connectors.fhir.walk import MEDIA, unreadable, walk
from connectors.http import Ask, Http
from connectors.record import Record
from connectors.resume import instant, stamp

_PLACE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/([^/?]+))?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Which history to read, from when on."""

    base: str
    kind: str
    headers: dict[str, str]
    since: datetime
    count: int = 200


def deletes(http: Http, past: Past, now: datetime) -> list[Record]:
    """What was deleted since, oldest first (the server tells it newest first, FHIR http §3.2.0.9).

    Only deletes are kept in memory. A page that cannot be read is a record with its fault.
    """
    params = (("_since", stamp(past.since)), ("_count", str(past.count)))
    ask = Ask(url=f"{past.base}/{past.kind}/_history", params=params, headers=past.headers)
    found: list[Record] = []
    for fetched in walk(http, ask):
        at = fetched.answer.server_time or now
        if fetched.bundle is None:
            found.append(unreadable(fetched, past.kind, now))
            continue
        found += [gone(one, past.kind, at) for one in fetched.bundle.entries if is_delete(one)]
        if _all_before(fetched.bundle.entries, past.since):
            break  # a server that does not know _since tells everything it ever did
    return sorted(found, key=lambda record: record.at)


def offers_history(capabilities: dict[str, Any], kind: str) -> bool:
    """Does the CapabilityStatement promise history-type for the resource type?"""
    rest = capabilities.get("rest")
    for resource in _dicts(_dicts(rest)[0].get("resource")) if _dicts(rest) else []:
        if resource.get("type") == kind:
            codes = {action.get("code") for action in _dicts(resource.get("interaction"))}
            return "history-type" in codes
    return False


def gone(entry: Entry, kind: str, at: datetime, *, version: str = "") -> Record:
    """The record of one deletion, of the type it names or else `kind`; `version` counts where
    the entry has neither a version nor a time."""
    place = _place(entry, kind)
    said = str(entry.response.get("lastModified", ""))
    version = _etag(entry) or (place and place[3]) or said or version
    name = f"{place[1]}/{place[2]}@{version}" if place else f"{kind}/unnamed@{version}"
    return Record(
        stream=place[1] if place else kind,
        message_key=f"{name}:gone",
        at=instant(said) or at,
        body=entry.whole.encode(),
        media=MEDIA,
        said="gone",
        fault="" if place else "a delete that does not say of what",
    )


def is_delete(entry: Entry) -> bool:
    return entry.request.get("method") == "DELETE"


def _place(entry: Entry, kind: str) -> re.Match[str] | None:
    """Type, id and version of what was deleted; where two addresses differ, that of `kind`."""
    asked = _PLACE.search(str(entry.request.get("url", "")))
    if asked and asked[1] == kind:
        return asked
    return _PLACE.search(str(entry.rest.get("fullUrl", ""))) or asked


def _etag(entry: Entry) -> str:
    return str(entry.response.get("etag", "")).removeprefix("W/").strip('"')


def _all_before(entries: tuple[Entry, ...], since: datetime) -> bool:
    times = [instant(str(entry.response.get("lastModified", ""))) for entry in entries]
    return bool(times) and all(time and time < since for time in times)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
