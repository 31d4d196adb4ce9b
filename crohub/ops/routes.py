"""The routes below /ops. Looks ask for the scope records.read, changes for ops.write; each change
waits up to five seconds for its settling (200), else it is stored and on its way (202)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from crohub.ops import decisions, deliveries, messages, openapi, overview, replays
from crohub.ops.asked import changes, done, looks, number, optional, ordered, reason
from crohub.ops.desk import Desk
from crohub.ops.give import by
from hub.api import docs
from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem

_GATES = {"pause": "paused", "drain": "draining", "resume": "running"}


def mount(app: FastAPI, desk: Desk) -> None:
    """Adds the operations routes."""
    made = APIRouter(prefix="/ops", tags=["operations"])
    _state(made, desk)
    _gates(made, desk)
    decisions.add(made, desk)
    messages.add(made, desk)
    deliveries.add(made, desk)
    replays.add(made, desk)
    app.include_router(made)
    docs.besides(app, openapi.description)


def _state(made: APIRouter, desk: Desk) -> None:
    @made.get("/connections", dependencies=[Depends(looks)])
    def connections() -> Response:
        """Every connection: state, address, when it was last heard, counts, trouble."""
        with desk.reading() as session:
            return answer({"items": overview.connections(desk.edge, session, desk.counts)})

    @made.get("/pipelines", dependencies=[Depends(looks)])
    def pipelines() -> Response:
        """Every pipeline: what it joins, its last run, its deliveries; and the flows."""
        deployment, trouble = desk.edge.deployment, desk.edge.dispatcher.trouble
        with desk.reading() as session:
            items = overview.pipelines(deployment, session, trouble)
            return answer({"items": items, "flows": overview.flows(deployment, session)})

    @made.get("/feeds", dependencies=[Depends(looks)])
    def feeds() -> Response:
        """Which systems have spoken, and when they last did."""
        with desk.reading() as session:
            return answer({"items": overview.feeds(session)})

    @made.get("/arrivals", dependencies=[Depends(looks)])
    def arrivals(request: Request) -> Response:
        """Transfers, newest first, with what was read, what was new and what became of it."""
        given = known(parameters(request), ("cursor", "limit"))
        before, limit = number(given, "cursor", 0), min(number(given, "limit", 20), 100)
        with desk.reading() as session:
            items = overview.arrivals(session, before=before, limit=limit)
        following = str(items[-1]["id"]) if len(items) == limit else None
        return answer({"items": items, "next": following})

    @made.get("/overview", dependencies=[Depends(looks)])
    def whole() -> Response:
        """All messages by what became of them, and how many records there are."""
        with desk.reading() as session:
            told = overview.messages(session, desk.counts)
            return answer({"messages": told, "entities": dict(overview.entities(session))})


def _gates(made: APIRouter, desk: Desk) -> None:
    @made.post("/connections/{name}/{do}", dependencies=[Depends(changes)])
    async def gate(name: str, do: str, request: Request) -> Response:
        """Pause, drain or resume a connection. The body says why: {"reason": …}."""
        if do not in _GATES or name not in desk.edge.deployment.connections:
            raise Problem(404, detail="expected a configured connection and pause, drain or resume")
        said = await optional(request, ("reason",))
        order = {
            **by(principal_of(request)), "do": do, "object": name, "reason": reason(said),
        }  # fmt: skip
        return done(await ordered(desk, order), {"connection": name, "state": _GATES[do]})
