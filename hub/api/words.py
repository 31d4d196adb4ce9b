"""The routes of what people say: answers to questions, and that records are one or are not.

They become orders, are done by the settler in their turn, and stand in the audit with their reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from hub import questions
from hub.api import body
from hub.api.answers import answer, known, parameters
from hub.api.auth import principal_of
from hub.api.errors import Problem, not_found
from hub.api.records import Records, id_of, spec_of
from hub.clock import micros, now
from hub.dates import is_date
from hub.decisions import ANSWERS, OPEN
from hub.grants import is_restricted
from hub.override import Override, fault_of
from hub.principal import OPERATE
from hub.query import BadQuery
from hub.reader import field_of, scope_for

Json = dict[str, Any]
_LONGEST = 2000  # characters of a reason


@dataclass(frozen=True, slots=True)
class Words:
    """What people say of the records of one deployment, as routes."""

    records: Records

    def question(self, request: Request) -> Response:
        """One question; `include`: the records it is about, what is sealed of them."""
        given = known(parameters(request), ("include",)).get("include", "")
        include = frozenset(given.split(",")) - {""}
        if include - {questions.RECORDS, questions.SEALED_PARTS}:
            raise BadQuery("CROHUB-BAD-VALUE", "include: expected records, phi or both")
        with self.records.reading() as reader:
            found = questions.one(reader, principal_of(request), _id(request), include)
        if found is None:
            raise not_found()
        return answer(found, sealed=questions.SEALED_PARTS in include)

    async def decide(self, request: Request) -> Response:
        """Answers one question."""
        said, one = await _said(request, ("state", "reason")), _id(request)
        state = await run_in_threadpool(self._state, one)
        if state is None:
            raise not_found()
        if state != OPEN:
            raise Problem(409, detail="this question is open no more")
        order = {"do": "decide", "object": one, "state": _answer(said)}
        return await self._give(request, said, order)

    async def decide_all(self, request: Request) -> Response:
        """Answers all questions of a kind that meet conditions."""
        said = await _said(request, ("kind", "where", "state", "reason"))
        state, kind, conditions = _answer(said), _text(said, "kind"), _conditions(said)
        found = await run_in_threadpool(self._meeting, kind, conditions)
        order = {
            "do": "decide", "object": f"{len(found)} {kind} questions"[:200], "state": state,
            "objects": found, "detail": {"where": said.get("where", [])},
        }  # fmt: skip
        return await self._give(request, said, order) if found else answer({"answered": 0})

    async def merge(self, request: Request) -> Response:
        """Two records are one."""
        said = await _said(request, ("other", "reason"))
        ids = [id_of(request), _text(said, "other").lower()]
        return await self._word(request, said, {"do": "merge", "ids": ids})

    async def unmerge(self, request: Request) -> Response:
        """A record that was made part of another is one of its own again."""
        said = await _said(request, ("reason",))
        return await self._word(request, said, {"do": "unmerge", "id": id_of(request)})

    async def split(self, request: Request) -> Response:
        """A system's key is not of this record."""
        said = await _said(request, ("system", "key", "reason"))
        system, key = _text(said, "system"), _text(said, "key")
        order = {"do": "split", "id": id_of(request), "system": system, "key": key}
        return await self._word(request, said, order)

    async def override(self, request: Request) -> Response:
        """A field is what a person says, until its time is over."""
        said = await _said(request, ("field", "value", "until", "reason"))
        spec, name = field_of(spec_of(request), _text(said, "field"))
        if spec.sealed:
            principal_of(request).must(scope_for(spec))
        one = id_of(request)
        given = Override(entity=spec.name, id=one, field=name, value=said.get("value"))
        if "value" not in said:
            raise Problem(422, detail="value: expected what the field is; null: it has no value")
        if fault := fault_of(spec, given):
            raise Problem(422, detail=fault)
        order = {
            "do": "override", "object": f"{spec.name} {one}", "entity": spec.name, "id": one,
            "field": name, "value": given.value, "until": _until(said),
            "detail": {"field": name, "until": said.get("until", "")},
        }  # fmt: skip
        return await self._give(request, said, order)

    async def lift(self, request: Request) -> Response:
        """Ends an override, by its decision."""
        said = await _said(request, ("reason",))
        return await self._give(request, said, {"do": "lift", "object": _id(request)})

    async def sign_off(self, request: Request) -> Response:
        """What a check found is accepted as it is, until the end of a day or for good."""
        said = await _said(request, ("until", "reason"))
        until = said.get("until") or ""
        if not isinstance(until, str) or (until and not (len(until) == 10 and is_date(until))):
            raise Problem(422, detail="until: expected a day, 2026-12-31, or nothing")
        order = {
            "do": "sign off", "object": _id(request), "until": until, "detail": {"until": until},
        }  # fmt: skip
        return await self._give(request, said, order)

    def _state(self, one: str) -> str | None:
        with self.records.reading() as reader:
            row = reader.session.one("select state from decision where id = ?", (one,))
        return str(row[0]) if row else None

    def _meeting(self, kind: str, conditions: Sequence[questions.Condition]) -> list[str]:
        with self.records.reading() as reader:
            found = questions.meeting(reader.session, kind=kind, conditions=conditions)
        return [one["id"] for one in found]

    async def _word(self, request: Request, said: Json, order: Json) -> Response:
        spec = spec_of(request)
        about = " ".join(order.get("ids") or [order["id"]])
        order |= {"entity": spec.name, "object": f"{spec.name} {about}"[:200]}
        return await self._give(request, said, order)

    async def _give(self, request: Request, said: Json, order: Json) -> Response:
        """200 with what came of it, 409 where it cannot be done, 202 where it is yet to be."""
        give = self.records.deps.order
        if give is None:
            raise Problem(503, detail="this node takes no orders")
        order |= {"reason": _text(said, "reason")}
        told = await run_in_threadpool(give, principal_of(request), order)
        if told is None:
            reply = answer({"done": False})
            reply.status_code = 202
            return reply
        if "refused" in told:
            raise Problem(409, detail=told["refused"])
        return answer({"done": True} | told)


