"""Replay and discard over HTTP. A replay first shows what it would settle again, and when told to
do it says what became of that."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from crohub import checking, discarding, lookup, replaying
from crohub.lookup import Found, Wanted
from crohub.ops.asked import changes, done, optional, reason, text
from crohub.ops.desk import Desk
from crohub.ops.give import PATIENCE, by, give
from hub.api.answers import answer
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.database import Session
from hub.principal import Principal
from mappings.mistakes import MappingErrors

_TOLD = 20  # mistakes that one answer names
_LARGEST = 1 << 62
_NAMES = ("ids", "state", "connection", "pipeline", "patient", "do", "present", "reason")


def add(made: APIRouter, desk: Desk) -> None:
    """Adds these routes."""

    @made.post("/replay", dependencies=[Depends(changes)])
    async def replay(request: Request) -> Response:
        """Settle messages again. {"ids": […]} or filters (state, connection, pipeline, patient);
        only a preview unless {"do": true} and a reason, which tells in which states they are `now`;
        {"present": true}: under the present mappings. `left_out` names ids that cannot be."""
        said = await optional(request, _NAMES)
        return await run_in_threadpool(_replay, desk, said, principal_of(request))

    @made.post("/discard", dependencies=[Depends(changes)])
    async def discard(request: Request) -> Response:
        """Set parked messages aside for good: {"ids": […], "reason": …}; `set_aside` says how
        many were. 409, and nothing is done, where one is not there or not parked."""
        said = await optional(request, ("ids", "reason"))
        return await run_in_threadpool(_discard, desk, said, principal_of(request))


def _discard(desk: Desk, said: dict[str, Any], principal: Principal) -> Response:
    ids, why = _ids(said), reason(said)
    if not ids:
        raise Problem(422, detail="expected ids and a reason")
    with desk.reading() as session:
        unfit = discarding.unfit(session, ids)
    if unfit:
        detail = f"{'; '.join(unfit[:_TOLD])}; expected ids of parked messages"
        raise Problem(409, detail=detail)
    order = discarding.order(ids, by=principal.name, reason=why)
    obeyed = give(desk.edge, order | by(principal))
    with desk.reading() as session:
        count = discarding.count(session, ids)
    return done(obeyed, {"messages": ids, "set_aside": count})


def _replay(desk: Desk, said: dict[str, Any], principal: Principal) -> Response:
    wanted = Wanted(
        state=text(said, "state"),
        connection=text(said, "connection"),
        pipeline=text(said, "pipeline"),
        patient=text(said, "patient"),
    )
    ids = _ids(said)
    if not ids and not (wanted.state or wanted.connection or wanted.pipeline or wanted.patient):
        raise Problem(422, detail="expected ids, state, connection, pipeline or patient")
    if wanted.state and wanted.state not in lookup.ALL_STATES:
        raise Problem(422, detail=f"state: expected one of {', '.join(lookup.ALL_STATES)}")
    with desk.reading() as session:
        found = replaying.chosen(session, desk.edge.keyring, wanted, ids)
        told = replaying.summary(found)
        if missing := replaying.left_out(session, found, ids):
            told["left_out"] = missing
        if said.get("do") is not True or not found:
            return answer(told | {"done": False})
        sent = _orders(desk, found, session, said, principal)
    obeyed = give(desk.edge, *sent)
    if obeyed:
        again = replaying.became(desk.reading, [one.seq for one in found], seconds=PATIENCE)
        told["now"] = replaying.states(again)
    return done(obeyed, told)


def _orders(
    desk: Desk, found: list[Found], session: Session, said: dict[str, Any], principal: Principal
) -> list[dict[str, Any]]:
    number = None
    if said.get("present") is True:
        try:
            checking.sound(desk.edge.deployment.folder)
        except MappingErrors as error:
            raise Problem(409, detail=f"the present configuration is wrong: {error}") from None
        number = desk.enter_revision()
    sent = replaying.orders(found, session, by=principal.name, reason=reason(said), revision=number)
    return [one | by(principal) for one in sent]


def _ids(said: dict[str, Any]) -> list[int]:
    ids = said.get("ids", [])
    if not isinstance(ids, list) or len(ids) > 10_000 or not all(map(_is_number, ids)):
        raise Problem(422, detail="ids: expected a list of at most 10,000 message numbers")
    return ids


def _is_number(one: Any) -> bool:  # noqa: ANN401 - JSON
    return type(one) is int and 0 < one < _LARGEST
