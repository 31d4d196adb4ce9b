"""The route of a study's export: `/api/v1/studies/{id}/export?as=odm`."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from crohub.exports import openapi
from crohub.exports.study import FORMS, pieces
from crohub.fhir.codes import Codes
from hub.api import docs
from hub.api.answers import known, parameters
from hub.api.app import PREFIX
from hub.api.auth import principal_of
from hub.api.bulk import AT_ONCE, LONGEST
from hub.api.deps import Busy, Deps, moment
from hub.api.errors import not_found
from hub.api.records import id_of
from hub.principal import READ
from hub.query import BadQuery
from hub.reader import Reader
from mappings.code_tables import CodeTables

log = structlog.get_logger("api")


@dataclass(slots=True)
class Studies:
    """Exports of one deployment's studies."""

    deps: Deps
    codes: Codes
    room: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE)
    )

    async def export(self, request: Request) -> Response:
        """The study in the form that `as` names. Refused before the answer begins; the audit
        knows of it before the first byte."""
        form = known(parameters(request), ("as",)).get("as", "")
        if form not in FORMS:
            raise BadQuery("CROHUB-BAD-VALUE", f"as: expected one of: {', '.join(FORMS)}")
        principal_of(request).must(READ)
        one = id_of(request)
        if not self.room.acquire(blocking=False):
            raise Busy
        held = ExitStack()
        held.callback(self.room.release)
        try:
            found = await run_in_threadpool(self._begun, held, request, one, form)
            first = await run_in_threadpool(next, found, b"")
        except BaseException:
            await run_in_threadpool(held.close)
            raise
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{one}.{FORMS[form].ending}"',
        }
        return StreamingResponse(_streamed(held, first, found), 200, headers, FORMS[form].media)

    def _begun(self, held: ExitStack, request: Request, one: str, form: str) -> Iterator[bytes]:
        principal, deps = principal_of(request), self.deps
        session = held.enter_context(closing(deps.open_session()))
        held.enter_context(moment(session))
        reader = Reader(session, deps.keyring, deps.saw, deps.policy)
        now = datetime.fromtimestamp(deps.clock() / 1e6, UTC)
        found = pieces(reader, principal, self.codes, one, form, now)
        if found is None:
            raise not_found()
        deps.noted(principal, "study exported", {"format": form, "id": one})
        return found


async def _streamed(held: ExitStack, first: bytes, found: Iterator[bytes]) -> AsyncIterator[bytes]:
    until = time.monotonic() + LONGEST
    try:
        yield first
        while (piece := await run_in_threadpool(next, found, None)) is not None:
            if time.monotonic() > until:
                log.warning("an export took too long", of="Study")
                raise TimeoutError
            yield piece
    finally:
        await run_in_threadpool(held.close)


def mount(app: FastAPI, deps: Deps, tables: CodeTables) -> None:
    """Adds the route to `app`."""
    made = APIRouter()
    made.add_route("/studies/{id}/export", Studies(deps, Codes(tables)).export, methods=["GET"])
    app.include_router(made, prefix=PREFIX)
    docs.besides(app, openapi.description)
