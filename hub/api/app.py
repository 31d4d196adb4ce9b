"""Puts the canonical API into an application: routes, keys, errors, descriptions."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from hub.api import (
    bulk,
    checks,
    docs,
    errors,
    following,
    lists,
    provenance,
    records,
    views,
    words,
    writes,
)
from hub.api.auth import Gate
from hub.api.deps import Deps, Sessions
from hub.api.kept import Kept
from hub.api.records import Records

PREFIX = "/api/v1"


def router(own: Records, exports: bulk.Bulk | None = None) -> APIRouter:
    """The routes below /api/v1."""
    made = APIRouter(prefix=PREFIX)
    made.include_router(following.routes(own))
    made.include_router(lists.routes(own))
    made.include_router(words.routes(own))
    made.include_router(provenance.routes(own))
    made.include_router(bulk.routes(exports or bulk.Bulk(own)))
    made.include_router(records.routes(own))
    made.include_router(writes.routes(own))
    return made


def mount(app: FastAPI, deps: Deps) -> Sessions:
    """Adds the API to `app`, and asks every route of it for a key, whoever adds it: only
    `deps.open_paths` go without. Close what it returns when the application ends."""
    sessions = Sessions(deps.open_session, deps.sessions, embedded=deps.embedded)
    own = Records(deps, sessions, Kept(sessions.watch))
    exports = bulk.Bulk(own)
    app.include_router(router(own, exports))
    app.include_router(views.routes(own, exports))
    app.include_router(checks.routes(own))
    docs.install(app)
    app.state.refused = deps.refused
    app.add_middleware(Gate, deps=deps, sessions=sessions, browsed=docs.is_page)
    errors.install(app)
    return sessions
