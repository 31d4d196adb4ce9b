"""The routes of subscriptions: who is told of the change feed at an address of their own.

A key sees and changes those that it, or another of its name that sees no more, has made; one
that may operate the hub, and is not confined to some studies, all of them.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from crohub import subscribing
from crohub.ops import described
from crohub.ops.asked import done, optional, ordered, reason, text
from crohub.ops.desk import Desk
from crohub.ops.give import by
from crohub.subscribing import Unfit
from hub import clock
from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.grants import covers, is_restricted
from hub.principal import OPERATE, READ, Principal
from hub.query import BadQuery
from pipelines import subscriptions
from pipelines.subscriptions import Subscription

_STATES = {"pause": "paused", "resume": "on"}
_NAMES = ("url", "name", "entities", "studies", "since", "reason")
_MOST_NAMED = 100


def mount(app: FastAPI, desk: Desk) -> None:
    """Adds the routes; before those of the records, whose first part of the path is any word."""
    made = APIRouter(prefix="/api/v1/subscriptions", tags=["change feed"])
    _looks(made, desk)
    _makes(made, desk)
    _changes(made, desk)
    _tells(made, desk)
    app.include_router(made)
    beside = APIRouter(prefix="/ops/subscriptions", tags=["operations"])
    _looks(beside, desk)
    app.include_router(beside)


def _looks(made: APIRouter, desk: Desk) -> None:
    @made.get("", openapi_extra=described.LISTED)
    def listed(request: Request) -> Response:
        """Subscriptions: state, what waits, how far behind the feed, the last error."""
        known(parameters(request), ())
        principal = principal_of(request)
        principal.must(READ)
        with desk.reading() as session:
            found = [one for one in subscriptions.every(session) if _is_theirs(principal, one)]
            trouble = desk.edge.subscribers.trouble
            items = [subscribing.shown(session, one, trouble.get(one.id, "")) for one in found]
        return answer({"items": items})

    @made.get("/{one}", openapi_extra=described.ONE)
    def single(one: str, request: Request) -> Response:
        """One subscription."""
        principal_of(request).must(READ)
        with desk.reading() as session:
            found = _theirs(desk, request, one)
            trouble = desk.edge.subscribers.trouble.get(found.id, "")
            return answer(subscribing.shown(session, found, trouble))


def _makes(made: APIRouter, desk: Desk) -> None:
    @made.post("", status_code=201, openapi_extra=described.MADE)
    async def make(request: Request) -> Response:
        """Has events of the feed posted to `url`. The answer shows the secret that signs them,
        this once."""
        principal = principal_of(request)
        principal.must(OPERATE)
        said = await optional(request, _NAMES)
        why = reason(said)
        given = {"entity": _list(said, "entities"), "study": _list(said, "studies")}
        given |= {name: text(said, name) for name in said if name in ("url", "name", "since")}
        found = await run_in_threadpool(_registered, desk, principal, given)
        order = {**by(principal), **subscribing.ordered(found), "reason": why}
        obeyed = await ordered(desk, order)
        told = {"id": found.row["id"], "url": found.row["url"], "secret": found.secret}
        reply = answer(told | {"done": obeyed}, sealed=True)
        reply.status_code = 201 if obeyed else 202
        return reply


def _changes(made: APIRouter, desk: Desk) -> None:
    async def change(request: Request, one: str, state: str) -> Response:
        principal = principal_of(request)
        principal.must(OPERATE)
        said = await optional(request, ("reason",))
        found = await run_in_threadpool(_theirs, desk, request, one)
        order = {**by(principal), **subscribing.changed(found, state), "reason": reason(said)}
        return done(await ordered(desk, order), {"id": found.id, "state": state})

    @made.post("/{one}/pause", openapi_extra=described.REASONED)
    async def pause(one: str, request: Request) -> Response:
        """Nothing more is told until it is resumed; nothing is lost by that."""
        return await change(request, one, "paused")

    @made.post("/{one}/resume", openapi_extra=described.REASONED)
    async def resume(one: str, request: Request) -> Response:
        """One that was paused, or had gone, goes on where it stood."""
        return await change(request, one, "on")

    @made.post("/{one}/rotate", openapi_extra=described.REASONED)
    async def rotate(one: str, request: Request) -> Response:
        """Another secret, shown this once; for a day the former one signs as well."""
        principal = principal_of(request)
        principal.must(OPERATE)
        said = await optional(request, ("reason",))
        why, found = reason(said), await run_in_threadpool(_theirs, desk, request, one)
        new = subscriptions.renew(desk.edge.keyring, found, clock.now())
        order = {**by(principal), **subscribing.renewed(new), "reason": why}
        return done(await ordered(desk, order), {"id": found.id, "secret": new.secret})

    @made.delete("/{one}", openapi_extra=described.REASONED)
    async def end(one: str, request: Request) -> Response:
        """Ends it for good."""
        return await change(request, one, "ended")


def _tells(made: APIRouter, desk: Desk) -> None:
    @made.post("/{one}/test", openapi_extra=described.PLAIN)
    def test(one: str, request: Request) -> Response:
        """Sends a test event now and tells what the subscriber answered."""
        principal_of(request).must(OPERATE)
        edge, found = desk.edge, _theirs(desk, request, one)
        return answer(subscribing.tried(edge.deployment, edge.keyring, found, clock.now()))

    @made.post("/{one}/redeliver", openapi_extra=described.AGAIN)
    async def redeliver(one: str, request: Request) -> Response:
        """Tells again what was refused or, with `since`, all behind that cursor, at most 10,000
        versions. Each event has the id that it had."""
        principal = principal_of(request)
        principal.must(OPERATE)
        said = await optional(request, ("since", "reason"))
        why, since = reason(said), text(said, "since") if "since" in said else None
        found = await run_in_threadpool(_theirs, desk, request, one)
        try:
            office = desk.edge.subscribers.office
            count = await run_in_threadpool(subscribing.repeated, office, found, since)
        except BadQuery as error:
            raise Problem(422, error.code, str(error)) from None
        order = {
            **by(principal), "do": "redeliver", "object": found.id, "reason": why,
            "detail": {"since": since, "events": count},
        }  # fmt: skip
        return done(await ordered(desk, order), {"id": found.id, "events": count})


def _registered(desk: Desk, principal: Principal, given: dict[str, str]) -> subscriptions.Made:
    edge = desk.edge
    if "url" not in given:
        raise Problem(422, detail="url: expected where events are posted to")
    try:
        with desk.reading() as session:
            return subscribing.register(
                session, edge.deployment, edge.keyring, principal, given, clock.now()
            )
    except Unfit as error:
        raise Problem(422, detail=str(error)) from None


def _theirs(desk: Desk, request: Request, one: str) -> Subscription:
    with desk.reading() as session:
        found = subscriptions.find(session, one)
    if found is None or not _is_theirs(principal_of(request), found):
        raise Problem(404, detail="there is no such subscription of yours")
    return found


def _is_theirs(principal: Principal, one: Subscription) -> bool:
    operates = principal.may(OPERATE) and not is_restricted(principal)
    # keys can have one name and be confined differently
    is_own = one.principal.name == principal.name and covers(principal, one.principal)
    return operates or is_own


def _list(said: dict[str, Any], name: str) -> str:
    given = said.get(name, [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Problem(422, detail=f"{name}: expected a list of texts")
    if len(given) > _MOST_NAMED:
        raise Problem(422, detail=f"{name}: expected at most {_MOST_NAMED}")
    return ",".join(given)
