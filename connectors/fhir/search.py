"""Reads one resource type by search, oldest change first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from connectors.errors import Refused
from connectors.fhir import outcome
from connectors.fhir.bundle import Bundle, Entry
from connectors.fhir.resource import changed, record
from connectors.fhir.walk import unreadable, walk
from connectors.http import Ask, Http
from connectors.http_policy import Answer
from connectors.record import Record
from connectors.resume import Page, Seen, stamp

# Search parameters whose values are about a person; they do not belong into an address.
_PERSONAL = frozenset(
    {"identifier", "name", "family", "given", "phonetic", "birthdate", "deathdate", "phone"}
    | {"email", "telecom", "gender", "patient", "subject", "address", "address-city"}
    | {"address-country", "address-postalcode", "address-state"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to search. `params` are added as they stand, besides sort, count and time."""

    base: str
    kind: str  # resource type
    headers: dict[str, str]
    params: tuple[tuple[str, str], ...] = ()
    count: int = 200
    changed_since: datetime | None = None
    by_post: bool = False


def first_request(query: Query) -> Ask:
    """The request for the first page. A search with a person's values is POSTed (FHIR http
    §3.2.1.3): servers and proxies write addresses into their logs."""
    params = [("_sort", "_lastUpdated"), ("_count", str(query.count)), *query.params]
    if query.changed_since:
        params.append(("_lastUpdated", f"ge{stamp(query.changed_since)}"))
    url = f"{query.base}/{query.kind}"
    if not (query.by_post or any(_is_personal(name) for name, _ in query.params)):
        return Ask(url=url, params=tuple(params), headers=query.headers)
    return Ask(
        url=f"{url}/_search",
        method="POST",
        headers={**query.headers, "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(params).encode(),
        repeatable=True,
    )


def pages(http: Http, query: Query, now: datetime) -> Iterator[Page]:
    """Each page's records; a resource that comes again in the same version is left out.

    Included resources are records of their own type and do not move the cursor. Warnings of
    the server become notes of the record that follows them, or, where none follows, a record.
    """
    run = _Run(query, now)
    for fetched in walk(http, first_request(query)):
        if fetched.bundle is None:
            yield Page(records=[unreadable(fetched, query.kind, now)])
        else:
            yield _page(fetched.answer, fetched.bundle, run)
            run.matches += sum(entry.mode == "match" for entry in fetched.bundle.entries)
            _refuse_cut_off(fetched.answer, fetched.bundle, run)
    if run.warnings:
        yield Page(records=[_record(entry, "OperationOutcome", now) for entry in run.warnings])


@dataclass(slots=True)
class _Run:
    """What one search carries from page to page."""

    query: Query
    now: datetime
    seen: Seen = field(default_factory=Seen)
    matches: int = 0
    warnings: list[Entry] = field(default_factory=list)  # that no record has carried yet

    def notes(self) -> tuple[str, ...]:
        told = tuple(outcome.told(dict(entry.resource)) for entry in self.warnings)
        self.warnings.clear()
        return told


def _refuse_cut_off(answer: Answer, bundle: Bundle, run: _Run) -> None:
    """A full page, more matches than came, and no way to them: some servers count but cannot
    page. Read on from the cursor, or with a larger page."""
    full = len(bundle.entries) >= run.query.count
    if full and run.matches < bundle.total and "next" not in bundle.links:
        raise Refused(
            f"{answer.told}: {run.matches} of {bundle.total} matches came and no next link; "
            "raise `page_size`"
        )


def _page(answer: Answer, bundle: Bundle, run: _Run) -> Page:
    records, times = [], []
    at = answer.server_time or run.now
    run.warnings += [entry for entry in bundle.entries if entry.mode == "outcome"]
    for entry in bundle.entries:
        if entry.mode == "outcome":
            continue
        one = _record(entry, run.query.kind, at, run.notes() if run.warnings else ())
        time = changed(entry.resource)
        if time and entry.mode == "match":
            times.append(time)
        if run.seen.first(one.message_key) or one.notes:
            records.append(one)
    own = bundle.links.get("self", "")
    return Page(
        records=records,
        times=times,
        server_time=answer.server_time,
        ordered=not own or "_sort=" in own,  # what the server says that it did
    )


def _record(entry: Entry, stream: str, at: datetime, notes: tuple[str, ...] = ()) -> Record:
    body = (entry.text or entry.whole).encode()
    return record(entry.resource, body, stream=stream, at=at, fault=entry.fault, notes=notes)


def _is_personal(param: str) -> bool:
    return param.partition(":")[0].rpartition(".")[2] in _PERSONAL
