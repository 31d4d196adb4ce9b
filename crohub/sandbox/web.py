"""What every made-up system that speaks HTTP shares: a server on loopback, faults on request."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

START_WITHIN = 10.0  # seconds
Kind = Literal["unauthorized", "throttled", "broken", "slow", "truncated", "failed"]


@dataclass(slots=True)
class Fault:
    """What a request meets instead of its answer. `path` is how its path must begin; `passes`
    requests that fit go through before it strikes, once.

    unauthorized: 401. throttled: 429 with Retry-After: `seconds`. broken: 500. slow: the answer's
    second half comes `seconds` later. truncated: its second half never comes. failed: status 200
    and `body`, as systems do that report a failure inside.
    """

    kind: Kind
    path: str = ""
    passes: int = 0
    seconds: float = 1.0
    body: Any = None  # JSON


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    query: str
    status: int


class WebServer:
    """Serves `routes` at `url` between `start` and `stop`; a context manager does both. `asked`
    are the requests so far, `faults` what the next ones meet. Without `dated` the answers' Date
    header is left to the routes."""

    def __init__(
        self, routes: Sequence[BaseRoute], *, name: str = "sandbox-web", dated: bool = True
    ) -> None:
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self._app = _Faulty(Starlette(routes=list(routes)), self)
        self._name, self._dated = name, dated
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`; only between `start` and `stop`."""
        if self._socket is None:
            raise RuntimeError("the server is not running; call start() first")
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Binds a free port and serves in a thread; requests are taken when this returns."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        # taken over by each connection; else head and body of an answer are 40 ms apart
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            self._app, log_config=None, access_log=False, lifespan="off", ws="none",
            loop="uvloop", date_header=self._dated, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=self._name, daemon=True
        )
        self._thread.start()
        waiting = threading.Event()  # uvicorn has no other way to say that it has started
        for _ in range(int(START_WITHIN / 0.01)):
            if self._server.started:
                return
            waiting.wait(0.01)
        self.stop()
        raise RuntimeError(f"the server did not start within {START_WITHIN:g} s")

    def stop(self) -> None:
        """Ends the server; open requests get a second to finish."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()
        if self._socket:
            self._socket.close()
        self._server = self._thread = self._socket = None

    def struck(self, path: str) -> Fault | None:
        """The fault that a request to `path` meets now, if any."""
        for fault in self.faults:
            if path.startswith(fault.path):
                if fault.passes == 0:
                    self.faults.remove(fault)
                    return fault
                fault.passes -= 1
        return None


class _Faulty:
    """Stands before the application: lets a request through, or has it meet its fault."""

    def __init__(self, app: ASGIApp, server: WebServer) -> None:
        self._app, self._server = app, server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._server.struck(scope["path"])

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, message["status"])  # before whoever asked can go on
            elif fault and message["type"] == "http.response.body":
                await _in_halves(fault, message, send)
                return
            await send(message)

        instead = _instead(fault)
        if instead:
            self._note(scope, instead.status_code)
            await instead(scope, receive, send)
        else:
            await self._app(scope, receive, watched)

    def _note(self, scope: Scope, status: int) -> None:
        query = scope["query_string"].decode("ascii", "replace")
        self._server.asked.append(Asked(scope["method"], scope["path"], query, status))


def _instead(fault: Fault | None) -> Response | None:
    if fault is None or fault.kind in ("slow", "truncated"):
        return None
    if fault.kind == "failed":
        return JSONResponse(fault.body)
    if fault.kind == "throttled":
        seconds = {"Retry-After": f"{fault.seconds:g}"}
        return JSONResponse({"error": "too many requests"}, 429, headers=seconds)
    if fault.kind == "unauthorized":
        return JSONResponse({"error": "unauthorized"}, 401, headers={"WWW-Authenticate": "Bearer"})
    return JSONResponse({"error": "something broke"}, 500)


async def _in_halves(fault: Fault, message: Message, send: Send) -> None:
    body = message.get("body", b"")
    middle = len(body) // 2
    await send({"type": "http.response.body", "body": body[:middle], "more_body": True})
    if fault.kind == "truncated":
        return  # the server ends a connection whose answer was left unfinished
    await asyncio.sleep(fault.seconds)
    await send({**message, "body": body[middle:]})


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form-encoded body; of one that came twice, the last."""
    from urllib.parse import parse_qsl

    body = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True))
