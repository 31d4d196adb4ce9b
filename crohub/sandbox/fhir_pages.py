"""Bundles a page at a time: what a search found stays as it was while it is paged through."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from crohub.sandbox import fhir_answers as answers
from crohub.sandbox.fhir_search import FhirError, matching, moment, ordered
from crohub.sandbox.fhir_store import Version
from crohub.sandbox.world import Resource

DEFAULT, MOST = 50, 500  # entries a page
KEPT = 500  # searches remembered; the oldest is forgotten first
_STATUS = {"POST": "201 Created", "PUT": "200 OK", "DELETE": "204 No Content"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """What a next link stands for."""

    form: str  # "searchset" or "history"
    versions: Sequence[Version]
    total: int
    count: int


class Pages:
    """Next links are opaque and work until they are forgotten; the same link may be followed
    again and gives the same page."""

    def __init__(self) -> None:
        self._rests: OrderedDict[str, _Rest] = OrderedDict()

    def first(
        self, url: str, versions: Sequence[Version], asked: Sequence[tuple[str, str]]
    ) -> Response:
        """The first page of a search."""
        found, unknown = matching(versions, asked)
        shape = dict(asked)
        found = ordered(found, shape.get("_sort", ""))
        rest = _Rest(
            form="searchset", versions=found, total=len(found), count=_count(shape.get("_count"))
        )
        return self._bundle(url, rest, unknown)

    def first_of_history(
        self, url: str, versions: Sequence[Version], asked: Sequence[tuple[str, str]]
    ) -> Response:
        """The first page of a history, newest first; `_since` leaves out what is older."""
        shape = dict(asked)
        if "_since" in shape:
            since = moment(shape["_since"])
            versions = [version for version in versions if version.at >= since]
        count = _count(shape.get("_count"))
        rest = _Rest(form="history", versions=versions, total=len(versions), count=count)
        return self._bundle(url, rest, [])

    def next(self, url: str, token: str) -> Response:
        """The page behind a next link; 410 when it is forgotten."""
        if token not in self._rests:
            raise FhirError(410, "expired", "this page link is no longer known; search again")
        return self._bundle(url, self._rests[token], [])

    def _bundle(self, url: str, rest: _Rest, unknown: Sequence[str]) -> Response:
        page = rest.versions[: rest.count]
        bundle: Resource = {
            "resourceType": "Bundle", "type": rest.form, "total": rest.total, "link": [],
            "entry": [_entry(url, rest.form, version) for version in page],
        }  # fmt: skip
        if unknown:
            warning = answers.issue(
                "warning", "not-supported", f"ignored: {', '.join(sorted(unknown))[:200]}"
            )
            bundle["entry"].append({"resource": warning, "search": {"mode": "outcome"}})
        if len(rest.versions) > rest.count:
            token = self._remember(replace(rest, versions=rest.versions[rest.count :]))
            bundle["link"].append({"relation": "next", "url": f"{url}?_page={token}"})
        return answers.json(bundle)

    def _remember(self, rest: _Rest) -> str:
        token = secrets.token_urlsafe(12)
        self._rests[token] = rest
        while len(self._rests) > KEPT:
            self._rests.popitem(last=False)
        return token


def _count(text: str | None) -> int:
    if text is None:
        return DEFAULT
    if not text.isdecimal() or text == "0":
        raise FhirError(400, "invalid", "_count is a whole number from 1")
    return min(int(text), MOST)


def _entry(url: str, form: str, version: Version) -> Resource:
    place = f"{version.kind}/{version.id}"
    entry: Resource = {"fullUrl": f"{url}/{place}"}
    if version.resource is not None:
        entry["resource"] = version.resource
    if form == "searchset":
        return entry | {"search": {"mode": "match"}}
    return entry | {
        "request": {
            "method": version.method,
            "url": version.kind if version.method == "POST" else place,
        },
        "response": {
            "status": _STATUS[version.method],
            "etag": answers.etag(version),
            "lastModified": version.at.isoformat(timespec="milliseconds"),
        },
    }
