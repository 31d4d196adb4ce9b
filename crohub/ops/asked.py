"""What operations routes read from a request, and how they answer a change."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from crohub.ops.desk import Desk
from crohub.ops.give import give
from hub.api import body
from hub.api.answers import answer
from hub.api.auth import principal_of
from hub.api.errors import Problem
from hub.grants import is_restricted
from hub.principal import OPERATE, READ
from hub.query import BadQuery

Json = dict[str, Any]


def looks(request: Request) -> None:
    """Raises Forbidden without the scope to look, or for a key confined to some studies: what is
    shown here is about all."""
    _whole(request, READ)


def changes(request: Request) -> None:
    """Raises Forbidden without the scope to change."""
    _whole(request, OPERATE)


def done(obeyed: bool, told: Json) -> Response:  # noqa: FBT001 - reads as a sentence
    """200 for what has happened, 202 for what is stored and will."""
    reply = answer(told | {"done": obeyed})
    reply.status_code = 200 if obeyed else 202
    return reply


def _whole(request: Request, scope: str) -> None:
    principal = principal_of(request)
    principal.must(scope)
    if is_restricted(principal):
        raise Problem(403, detail="a key that is confined to some studies cannot operate the hub")


async def ordered(desk: Desk, *sent: Json) -> bool:
    """Gives orders without holding up the loop."""

    return await run_in_threadpool(give, desk.edge, *sent)


async def optional(request: Request, names: tuple[str, ...]) -> Json:
    """The body as an object with only these names; {} when there is none."""
    if request.headers.get("content-length", "0") == "0" and (
        "transfer-encoding" not in request.headers
    ):
        return {}
    said = await body.read(request)
    if not isinstance(said, dict) or set(said) - set(names):
        raise Problem(422, detail=f"expected an object with only: {', '.join(names)}")
    return said


def text(said: Json, name: str) -> str:
    """A text of the body, at most 2,000 characters; "" when it is absent."""
    value = said.get(name, "")
    if not isinstance(value, str) or len(value) > 2000:
        raise Problem(422, detail=f"{name}: expected a text of at most 2,000 characters")
    return value


def reason(said: Json) -> str:
    """Why, which a change must say. Raises Problem where nothing is said."""
    why = text(said, "reason").strip()
    if not why:
        raise Problem(422, detail="expected a reason: it enters the audit")
    return why


def number(given: dict[str, str], name: str, default: int) -> int:
    """A whole number of the query, from 0."""
    value = given.get(name, str(default))
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise BadQuery("CROHUB-BAD-VALUE", f"{name}: expected a whole number")
    return int(value)
