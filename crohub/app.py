"""The server put together: the canonical API, operations, health, pages, and the edge beside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from crohub import hooks, metrics
from crohub.ops import routes
from crohub.ops.desk import Desk
from crohub.ops.give import saw
from crohub.web import pages
from hub import clock
from hub.api import app as canonical
from hub.api.deps import Deps
from pipelines.edge import Edge

HEALTH = ("/healthz", "/readyz")


def build(edge: Edge) -> FastAPI:
    """The application of one node; the edge starts and stops with it. Every path but health,
    the page to sign in and the addresses that systems post to needs a key."""
    desk = Desk(edge)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        await edge.start()
        yield
        await edge.stop()
        sessions.close()
        desk.close()

    app = FastAPI(
        title="crohub",
        version=version("crohub"),
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    sessions = canonical.mount(app, _deps(edge))
    _health(app, edge)
    routes.mount(app, desk)
    metrics.mount(app, desk)
    pages.mount(app, desk)
    hooks.mount(app, edge)
    return app


def _deps(edge: Edge) -> Deps:
    return Deps(
        open_session=partial(edge.places.hub, read_only=edge.places.embedded),
        embedded=edge.places.embedded,
        keyring=edge.keyring,
        clock=clock.now,
        saw=partial(saw, edge),
        open_paths=(*HEALTH, *pages.OPEN, hooks.OPEN),
    )


def _health(app: FastAPI, edge: Edge) -> None:
    @app.get("/healthz", tags=["health"])
    def healthz() -> dict[str, str]:
        """The process is up. Durability: what an acknowledgement is worth."""
        return {"status": "up", "durability": "full"}

    @app.get("/readyz", tags=["health"])
    def readyz() -> JSONResponse:
        """200 when every listener takes connections and settling runs, else 503 and why."""
        ready = edge.accepting
        body = {"ready": ready, "listeners": sorted(edge.addresses), "trouble": edge.trouble}
        return JSONResponse(body, status_code=200 if ready else 503)