def routes(records: Records) -> APIRouter:
    """They stand before the records' own routes, whose first part of the path is any word."""
    own, made = Words(records), APIRouter()
    made.add_route("/decisions", own.decide_all, methods=["POST"])
    made.add_route("/decisions/{id}", own.question, methods=["GET"])
    made.add_route("/decisions/{id}", own.decide, methods=["POST"])
    made.add_route("/decisions/{id}/lift", own.lift, methods=["POST"])
    made.add_route("/findings/{id}/sign-off", own.sign_off, methods=["POST"])
    for do in (own.merge, own.unmerge, own.split, own.override):
        made.add_route(f"/{{plural}}/{{id}}/{do.__name__}", do, methods=["POST"])
    return made


def _id(request: Request) -> str:
    one: str = request.path_params["id"].lower()
    return one


async def _said(request: Request, names: tuple[str, ...]) -> Json:
    principal = principal_of(request)
    principal.must(OPERATE)
    if is_restricted(principal):
        raise Problem(403, detail="a key that is confined to some studies cannot decide for all")
    said = await body.read(request)
    if not isinstance(said, dict) or set(said) - set(names):
        raise Problem(422, detail=f"expected an object with only: {', '.join(names)}")
    _text(said, "reason")
    return said


def _text(said: Json, name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise Problem(422, detail=f"{name}: expected a text of 1 to {_LONGEST} characters")
    return value.strip()


def _until(said: Json) -> int | None:
    given = said.get("until")
    if given is None:
        return None
    try:
        ends = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        ends = None
    if ends is None or ends.tzinfo is None or micros(ends) <= now():
        raise Problem(422, detail="until: expected an instant to come, 2026-12-31T00:00:00Z")
    return micros(ends)


def _answer(said: Json) -> str:
    if said.get("state") not in ANSWERS:
        raise Problem(422, detail=f"state: expected {' or '.join(ANSWERS)}")
    return str(said["state"])


def _conditions(said: Json) -> list[questions.Condition]:
    given = said.get("where", [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Problem(422, detail='where: expected a list such as ["weight>=20"]')
    try:
        return [questions.condition(one) for one in given]
    except ValueError as error:
        raise Problem(422, detail=str(error)) from None
