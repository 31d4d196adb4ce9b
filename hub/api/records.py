"""The routes of the records: a list, one, its history, and search with identifiers in the body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from hub import filters, repository
from hub import history as histories
from hub.api import body
from hub.api.answers import answer, known, links, page, parameters, written
from hub.api.auth import principal_of
from hub.api.deps import Deps, Sessions
from hub.api.errors import Problem, not_found
from hub.api.kept import Kept
from hub.history import Asked
from hub.model.spec import EntitySpec, by_plural
from hub.past_page import page_of_past
from hub.principal import READ, Principal
from hub.query import Query, Sought, View
from hub.reader import Reader, sealed_parts
from hub.render import Record
from hub.rendered import Rendered, next_in

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLOCKS = ("as_of", "known_at")
_MOST = 20  # identifiers of one search
_WHOLE = View()


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one deployment as routes. What reads the store runs in threads."""

    deps: Deps
    sessions: Sessions
    kept: Kept
    rendered: Rendered = field(default_factory=Rendered)

    async def list(self, request: Request) -> Response:
        """A page of records that meet the filters in the query."""
        spec = spec_of(request)
        clocks, rest = _clocks(parameters(request))
        query = filters.parse(spec, rest)
        if clocks:
            return await run_in_threadpool(self._past, request, spec, query, clocks)
        if query.view != _WHOLE or query.identifiers:  # the audit may have to know of each time
            return await run_in_threadpool(self._page, request, spec, query)
        principal = principal_of(request)
        principal.must(READ)  # each in their own name: a refusal is not shared
        place = (spec.name, request.scope["query_string"], principal.grants)
        reading = partial(run_in_threadpool, self._whole, principal, spec, query)
        body = await self.kept.give(place, reading)
        return written(body, links(request, next_in(body)))

    async def search(self, request: Request) -> Response:
        """A page of records that have the identifiers in the body; the query as of a list."""
        spec = spec_of(request)
        query = filters.parse(spec, parameters(request))
        wanted = _sought(spec, await body.read(request))
        whole = replace(query, identifiers=(*query.identifiers, *wanted))
        return await run_in_threadpool(self._page, request, spec, whole)

    def one(self, request: Request) -> Response:
        """One record, as believed now or as of another time."""
        spec, one = spec_of(request), id_of(request)
        clocks, rest = _clocks(parameters(request))
        known(rest, filters.OF_VIEWS)
        view = filters.view(spec, rest)
        with self.reading() as reader:
            record = self._record(request, reader, spec, one, view, clocks)
        if record is None:
            raise not_found()
        headers = {} if record["id"] == one else {"Content-Location": _address(spec, record["id"])}
        if clocks or not view.plain:
            return answer(record, sealed=_is_sealed(spec, view), headers=headers)
        return _tagged(request, record, headers)

    def history(self, request: Request) -> Response:
        """The versions of one record, oldest first."""
        spec, one = spec_of(request), id_of(request)
        own = (*filters.OF_VIEWS[1:], "cursor", "limit", "_limit")
        given = known(parameters(request), own)
        view = filters.view(spec, [p for p in given.items() if p[0] in filters.OF_VIEWS])
        limit = filters.limit(given.get("limit", given.get("_limit", "")))
        after = given.get("cursor", "")
        with self.reading() as reader:
            found = histories.history(
                reader, principal_of(request), spec, one, view=view, after=after, limit=limit
            )
        if found is None:
            raise not_found()
        return page(request, found.items, found.next, sealed=_is_sealed(spec, view))

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """The means of reading, for one request."""
        with self.sessions.reading() as session:
            yield Reader(session, self.deps.keyring, self.deps.saw, self.deps.policy)

    def _page(self, request: Request, spec: EntitySpec, query: Query) -> Response:
        if query.view == _WHOLE:
            body = self._whole(principal_of(request), spec, query)
            return written(body, links(request, next_in(body)))
        with self.reading() as reader:
            found = repository.page(reader, principal_of(request), spec, query)
        return page(request, found.items, found.next, sealed=_is_sealed(spec, query.view))

    def _past(
        self, request: Request, spec: EntitySpec, query: Query, clocks: dict[str, str]
    ) -> Response:
        with self.reading() as reader:
            found = page_of_past(reader, principal_of(request), spec, query, _asked(clocks))
        return page(request, found.items, found.next)

    def _whole(self, principal: Principal, spec: EntitySpec, query: Query) -> bytes:
        with self.reading() as reader:
            return self.rendered.page(reader, principal, spec, query)

    def _record(
        self,
        request: Request,
        reader: Reader,
        spec: EntitySpec,
        one: str,
        view: View,
        clocks: dict[str, str],
    ) -> Record | None:
        principal = principal_of(request)
        if not clocks:
            return repository.get(reader, principal, spec, one, view)
        return histories.rebuilt(reader, principal, spec, one, view, _asked(clocks))


