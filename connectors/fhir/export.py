"""Reads a bulk export: deletions first, then resources, then what the server complains of.

Every record's cursor names the job and the line behind it; the last one's is the moment the
export shows, from which the next goes on. A job that is not known any more is asked for again
from where the last whole export came to: what comes twice has the same key and the same body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectors.address import follow
from connectors.errors import ConnectorError, Refused, TryLater
from connectors.fhir import bundle, outcome
from connectors.fhir.export_job import Export, File, Manifest, clear_away, finished, kick_off
from connectors.fhir.export_place import Place, Reading
from connectors.fhir.history import gone, is_delete
from connectors.fhir.resource import record
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import StatusRefused
from connectors.record import Record
from connectors.resume import Seen, stamp
from connectors.world import World


@dataclass(slots=True)
class Jobs:
    """What a connection remembers of its jobs from one pull to the next."""

    waiting: dict[tuple[str, str], str] = field(default_factory=dict)  # stream, since → job
    given_up: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is exported, and how it is spoken to."""

    http: Http
    status: Http  # asks for jobs, whose 5xx mean something else
    base: str
    headers: dict[str, str]
    stream: str
    export: Export
    world: World
    jobs: Jobs


def pull(source: Source, since: str) -> Iterator[Record]:
    """Every record of the export that begins, or goes on, at cursor `since`."""
    place = Place.read(since)
    job, manifest, start = _take_up(source, place)
    held: Record | None = None
    try:
        for one in _records(source, manifest, Place(place.since, start), Seen()):
            if held:
                yield held
            held = one
    except ConnectorError as error:
        if held:
            yield held
        if isinstance(error, StatusRefused | _Short):
            raise _spoilt(source, job, error) from error
        raise
    if held:
        yield replace(held, cursor=stamp(manifest.time))
    clear_away(source.status, job)


def _take_up(source: Source, place: Place) -> tuple[str, Manifest, Reading]:
    """The job a cursor names, where it still is what it was; else one under way, or a new one."""
    at = place.reading
    if at and at.job not in source.jobs.given_up:
        job = follow(at.job, seen_at=source.base)
        try:
            manifest = finished(source.status, job, source.export, source.world)
        except Refused:
            manifest = None
        if manifest and _is_where(manifest, at):
            return job, manifest, at
    return _begin(source, place)


def _is_where(manifest: Manifest, at: Reading) -> bool:
    known = 0 <= at.part < len(manifest.files) and manifest.files[at.part].mark == at.file
    return known and manifest.said == at.time


def _begin(source: Source, place: Place) -> tuple[str, Manifest, Reading]:
    waiting, name = source.jobs.waiting, (source.stream, stamp(place.since) if place.since else "")
    if name not in waiting:
        waiting[name] = kick_off(
            source.http, source.base, source.headers, source.export, source.stream, place.since
        )
    job = waiting[name]
    try:
        manifest = finished(source.status, job, source.export, source.world)
    except Refused:
        del waiting[name]
        raise
    del waiting[name]
    return job, manifest, Reading(job=job, time=manifest.said, part=0, file="", line=0)


def _spoilt(source: Source, job: str, error: ConnectorError) -> TryLater:
    """A file that is gone, or short, spoils its job: the next pull asks for another."""
    source.jobs.given_up.add(job)
    clear_away(source.status, job)
    return TryLater(f"{error}; the export is asked for again")


class _Short(Refused):
    """A file has fewer lines than its manifest promises."""


def _records(source: Source, manifest: Manifest, place: Place, seen: Seen) -> Iterator[Record]:
    start = place.reading
    assert start is not None  # noqa: S101 - `_take_up` gives one
    for part, file in enumerate(manifest.files[start.part :], start.part):
        at = replace(start, part=part, file=file.mark, line=start.line if part == start.part else 0)
        for one in _lines(source, file, manifest, Place(place.since, at)):
            if seen.first(one.message_key):
                yield one


def _lines(source: Source, file: File, manifest: Manifest, place: Place) -> Iterator[Record]:
    """The records of one file from where it was left, each with the place behind its line."""
    ask = Ask(url=file.url, headers={"Accept": "application/fhir+ndjson"}, signed=file.signed)
    line, at = 0, place.reading
    assert at is not None  # noqa: S101 - `_records` gives one
    before = str(place)
    for line, body in enumerate(source.http.lines(ask), 1):
        if line <= at.line:
            continue
        found = _read(source, file, body, manifest.time, place.since)
        yield from (replace(one, cursor=before) for one in found[:-1])
        before = str(replace(place, reading=replace(at, line=line)))
        yield from (replace(one, cursor=before) for one in found[-1:])
    if line < file.count:
        raise _Short(f"{ask.told}: {line} of {file.count} lines came")


def _read(
    source: Source, file: File, body: bytes, at: datetime, since: datetime | None
) -> list[Record]:
    """The records of one line."""
    said, fault = _value(body)
    if file.kind == "deleted" and not fault:
        return _gone(source, body, at, since)
    if file.kind == "output":
        return [record(said, body, stream=source.stream, at=at, fault=fault)]
    if file.kind == "outcome" and not fault:
        told = outcome.told(said)
        error = f"the server did not export something: {told}" if outcome.is_error(said) else ""
        notes = () if error else (told,)
        named = {"resourceType": "OperationOutcome", "id": "export", **said}
        return [record(named, body, stream="OperationOutcome", at=at, fault=error, notes=notes)]
    return [record({}, body, stream=source.stream, at=at, fault=fault)]


def _gone(source: Source, body: bytes, at: datetime, since: datetime | None) -> list[Record]:
    """The deletions of one Bundle of them. Most servers give neither version nor time: then one
    is known by the time since when it was asked for, which is the same if it is asked again."""
    try:
        entries = bundle.read(body).entries
    except Refused as error:
        return [record({}, body, stream=source.stream, at=at, fault=str(error))]
    window = f"since {stamp(since)}" if since else "ever"
    found = [gone(one, source.stream, at, version=window) for one in entries if is_delete(one)]
    wanted = set(source.export.types or (source.stream,))
    return [one for one in found if one.stream in wanted]


def _value(body: bytes) -> tuple[dict[str, Any], str]:
    try:
        said = json_text.read(body)
    except Refused as error:
        return {}, str(error)
    if not isinstance(said, dict):
        return {}, "no FHIR resource, expected a JSON object"
    return said, ""
