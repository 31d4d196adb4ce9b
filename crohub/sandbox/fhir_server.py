"""The research register as a FHIR R4 server on the loopback interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crohub.sandbox import fhir_answers as answers
from crohub.sandbox.fhir_export import Exports
from crohub.sandbox.fhir_pages import Pages
from crohub.sandbox.fhir_search import FhirError
from crohub.sandbox.fhir_store import FhirStore
from crohub.sandbox.fhir_transaction import Transactions
from crohub.sandbox.fhir_writes import Pushed, Writes
from crohub.sandbox.web import WebServer

Endpoint = Callable[[Request], Awaitable[Response]]


class FhirServer:
    """Serves `store` at `url` between `start` and `stop`.

    With a `token` every request but `/metadata` must bear it. Every `hiccup_every`th request is
    put off with 429 and 503 in turn and Retry-After: 1 (0: never). What is written from outside
    is in `pushed`, oldest first. `now` is the server's clock: the time those writes get and the
    Date header of every answer, so that a client's cursors and `lastUpdated` are of one clock.
    """

    def __init__(
        self,
        store: FhirStore,
        now: Callable[[], datetime],
        *,
        token: str = "",
        hiccup_every: int = 0,
    ) -> None:
        self.store, self.now = store, now
        self.token, self.hiccup_every = token, hiccup_every
        self.requests = 0
        self.pages = Pages()
        self.writes = Writes(store, now)
        self.transactions = Transactions(self.writes)
        self.exports = Exports(store, now, signed=bool(token))
        self._web = WebServer(self._routes(), name="sandbox-fhir", dated=False)

    @property
    def url(self) -> str:
        """The base URL; only between `start` and `stop`."""
        return f"{self._web.url}/fhir"

    @property
    def pushed(self) -> list[Pushed]:
        """What others wrote, oldest first."""
        return self.writes.pushed

    def start(self) -> None:
        """Binds a free port and serves in a thread; requests are taken when this returns."""
        self._web.start()

    def stop(self) -> None:
        """Ends the server; open requests get a second to finish."""
        self._web.stop()

    def _routes(self) -> list[Route]:
        return [
            Route("/fhir/metadata", self._open_to_all(self._metadata)),
            Route("/fhir", self._guarded(self._page), methods=["GET"]),
            Route("/fhir", self._guarded(self.transactions.take), methods=["POST"]),
            *self._exporting(),
            Route("/fhir/{kind}/_history", self._guarded(self._history)),
            Route("/fhir/{kind}/_search", self._guarded(self._search), methods=["POST"]),
            Route("/fhir/{kind}", self._guarded(self._search), methods=["GET"]),
            Route("/fhir/{kind}", self._guarded(self.writes.create), methods=["POST"]),
            Route("/fhir/{kind}", self._guarded(self.writes.update_where), methods=["PUT"]),
            Route("/fhir/{kind}/{id}", self._guarded(self._read), methods=["GET"]),
            Route("/fhir/{kind}/{id}", self._guarded(self.writes.update), methods=["PUT"]),
            Route("/fhir/{kind}/{id}/_history", self._guarded(self._history)),
        ]

    def _exporting(self) -> list[Route]:
        exports = self.exports
        kick_off = self._guarded(exports.kick_off)
        return [
            Route("/fhir/$export", kick_off, methods=["GET", "POST"]),
            Route("/fhir/Patient/$export", kick_off, methods=["GET", "POST"]),
            Route(
                "/fhir/$export/jobs/{job}", self._guarded(exports.look), methods=["GET", "DELETE"]
            ),
            Route("/fhir/$export/jobs/{job}/files/{number:int}", self._guarded(exports.file)),
        ]

    def _open_to_all(self, endpoint: Endpoint) -> Endpoint:
        async def answered(request: Request) -> Response:
            try:
                response = await endpoint(request)
            except FhirError as error:
                response = answers.outcome(error)
            response.headers["Date"] = format_datetime(self.now().astimezone(UTC), usegmt=True)
            return response

        return answered

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """With authorisation and the occasional hiccup in front."""

        async def guarded(request: Request) -> Response:
            if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
                raise FhirError(401, "login", "a bearer token is needed")
            if "kind" in request.path_params:
                answers.known(request.path_params["kind"])
            self.requests += 1
            if self.hiccup_every and self.requests % self.hiccup_every == 0:
                busy = (self.requests // self.hiccup_every) % 2
                raise FhirError(429 if busy else 503, "throttled" if busy else "transient", "later")
            return await endpoint(request)

        return self._open_to_all(guarded)

    async def _metadata(self, request: Request) -> Response:
        return answers.capability(self.url)

    async def _read(self, request: Request) -> Response:
        version = self.store.read(request.path_params["kind"], request.path_params["id"])
        return answers.one(version, request.headers.get("if-none-match", ""))

    async def _search(self, request: Request) -> Response:
        asked = list(request.query_params.multi_items())
        if request.method == "POST":
            asked += parse_qsl((await request.body()).decode("ascii", "replace"))
        kind = request.path_params["kind"]
        return self.pages.first(self.url, self.store.current(kind), asked)

    async def _history(self, request: Request) -> Response:
        kind, id = request.path_params["kind"], request.path_params.get("id", "")  # noqa: A001
        asked = list(request.query_params.multi_items())
        return self.pages.first_of_history(self.url, self.store.history(kind, id), asked)

    async def _page(self, request: Request) -> Response:
        return self.pages.next(self.url, request.query_params.get("_page", ""))
