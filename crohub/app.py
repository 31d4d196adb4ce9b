"""The server put together: the canonical API, operations, health, pages, and the edge beside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from crohub import hooks, lookup, metrics
from crohub.anchoring import Anchoring, anchors
from crohub.exports import routes as exports
from crohub.fhir import routes as fhir
from crohub.node import whence, whoever
from crohub.ops import routes, subscriptions
from crohub.ops.desk import Desk
from crohub.ops.give import enter, noted, order, saw
from crohub.provenance import FORMS
from crohub.turned_away import WINDOW, TurnedAway
from crohub.web import pages
from crohub.writing import writing
from hub import clock
from hub.api import app as canonical
from hub.api.deps import Deps
from mappings.deployed import codes_of
from pipelines import settling
from pipelines.edge import Edge
from pipelines.settings import seconds

HEALTH = ("/healthz", "/readyz")


def build(edge: Edge, ending: Callable[[], bool] = lambda: False) -> FastAPI:
    """The application of one node; the edge starts and stops with it. Every path but health,
    the page to sign in and the addresses that systems post to needs a key. `ending`: whether the
    server has been told to end, so that nobody who follows the feed holds it up."""
    desk, turned_away = Desk(edge), TurnedAway(partial(enter, edge))
    anchoring = Anchoring(edge.places, anchors(edge.deployment, edge.places.data), clock.now)
    every = int(seconds(edge.deployment.hub.audit.every))
    edge.scheduler.also("audit heads", every, anchoring.tick)
    edge.scheduler.also("turned away", WINDOW, turned_away.tick)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        await edge.start()
        await run_in_threadpool(enter, edge, _in_service(edge))
        yield
        await run_in_threadpool(turned_away.tick)
        await edge.stop()
        await run_in_threadpool(anchoring.tick)
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
    deps = _deps(edge, desk, turned_away, ending)
    subscriptions.mount(app, desk)  # before the records, whose path may be any word
    sessions = canonical.mount(app, deps)
    codes = codes_of(edge.deployment.folder)
    fhir.mount(app, deps, sessions, codes)
    exports.mount(app, deps, codes)
    _health(app, edge)
    routes.mount(app, desk)
    metrics.mount(app, desk)
    pages.mount(app, desk, turned_away)
    hooks.mount(app, edge)
    return app


def _in_service(edge: Edge) -> dict[str, Any]:
    """The order by which the audit learns what is in service from now on."""
    detail = {"release": version("crohub")}
    return {
        "do": "configured", "by": whoever(), "from": whence(), "reason": "the hub starts",
        "object": f"revision {edge.intake.revision}", "detail": detail,
    }  # fmt: skip


def _deps(edge: Edge, desk: Desk, turned_away: TurnedAway, ending: Callable[[], bool]) -> Deps:
    def sources(seqs: Sequence[int]) -> dict[int, dict[str, Any]]:
        with desk.reading() as session:
            return lookup.sources(session, seqs)

    return Deps(
        open_session=partial(edge.places.hub, read_only=edge.places.embedded),
        embedded=edge.places.embedded,
        keyring=edge.keyring,
        clock=clock.now,
        saw=partial(saw, edge),
        noted=partial(noted, edge),
        writing=writing(edge),
        order=partial(order, edge),
        ending=ending,
        open_paths=(*HEALTH, *pages.OPEN, hooks.OPEN, *fhir.OPEN),
        refused=turned_away.note,
        policy=settling.policy_of(edge.deployment),
        checks=edge.deployment.checks,
        sources=sources,
        forms=FORMS,
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
