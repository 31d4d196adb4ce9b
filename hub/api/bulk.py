"""The route that gives all records of a kind at once, as a stream from one moment of the store."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

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
from hub.tabular.column import Column, Rows
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
        form = wanted(request, dict(params).get("format", "")) or FORMATS["ndjson"]
        if {name for name, _ in params} & _PAGED:
            raise BadQuery("CROHUB-UNKNOWN-PARAMETER", _WHOLE)
        query = filters.parse(spec, [p for p in params if p[0] != "format"])
        known([p for p in params if p[0] == "format"], ("format",))
        principal.must(READ)
        pieces = self._pieces(principal, spec, query, form)
        detail = {"format": form.name, "include": sorted(query.view.include)}
        noted = partial(self.records.deps.noted, principal, f"{spec.plural} exported", detail)
        return await self.give(pieces, noted, f"{spec.plural}.{form.name}", form.media)

    async def give(
        self, pieces: Iterator[bytes], noted: Callable[[], None], name: str, media: str
    ) -> Response:
        """An answer that is written piece by piece, as a file called `name`; the audit knows of it
        before the first byte. Raises Busy where too many are under way."""
        if not self.room.acquire(blocking=False):
            raise Busy
        try:
            noted()
            first = await run_in_threadpool(next, pieces, b"")
        except BaseException:
            await run_in_threadpool(self._end, pieces)
            raise
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        return StreamingResponse(self._streamed(first, pieces), 200, headers, media)

    def _pieces(
        self, principal: Principal, spec: EntitySpec, query: Query, form: Format
    ) -> Iterator[bytes]:
        head = bulk.columns(spec, query.view, nested=form.nested)

        def found(reader: Reader) -> Rows:
            return bulk.rows(reader, principal, spec, query, nested=form.nested)

        return self.written(form, head, found, spec.name)

    def written(
        self, form: Format, head: Sequence[Column], found: Callable[[Reader], Rows], name: str
    ) -> Iterator[bytes]:
        """The pieces of a table whose rows are read in one moment of the store."""
        deps, until = self.records.deps, time.monotonic() + LONGEST
        with closing(deps.open_session()) as session, moment(session):
            reader = Reader(session, deps.keyring, deps.saw, deps.policy)
            for piece in form.written(head, found(reader)):
                if time.monotonic() > until:
                    log.warning("an export took too long", of=name)
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


def routes(exports: Bulk) -> APIRouter:
    """The route. It stands before the records' own, whose last part of the path is any id."""
    made = APIRouter()
    made.add_route("/{plural}/export", exports.export, methods=["GET"])
    return made


def wanted(request: Request, named: str) -> Format | None:
    """The form that the address names, else the Accept header; None: neither names one."""
    if named in FORMATS:
        return FORMATS[named]
    accepted = request.headers.get("accept", "")
    for form in FORMATS.values():
        if not named and form.media.partition(";")[0] in accepted:
            return form
    if named:
        raise BadQuery("CROHUB-BAD-VALUE", f"format: expected one of: {', '.join(FORMATS)}")
    return None
