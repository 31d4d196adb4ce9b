"""The page at /: health for everybody; the institution, its connections and what waits for a
person for whoever signs in with a key."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from crohub import lookup
from crohub.lookup import Wanted
from crohub.ops import overview
from crohub.ops.desk import Desk
from crohub.ops.give import by, enter
from crohub.turned_away import TurnedAway
from crohub.web import session
from hub.api.auth import origin_of
from hub.grants import is_restricted
from hub.principal import READ

if TYPE_CHECKING:
    from jinja2 import Template

OPEN = ("/", "/sign-in", "/sign-out", "/style.css")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def mount(app: FastAPI, desk: Desk, turned_away: TurnedAway) -> None:
    """Adds the page and how to sign in and out."""

    @app.get("/", include_in_schema=False)
    def home(request: Request) -> Response:
        return _home(desk, request)

    @app.get("/style.css", include_in_schema=False)
    def style() -> Response:
        text = files("crohub").joinpath("web/style.css").read_bytes()
        return Response(text, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    @app.post("/sign-in", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        key, origin = await session.key_in(request), origin_of(request.scope)
        who = await run_in_threadpool(session.holder, desk, key)
        if who is None:
            await run_in_threadpool(turned_away.note, "", origin, "sign-in")
            return _page(desk, {"refused": True}, status=403)
        order = {**by(replace(who, origin=origin)), "do": "signed in", "object": "the page"}
        await run_in_threadpool(enter, desk.edge, order)
        response = RedirectResponse("/", status_code=303, headers=_HEADERS)
        session.remember(response, key, secure=request.url.scheme == "https")
        return response

    @app.post("/sign-out", include_in_schema=False)
    def sign_out() -> Response:
        response = RedirectResponse("/", status_code=303, headers=_HEADERS)
        session.forget(response)
        return response


def _home(desk: Desk, request: Request) -> Response:
    principal = session.principal_of(desk, request)
    if principal is None:
        return _page(desk, {})
    if not principal.may(READ) or is_restricted(principal):
        return _page(desk, {"narrow": True, "who": principal.name})
    with desk.reading() as opened:
        parked = lookup.find(opened, desk.edge.keyring, Wanted(state="parked", limit=20))
        shown = {
            "who": principal.name,
            "connections": overview.connections(desk.edge, opened, desk.counts),
            "messages": overview.messages(opened, desk.counts),
            "entities": list(overview.entities(opened)),
            "parked": [one.plain() for one in parked],
        }
    return _page(desk, shown)


def _page(desk: Desk, shown: dict[str, Any], *, status: int = 200) -> Response:
    hub = desk.edge.deployment.hub
    text = _template().render(
        institution=hub.institution, ready=desk.edge.accepting, hub=hub, **shown
    )
    return Response(text, status, _HEADERS, "text/html; charset=utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment

    source = files("crohub").joinpath("web/home.html.j2").read_text("utf-8")
    return Environment(autoescape=True).from_string(source)
