"""A bulk export as the server's job: asked for, waited for, described, cleared away.

After Bulk Data Access 3.0 (`hl7.org/fhir/uv/bulkdata`), in either spelling of its manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.address import BaseUrl, follow, origin
from connectors.errors import ConnectorError, Refused, TryLater
from connectors.fhir.export_place import mark
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import Answer, retry_after
from connectors.resume import instant, stamp
from connectors.world import World

FileKind = Literal["deleted", "output", "outcome"]

_LONGEST_PAUSE = 60.0  # seconds between two looks at a job that names no time
_PERCENT = re.compile(r"\d{1,3}(?:[.,]\d+)? ?%")
# In this order: a thing deleted and made again must be there in the end.
_MEMBERS: tuple[tuple[str, FileKind], ...] = (
    ("deleted", "deleted"), ("output", "output"), ("error", "outcome"), ("outcome", "outcome"),
)  # fmt: skip


class Export(BaseModel):
    """How a stream is exported. `types` is what it asks for, unsaid its own name; `wait` the
    seconds that one pull waits for the job, on which the next pull goes on waiting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["system", "patient", "group"] = Field(
        default="system",
        description="What is exported: all there is, all patients, or a group of them.",
    )
    group: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.\-]{0,64}$",
        description="Id of the group, where level is group; else empty.",
    )
    types: tuple[str, ...] = Field(
        default=(), description="Resource types asked for; empty: the stream's own."
    )
    params: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="Further parameters, for one _typeFilter or _elements; values or lists.",
    )
    by_post: bool = Field(
        default=False, description="Ask with a Parameters resource, as Bulk Data Access 4 wants it."
    )
    wait: float = Field(
        default=600,
        ge=0,
        description="Seconds that one pull waits for the job; the next pull goes on waiting.",
    )
    file_origins: tuple[BaseUrl, ...] = Field(
        default=(), description="Other origins than the server's own on which files may lie."
    )

    @model_validator(mode="after")
    def _group_goes_with_its_level(self) -> Self:
        if (self.level == "group") != bool(self.group):
            raise ValueError("`group` is the id of the group where `level` is group, else unsaid")
        return self

    @property
    def path(self) -> str:
        """Where below the root the operation is."""
        at = {"system": "", "patient": "/Patient", "group": f"/Group/{self.group}"}[self.level]
        return f"{at}/$export"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a job: NDJSON, of `count` lines where that is promised."""

    kind: FileKind
    url: str
    signed: bool
    count: int = 0

    @property
    def mark(self) -> str:
        return mark(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a finished job says of itself."""

    time: datetime
    said: str  # the same as it was written
    files: tuple[File, ...]


