"""Who calls: every path but the open ones needs a key, whichever route lies behind it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from hub import keys
from hub.api.deps import Busy, Deps, Sessions
from hub.api.errors import Problem, problem
from hub.principal import Principal
from hub.watch import Moment

_REMEMBERED = 5_000_000  # microseconds a key is known without looking again; where commits are
_MOST = 1024  # not noticed, so long may a revoked one still open something
_LONGEST = 200  # characters of a key or of a purpose


class Gate:
    """Lets requests with a good key through and leaves the principal in the request's state.

    The key comes as a bearer token (RFC 6750), or as the password of Basic authentication where
    `browsed` says so: a page that a person opens in a browser.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        deps: Deps,
        sessions: Sessions,
        browsed: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.app, self.deps, self.sessions, self.browsed = app, deps, sessions, browsed
        self._known: dict[bytes, tuple[Principal, int, Moment | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        headers, browsed = Headers(scope=scope), self.browsed(scope["path"])
        said, origin = headers.get("authorization", ""), origin_of(scope)
        text = _key(said, browsed=browsed)
        try:
            principal = await self._principal(text) if text else None
        except Busy:
            await problem(Problem(503, Retry_After="1"))(scope, receive, send)
            return
        if principal is None:
            if said:
                await run_in_threadpool(self.deps.refused, "", origin, "key")
            scheme = "Basic" if browsed else "Bearer"
            fault = Problem(401, WWW_Authenticate=f'{scheme} realm="crohub"')
            await problem(fault)(scope, receive, send)
            return
        purpose = headers.get("x-purpose", "")[:_LONGEST]
        state = scope.setdefault("state", {})
        state["principal"] = replace(principal, purpose=purpose, origin=origin)
        state["again"] = partial(self._principal, text)  # for an answer that takes long
        await self.app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return any(
            # "/" is the page at the root, not everything below it
            path.startswith(one) if one.endswith("/") and one != "/" else path == one
            for one in self.deps.open_paths
        )

    async def _principal(self, text: str) -> Principal | None:
        digest, now, moment = keys.hash_of(text), self.deps.clock(), self.sessions.watch.moment()
        known = self._known.get(digest)
        if known and 0 <= now - known[1] < _REMEMBERED and known[2] == moment:
            return known[0]
        found = await run_in_threadpool(self._look, text, now)
        if found:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[digest] = (found, now, moment)
        return found

    def _look(self, text: str, now: int) -> Principal | None:
        with self.sessions.reading() as session:
            return keys.principal(session, text, now)


def origin_of(scope: Scope) -> str:
    """The address a request came from, as the server or a proxy beside it says."""
    client = scope.get("client")
    return str(client[0])[:_LONGEST] if client else ""


def principal_of(request: Request) -> Principal:
    """On whose behalf a request is answered; usable as a dependency of any route."""
    principal: Principal = request.state.principal
    return principal


def _key(authorization: str, *, browsed: bool) -> str:
    scheme, _, said = authorization.partition(" ")
    said = said.strip()
    if scheme.lower() == "basic" and browsed:
        try:
            said = base64.b64decode(said, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    elif scheme.lower() != "bearer":
        return ""
    return said if said.isascii() and len(said) <= _LONGEST else ""
