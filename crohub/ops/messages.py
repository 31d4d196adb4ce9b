"""Messages over HTTP: found by state, connection, patient or control id; one with what became of
it. A patient's number is taken from a body only, never from an address."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from crohub import lookup
from crohub.lookup import Wanted
from crohub.ops.asked import looks, number, optional, text
from crohub.ops.desk import Desk
from crohub.ops.give import saw
from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.principal import PHI, Principal

_FILTERS = ("state", "connection", "pipeline", "control_id")


def add(made: APIRouter, desk: Desk) -> None:
    """Adds these routes."""

    @made.get("/messages", dependencies=[Depends(looks)])
    def messages(request: Request) -> Response:
        """Messages, newest first. Filters: state, connection, pipeline, control_id."""
        given = known(parameters(request), (*_FILTERS, "cursor", "limit"))
        limit, before = number(given, "limit", 50), number(given, "cursor", 0)
        return _page(desk, _wanted(dict(given), limit, before))

    @made.post("/messages/search", dependencies=[Depends(looks)])
    async def search(request: Request) -> Response:
        """As the list, and by `patient`: the value of the lane, mostly the MRN."""
        said = await optional(request, (*_FILTERS, "patient", "cursor", "limit"))
        paging: dict[str, str] = {}
        for name in ("cursor", "limit"):
            if name in said:
                paging[name] = str(said.pop(name))
        limit, before = number(paging, "limit", 50), number(paging, "cursor", 0)
        wanted = _wanted({name: text(said, name) for name in said}, limit, before)
        return await run_in_threadpool(_page, desk, wanted)

    @made.get("/messages/{seq}", dependencies=[Depends(looks)])
    def message(seq: int, request: Request) -> Response:
        """One message: what became of it and what it asserted; `body=true` (scope phi.read, which
        enters the audit) what was said."""
        given = known(parameters(request), ("body",))
        wants_body = given.get("body") == "true"
        return _one(desk, seq, principal_of(request), body=wants_body)


def _wanted(said: dict[str, str], limit: int, before: int) -> Wanted:
    state = said.get("state", "")
    if state and state not in lookup.ALL_STATES:
        raise Problem(400, detail=f"state: expected one of {', '.join(lookup.ALL_STATES)}")
    return Wanted(
        state=state,
        connection=said.get("connection", ""),
        pipeline=said.get("pipeline", ""),
        control_id=said.get("control_id", ""),
        patient=said.get("patient", ""),
        limit=limit,
        before=before,
    )


def _page(desk: Desk, wanted: Wanted) -> Response:
    with desk.reading() as session:
        found = lookup.find(session, desk.edge.keyring, wanted)
    limit = min(max(wanted.limit, 1), lookup.MOST)
    following = str(found[-1].seq) if len(found) == limit else None
    return answer({"items": [one.plain() for one in found], "next": following})


def _one(desk: Desk, seq: int, principal: Principal, *, body: bool) -> Response:
    if body:
        principal.must(PHI)
    with desk.reading() as session:
        found = lookup.one(session, seq)
        if found is None:
            raise Problem(404, detail="there is no such message")
        shown: dict[str, Any] = found.plain() | {
            "notes": lookup.notes(session, seq),
            "asserted": list(lookup.asserted(session, seq)),
        }
        if body:
            saw(desk.edge, f"message/{seq}", (), principal)
            raw = lookup.body(session, desk.edge.keyring, seq) or b""
            shown["body"] = raw.decode("utf-8", "backslashreplace")
    return answer(shown, sealed=body)