def kick_off(
    http: Http,
    base: str,
    headers: dict[str, str],
    export: Export,
    kind: str,
    since: datetime | None,
) -> str:
    """Starts a job; gives the address that tells of it."""
    types = export.types or (kind,)
    many = [
        (name, value)
        for name, values in export.params.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    url, head = f"{base}{export.path}", {**headers, "Prefer": "respond-async"}
    from_then = [("_since", stamp(since))] if since else []
    if export.by_post:
        body = _parameters([("_type", one) for one in types] + from_then + many)
        head["Content-Type"] = "application/fhir+json"
        ask = Ask(url=url, method="POST", headers=head, body=body, repeatable=True)
    else:
        params = (("_type", ",".join(types)), *from_then, *many)
        ask = Ask(url=url, params=params, headers=head)
    answer = http.ask(ask)
    place = answer.headers.get("content-location", "")
    if answer.status != 202 or not place:
        raise Refused(
            f"{answer.told}: HTTP {answer.status}, expected 202 with Content-Location; "
            "does the server export?"
        )
    return follow(place, seen_at=answer.url)


def finished(http: Http, job: str, export: Export, world: World) -> Manifest:
    """What the job made, once it is done. Raises TryLater while it is at work for longer than we
    wait, Refused when it failed or is not known (any more)."""
    ends, pause = world.now() + timedelta(seconds=export.wait), 1.0
    while True:
        answer = http.ask(_look(job))
        if answer.status != 202:
            return _manifest(http, answer, export)
        said = retry_after(answer, world.now())
        wait = said or pause
        if world.now() + timedelta(seconds=wait) > ends:
            raise TryLater(f"{answer.told}: the job is at work{_progress(answer)}", after=wait)
        world.sleep(wait)
        pause = pause if said else min(pause * 2, _LONGEST_PAUSE)


def clear_away(http: Http, job: str) -> None:
    """Tells the server that its files are not needed any more. One that will not listen keeps
    them until they expire."""
    try:
        http.ask(Ask(url=job, method="DELETE", headers={"Accept": "application/json"}))
    except ConnectorError:
        return


def _look(url: str) -> Ask:
    return Ask(url=url, headers={"Accept": "application/json"})


def _progress(answer: Answer) -> str:
    """How far it is, where it says so in per cent: other words may be anything."""
    found = _PERCENT.search(answer.headers.get("x-progress", "")[:100])
    return f" ({found[0]})" if found else ""


def _manifest(http: Http, answer: Answer, export: Export) -> Manifest:
    pages = list(_pages(http, answer))
    said = pages[0][1].get("transactionTime")
    time = instant(said) if isinstance(said, str) else None
    if time is None:
        raise Refused(f"{answer.told}: the manifest has no transactionTime, or no instant there")
    files = [
        _file(one, kind, page, export, seen_at)
        for member, kind in _MEMBERS
        for seen_at, page in pages
        for one in _dicts(page.get(member), answer, member)
    ]
    return Manifest(time=time, said=str(said), files=tuple(files))


def _pages(http: Http, answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each page of the manifest with the address it came from."""
    visited = set[str]()
    while True:
        page = json_text.read(answer.body)
        if not isinstance(page, dict):
            raise Refused(f"{answer.told}: no manifest, expected a JSON object")
        yield answer.url, page
        links = {one.get("relation"): one.get("url") for one in _dicts(page.get("link"), answer)}
        if not isinstance(links.get("next"), str):
            return
        url = follow(str(links["next"]), seen_at=answer.url)
        if url in visited:
            raise Refused(f"{answer.told}: the pages of the manifest lead in a circle")
        visited.add(url)
        answer = http.ask(_look(url))


def _file(
    said: dict[str, Any], kind: FileKind, page: dict[str, Any], export: Export, seen_at: str
) -> File:
    """A file lies on the server's own origin, or on one that a person named. There it gets our
    token only when the manifest asks for it."""
    url, count = said.get("url"), said.get("count")
    if not isinstance(url, str) or not url:
        raise Refused(f"{_told(seen_at)}: a file without its address")
    named, token = {origin(one) for one in export.file_origins}, page.get("requiresAccessToken")
    if "://" in url and _origin(url, seen_at) in named - {origin(seen_at)}:
        return File(kind=kind, url=url, signed=token is True, count=_count(count))
    url = follow(url, seen_at=seen_at)
    return File(kind=kind, url=url, signed=token is not False, count=_count(count))


def _origin(url: str, seen_at: str) -> str:
    try:
        return origin(url)
    except ValueError:
        raise Refused(f"{_told(seen_at)}: a file whose address is none") from None


def _count(said: object) -> int:
    return said if isinstance(said, int) and not isinstance(said, bool) else 0


def _dicts(value: object, answer: Answer, member: str = "link") -> Sequence[dict[str, Any]]:
    """The objects of a list that may be absent. Raises Refused for what is none: a manifest half
    understood would lose files."""
    found = [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refused(f"{answer.told}: the manifest's {member} is no list of objects")
    return found


def _told(url: str) -> str:
    return f"the manifest at {origin(url)}"


def _parameters(pairs: Sequence[tuple[str, str]]) -> bytes:
    """A Parameters resource (FHIR §2.6.0.3)."""
    said = [
        {"name": name, "valueInstant" if name == "_since" else "valueString": value}
        for name, value in pairs
    ]
    return orjson.dumps({"resourceType": "Parameters", "parameter": said})
