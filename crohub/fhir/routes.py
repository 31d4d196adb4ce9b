"""The routes of the facade: `/fhir/R4/…` and `/fhir/R5/…`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from crohub.fhir import bundles, capability, openapi, provenance, shaping
from crohub.fhir.asking import LARGEST, PROVENANCE, Asked, Asking
from crohub.fhir.codes import Codes
from crohub.fhir.kind import BOTH, Kind
from crohub.fhir.kinds import KINDS
from crohub.fhir.outcome import PREFIX, Outcomes, media
from crohub.fhir.scene import Json, Version
from crohub.fhir.searching import Found, Searching
from hub.api import docs
from hub.api.answers import parameters
from hub.api.auth import principal_of
from hub.api.deps import Deps, Sessions
from hub.api.errors import Problem, not_found, problem
from hub.clock import iso
from hub.principal import READ
from hub.provenance import Teller
from hub.query import BadQuery
from hub.reader import Reader
from mappings.code_tables import CodeTables

OPEN = tuple(f"{PREFIX}/{version}/metadata" for version in BOTH)  # what anybody may ask
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_JSON = ("*/*", "application/*", "application/fhir+json", "application/json", "json")
_LARGEST_FORM = 16_384  # bytes of a search in a body
_MOST = 100  # parameters


@dataclass(frozen=True, slots=True)
class Facade:
    """The records of one deployment as FHIR."""

    deps: Deps
    sessions: Sessions
    codes: Codes
    since: str  # the day the statement of what it does is of

    def metadata(self, request: Request) -> Response:
        """What the facade does; open to anybody."""
        version = _version(request)
        made = capability.statement(version, _base(request), self.since)
        return _answer(request, version, made)

    def read(self, request: Request) -> Response:
        """One resource."""
        version, type_, one = _version(request), _type(request), request.path_params["id"]
        if type_ == provenance.TYPE:
            return self._told_one(request, version, one)
        if not _ID.fullmatch(one.lower()):
            raise not_found()
        params = _only(parameters(request), ("_summary", "_elements", "_format", "_pretty"))
        kind = KINDS[type_]
        with self._searching(request) as searching:
            asked = self._asking(kind, searching).read(params)
            made, survivor = searching.one(kind, one.lower())
        if made is None:
            return _elsewhere(request, kind, survivor, one.lower())
        tag = shaping.tag(made)
        if tag in [part.strip() for part in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers={"ETag": tag})
        part = shaping.cut(version, made, asked.summary, asked.elements)
        return _answer(request, version, part, sealed=bool(kind.sealed), tag=tag)

    def search(self, request: Request) -> Response:
        """A page of a search in the address."""
        return self._search(request, parameters(request))

    async def search_in_body(self, request: Request) -> Response:
        """The same with its parameters in the body, where no log sees them."""
        params = await _form(request)
        return await run_in_threadpool(self._search, request, [*parameters(request), *params])

    def _search(self, request: Request, params: list[tuple[str, str]]) -> Response:
        version, type_ = _version(request), _type(request)
        if type_ == provenance.TYPE:
            return self._told_of(request, version, params)
        kind = KINDS[type_]
        with self._searching(request) as searching:
            asked = self._asking(kind, searching).read(params)
            found = searching.page(kind, asked)
            if PROVENANCE in asked.revincludes:
                for one in found.matches:
                    found.included += self._told(request, searching.reader, version, type_, one)
        made = bundles.searchset(_base(request), version, type_, asked, found)
        sealed = bool(kind.sealed) or any(KINDS["Patient"].type == r["resourceType"]
                                          for r in found.included)  # fmt: skip
        return _answer(request, version, made, sealed=sealed)

    def _told(
        self, request: Request, reader: Reader, version: Version, type_: str, one: Json
    ) -> list[Json]:
        return provenance.told(
            self._teller(reader), principal_of(request), version, type_, one["id"]
        )

    def _told_one(self, request: Request, version: Version, one: str) -> Response:
        with self._searching(request) as searching:
            teller = self._teller(searching.reader)
            made = provenance.one(teller, principal_of(request), version, one)
        if made is None:
            raise not_found()
        return _answer(request, version, made)

    def _told_of(
        self, request: Request, version: Version, params: list[tuple[str, str]]
    ) -> Response:
        given = dict(_only(params, (provenance.TARGET, "_format", "_pretty", "_count")))
        type_, _, one = given.get(provenance.TARGET, "").rpartition("/")
        if type_ not in KINDS or not _ID.fullmatch(one.lower()):
            raise BadQuery("CROHUB-BAD-VALUE", f"target: expected one of {', '.join(KINDS)}, / id")
        asked = Asked(said=[one for one in params if one[0] != "_count"], count=LARGEST)
        with self._searching(request) as searching:
            made = self._told(request, searching.reader, version, type_, {"id": one.lower()})
        found = Found(matches=made, total=len(made))
        return _answer(
            request, version,
            bundles.searchset(_base(request), version, provenance.TYPE, asked, found),
        )  # fmt: skip

    def _teller(self, reader: Reader) -> Teller:
        return Teller(reader, self.deps.policy, self.deps.sources)

    def _asking(self, kind: Kind, searching: Searching) -> Asking:
        return Asking(kind, searching.version, self.codes, searching.resolve)

    @contextmanager
    def _searching(self, request: Request) -> Iterator[Searching]:
        principal = principal_of(request)
        principal.must(READ)
        with self.sessions.reading() as session:
            reader = Reader(session, self.deps.keyring, self.deps.saw, self.deps.policy)
            yield Searching(reader, principal, self.codes, _version(request))


def mount(app: FastAPI, deps: Deps, sessions: Sessions, tables: CodeTables) -> None:
    """Adds the facade to `app`, and below it OperationOutcome as the way to say what is wrong."""
    facade = Facade(deps, sessions, Codes(tables), iso(deps.clock())[:10])
    made = APIRouter()
    ways: tuple[tuple[str, Callable[..., Any], str], ...] = (
        ("/{version}/metadata", facade.metadata, "GET"),
        ("/{version}/{type}/_search", facade.search_in_body, "POST"),
        ("/{version}/{type}", facade.search, "GET"),
        ("/{version}/{type}/{id}", facade.read, "GET"),
    )
    for path, way, method in ways:
        made.add_route(path, way, methods=[method])
    app.include_router(made, prefix=PREFIX)
    docs.besides(app, openapi.description)
    app.add_exception_handler(shaping.NotWritable, _not_writable)
    app.add_middleware(Outcomes)


async def _not_writable(_: Request, fault: Exception) -> Response:
    return problem(Problem(500, "CROHUB-NO-FHIR", str(fault)))


def _version(request: Request) -> Version:
    said = request.path_params["version"]
    if said not in BOTH:
        raise Problem(404, detail=f"FHIR is spoken in {' and '.join(BOTH)}: {PREFIX}/R4")
    return cast(Version, said)


def _type(request: Request) -> str:
    said: str = request.path_params["type"]
    if said not in (*KINDS, provenance.TYPE):
        raise Problem(404, detail=f"expected one of: {', '.join((*KINDS, provenance.TYPE))}")
    return said


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{PREFIX}/{_version(request)}"


def _only(params: list[tuple[str, str]], names: tuple[str, ...]) -> list[tuple[str, str]]:
    if any(name not in names for name, _ in params):
        raise BadQuery("CROHUB-UNKNOWN-PARAMETER", f"expected only: {', '.join(names)}")
    return params


def _elsewhere(request: Request, kind: Kind, survivor: str | None, one: str) -> Response:
    """A record that was merged is found under its other id; one that is gone was there."""
    if survivor is None:
        raise not_found()
    if survivor == one:
        raise Problem(410, "CROHUB-GONE", f"no {kind.type} any more, or not yet")
    place = f"{_base(request)}/{kind.type}/{survivor}"
    return Response(status_code=301, headers={"Location": place})


async def _form(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise Problem(415, detail="expected application/x-www-form-urlencoded")
    kept = bytearray()
    async for chunk in request.stream():
        kept += chunk
        if len(kept) > _LARGEST_FORM:
            raise Problem(413, detail=f"expected at most {_LARGEST_FORM} bytes")
    try:
        return parse_qsl(kept.decode("ascii"), keep_blank_values=True, errors="strict",
                         max_num_fields=_MOST)  # fmt: skip
    except ValueError:
        raise BadQuery("CROHUB-BAD-QUERY", "expected percent-encoded UTF-8") from None


def _answer(
    request: Request, version: Version, made: Json, *, sealed: bool = False, tag: str = ""
) -> Response:
    query = dict(parameters(request)) if request.method == "GET" else {}
    accepted = query.get("_format") or request.headers.get("accept") or "*/*"
    kinds = [part.partition(";")[0].strip() for part in accepted.replace(" ", "+").split(",")]
    if not any(kind in _JSON for kind in kinds):
        raise Problem(406, detail="expected application/fhir+json")
    headers = {"Cache-Control": "no-store" if sealed else "private, no-cache"}
    if tag:
        headers |= {"ETag": tag, "Last-Modified": _http(made["meta"]["lastUpdated"])}
    body = shaping.dump(made, pretty=query.get("_pretty") == "true")
    return Response(body, 200, headers, media(version))


def _http(moment: str) -> str:
    at = datetime.fromisoformat(moment).astimezone(UTC)
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")
