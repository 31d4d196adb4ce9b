"""The route that gives all records of a kind at once, as a stream from one moment of the store."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from hub import bulk, filters
from hub.api.answers import known, parameters
from hub.api.auth import principal_of
from hub.api.deps import Busy, moment
from hub.api.records import Records, spec_of
from hub.model.spec import EntitySpec
from hub.principal import READ, Principal
from hub.query import BadQuery, Query
from hub.reader import Reader
from hub.tabular.formats import FORMATS, Format

log = structlog.get_logger("api")
AT_ONCE = 2  # exports of one node: each holds a session of its own
_PAGED = {"sort", "cursor", "limit", "_limit"}
_WHOLE = "an export has all records, in the order of their ids: no sort, cursor or limit"
LONGEST = 900.0  # seconds: whoever reads so slowly keeps the store from tidying up


@dataclass(slots=True)
class Bulk:
    """Exports of one deployment."""

    records: Records
    room: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE)
    )

    async def export(self, request: Request) -> Response:
        """Every record that meets the filters. Refused before the answer begins where the key may
        not read it; the audit knows of it before the first byte."""
        spec, principal = spec_of(request), principal_of(request)
        params = parameters(request)
        form = _format(request, dict(params).get("format", ""))
        if {name for name, _ in params} & _PAGED:
            raise BadQuery("CROHUB-UNKNOWN-PARAMETER", _WHOLE)
        query = filters.parse(spec, [p for p in params if p[0] != "format"])
        known([p for p in params if p[0] == "format"], ("format",))
        principal.must(READ)
        if not self.room.acquire(blocking=False):
            raise Busy
        pieces = self._pieces(principal, spec, query, form)
        try:
            self._note(principal, spec, query, form)
            first = await run_in_threadpool(next, pieces, b"")
        except BaseException:
            await run_in_threadpool(self._end, pieces)
            raise
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{spec.plural}.{form.name}"',
        }
        return StreamingResponse(self._streamed(first, pieces), 200, headers, form.media)

    def _note(self, principal: Principal, spec: EntitySpec, query: Query, form: Format) -> None:
        detail = {"format": form.name, "include": sorted(query.view.include)}
        self.records.deps.noted(principal, f"{spec.plural} exported", detail)

    def _pieces(
        self, principal: Principal, spec: EntitySpec, query: Query, form: Format
    ) -> Iterator[bytes]:
        deps, until = self.records.deps, time.monotonic() + LONGEST
        with closing(deps.open_session()) as session, moment(session):
            reader = Reader(session, deps.keyring, deps.saw, deps.policy)
            head = bulk.columns(spec, query.view, nested=form.nested)
            found = bulk.rows(reader, principal, spec, query, nested=form.nested)
            for piece in form.written(head, found):
                if time.monotonic() > until:
                    log.warning("an export took too long", entity=spec.name)
                    raise TimeoutError
                yield piece

    async def _streamed(self, first: bytes, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        try:
            yield first
            while (piece := await run_in_threadpool(next, pieces, None)) is not None:
                yield piece
        finally:
            await run_in_threadpool(self._end, pieces)

    def _end(self, pieces: Iterator[bytes]) -> None:
        pieces.close()  # type: ignore[attr-defined] # a generator's
        self.room.release()


def routes(records: Records) -> APIRouter:
    """The route. It stands before the records' own, whose last part of the path is any id."""
    made = APIRouter()
    made.add_route("/{plural}/export", Bulk(records).export, methods=["GET"])
    return made


def _format(request: Request, named: str) -> Format:
    """As the address names it, else as the Accept header does."""
    if named in FORMATS:
        return FORMATS[named]
    accepted = request.headers.get("accept", "")
    for form in FORMATS.values():
        if not named and form.media.partition(";")[0] in accepted:
            return form
    if named:
        raise BadQuery("CROHUB-BAD-VALUE", f"format: expected one of: {', '.join(FORMATS)}")
    return FORMATS["ndjson"]
