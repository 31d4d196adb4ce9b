"""What the API says when it cannot answer: problem details (RFC 9457) with a stable code.

No answer and no log line repeats what was sent, nor shows where the code was.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api.deps import Busy
from hub.principal import Forbidden, Principal
from hub.query import BadQuery

log = structlog.get_logger("api")
MEDIA = "application/problem+json"
_LONGEST = 8192  # bytes of path and query
_CODES = {
    400: "CROHUB-BAD-REQUEST",
    401: "CROHUB-UNAUTHENTICATED",
    403: "CROHUB-FORBIDDEN",
    404: "CROHUB-NOT-FOUND",
    405: "CROHUB-METHOD",
    409: "CROHUB-CONFLICT",
    412: "CROHUB-STALE",
    413: "CROHUB-TOO-LARGE",
    414: "CROHUB-URI-TOO-LONG",
    415: "CROHUB-MEDIA-TYPE",
    422: "CROHUB-INVALID",
    428: "CROHUB-NO-VERSION",
    500: "CROHUB-INTERNAL",
    503: "CROHUB-BUSY",
}


class Problem(Exception):
    """An answer other than success. `detail` is for people and holds no value that was sent;
    `more` is said besides (RFC 9457 §3.2)."""

    more: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, status: int, code: str = "", detail: str = "", **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code or _CODES.get(status, f"CROHUB-HTTP-{status}")
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def not_found() -> Problem:
    """The same for what does not exist and for what the caller may not see."""
    return Problem(404, detail="there is no such record, or it is outside of your grants")


def problem(fault: Problem) -> Response:
    """The response that says `fault`; its `instance` is how a person and the log name it."""
    body: dict[str, Any] = {
        "type": f"urn:crohub:problem:{fault.code}",
        "title": HTTPStatus(fault.status).phrase,
        "status": fault.status,
        "code": fault.code,
        "instance": f"urn:uuid:{uuid.uuid4()}",
    }
    if fault.detail:
        body["detail"] = fault.detail
    body |= fault.more
    headers = {"Cache-Control": "no-store", **fault.headers}
    return Response(orjson.dumps(body), fault.status, headers, MEDIA)


def install(app: FastAPI) -> None:
    """Makes every failure of `app` a problem, whoever wrote its route."""
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)
    app.add_middleware(Guard)


class Guard:
    """Around every route: an address that is too long is refused, and a failure nobody foresaw
    becomes a problem whose cause stands in the log without the words of the exception (they may
    hold a patient's data)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if len(scope["query_string"]) + len(scope["path"]) > _LONGEST:
            await problem(Problem(414))(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody reads its words
            fault = Problem(500)
            answer = problem(fault)
            log.error("request failed", **_cause(error), instance=_instance(answer))
            if begun:
                raise ConnectionAbortedError("the answer had begun") from None
            await answer(scope, receive, send)


def _cause(error: BaseException) -> dict[str, str]:
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}", trace.tb_next
    return {"error": type(error).__name__, "place": place}


def _instance(answer: Response) -> str:
    return str(orjson.loads(bytes(answer.body))["instance"])


Answer = Callable[[Request, Any], Awaitable[Response]]


async def _problem(_: Request, fault: Problem) -> Response:
    return problem(fault)


async def _bad_query(_: Request, fault: BadQuery) -> Response:
    # understood, and too much to be worked out while somebody waits
    status = 422 if fault.code == "CROHUB-TOO-LONG" else 400
    return problem(Problem(status, fault.code, str(fault)))


async def _forbidden(request: Request, fault: Forbidden) -> Response:
    who: Principal | None = getattr(request.state, "principal", None)
    tell = getattr(request.app.state, "refused", None)  # routes may stand without their mount
    if who is not None and tell is not None:
        await run_in_threadpool(tell, who.name, who.origin, "scope")
    return problem(Problem(403, detail=str(fault)))


async def _busy(_: Request, _fault: Busy) -> Response:
    return problem(Problem(503, detail="too many requests at once", Retry_After="1"))


async def _http(_: Request, fault: HTTPException) -> Response:
    headers = dict(fault.headers or {})
    return problem(Problem(fault.status_code, **headers))


async def _invalid(_: Request, fault: RequestValidationError) -> Response:
    places = sorted({".".join(str(part) for part in e["loc"][:1]) for e in fault.errors()})
    return problem(Problem(422, detail=f"not as the API describes it: {', '.join(places)}"))


_ANSWERS: dict[type[Exception], Answer] = {
    Problem: _problem,
    BadQuery: _bad_query,
    Forbidden: _forbidden,
    Busy: _busy,
    HTTPException: _http,
    RequestValidationError: _invalid,
}
