"""Deliveries below /ops: what was said to other systems or would be, and saying what was not."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from crohub import told
from crohub.ops.asked import changes, done, looks, number, optional, ordered, reason
from crohub.ops.desk import Desk
from crohub.ops.give import by, saw
from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.principal import PHI


def add(made: APIRouter, desk: Desk) -> None:
    """Adds the routes."""
    _looks(made, desk)
    _backfill(made, desk)


def _looks(made: APIRouter, desk: Desk) -> None:
    @made.get("/deliveries", dependencies=[Depends(looks)])
    def deliveries(request: Request) -> Response:
        """Deliveries, newest first; of one `pipeline`, in one `state`."""
        given = known(parameters(request), ("pipeline", "state", "limit"))
        state, outbound = given.get("state", ""), desk.edge.deployment.outbound
        if state and state not in told.STATES:
            raise Problem(400, detail=f"state: expected one of {', '.join(told.STATES)}")
        chosen = (given["pipeline"],) if "pipeline" in given else tuple(outbound)
        limit = number(given, "limit", 50)
        with desk.reading() as session:
            wanted = told.Wanted(pipelines=chosen, state=state, limit=limit)
            return answer({"items": told.find(session, wanted)})

    @made.get("/deliveries/{one}", dependencies=[Depends(looks)])
    def delivery(one: str, request: Request) -> Response:
        """One delivery; `body=true` (scope phi.read, which enters the audit) what it says."""
        given = known(parameters(request), ("body",))
        principal, wants_body = principal_of(request), given.get("body") == "true"
        if wants_body:
            principal.must(PHI)
        with desk.reading() as session:
            shown = told.one(session, one)
            if shown is None:
                raise Problem(404, detail="there is no such delivery")
            if wants_body:
                saw(desk.edge, f"delivery/{one}", (), principal)
                said = told.body(session, desk.edge.keyring, one)
                shown["body"] = said.body.decode("utf-8", "backslashreplace") if said else None
        return answer(shown, sealed=wants_body)


def _backfill(made: APIRouter, desk: Desk) -> None:
    @made.post("/pipelines/{name}/backfill", dependencies=[Depends(changes)])
    async def backfill(name: str, request: Request) -> Response:
        """Says what a pipeline has not said so far, what it only would have said included. The
        body says why: {"reason": …}."""
        outbound = desk.edge.deployment.outbound
        if name not in outbound:
            raise Problem(404, detail="expected a configured outbound pipeline")
        said = await optional(request, ("reason",))
        order = {
            **by(principal_of(request)), "do": "backfill", "object": name,
            "reason": reason(said),
        }  # fmt: skip
        obeyed = await ordered(desk, order)
        try:
            count = await run_in_threadpool(desk.edge.dispatcher.backfill, name)
        except KeyError:
            trouble = desk.edge.dispatcher.trouble.get(name, "it does not run")
            raise Problem(409, detail=f"the pipeline cannot deliver: {trouble}") from None
        return done(obeyed, {"pipeline": name, "mode": outbound[name].mode, "deliveries": count})