def routes(records: Records) -> APIRouter:
    """The routes. They are plain ones, with no model on the way of an answer: `hub.api.openapi`
    describes them."""
    made = APIRouter()
    made.add_route("/{plural}", records.list, methods=["GET"])
    made.add_route("/{plural}/search", records.search, methods=["POST"])
    made.add_route("/{plural}/{id}", records.one, methods=["GET"])
    made.add_route("/{plural}/{id}/history", records.history, methods=["GET"])
    return made


def served() -> dict[str, EntitySpec]:
    """The entities that have an address of their own: sealed parts are read with their owner."""
    return {plural: spec for plural, spec in by_plural().items() if not spec.beside}


def spec_of(request: Request) -> EntitySpec:
    """The entity in a request's path."""
    spec = by_plural().get(request.path_params["plural"])
    if spec is None or spec.beside:
        raise Problem(404, detail="no such kind of record; /openapi.json names them")
    return spec


def id_of(request: Request) -> str:
    """The id in a request's path; what is no id is not looked up."""
    one: str = request.path_params["id"].lower()
    if not _ID.fullmatch(one):
        raise not_found()
    return one


def _tagged(request: Request, record: Record, headers: dict[str, str]) -> Response:
    """With its version as a weak validator; 304 where the caller has it (RFC 9110 §13.1.2)."""
    tag = f'W/"{record["version"]}"' if "version" in record else ""
    headers |= {"ETag": tag} if tag else {}
    wanted = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    # a merged record's address has the versions of another record: its validator says nothing
    if tag and "Content-Location" not in headers and (tag in wanted or "*" in wanted):
        return Response(status_code=304, headers=headers)
    return answer(record, headers=headers)


def _sought(spec: EntitySpec, given: Any) -> tuple[Sought, ...]:  # noqa: ANN401 - JSON
    match given:
        case {"identifiers": [_, *_] as listed, **rest} if not rest and len(listed) <= _MOST:
            return tuple(_one_sought(spec, item) for item in listed)
        case _:
            raise Problem(
                422, detail=f'expected {{"identifiers": [...]}} with 1 to {_MOST} of them'
            )


def _one_sought(spec: EntitySpec, item: Any) -> Sought:  # noqa: ANN401 - JSON
    match item:
        case str():
            return filters.sought(spec, item)
        case {"type": str() as type_, "value": str() as value, **rest} if set(rest) <= {"assigner"}:
            assigner = rest.get("assigner")
            if assigner is None or isinstance(assigner, str):
                return filters.sought_of(spec, type_, value, assigner)
    raise Problem(422, detail='an identifier is "type|value" or {"type", "value", "assigner"}')


def _clocks(params: filters.Params) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The two clocks of a request, and its other parameters."""
    clocks = known([p for p in params if p[0] in _CLOCKS], _CLOCKS)
    return clocks, [p for p in params if p[0] not in _CLOCKS]


def _asked(clocks: dict[str, str]) -> Asked:
    return Asked(**{name: filters.moment(name, text) for name, text in clocks.items()})


def _address(spec: EntitySpec, one: str) -> str:
    return f"/api/v1/{spec.plural}/{one}"


def _is_sealed(spec: EntitySpec, view: View) -> bool:
    return bool(view.include & sealed_parts(spec.name).keys())
