"""A data lake that has the change feed posted to it: keeps what is signed as it should be."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors import standard_webhooks
from crohub.sandbox.web import WebServer


class Lake:
    """Takes events at `url` while it is entered; `key` is what signs them."""

    def __init__(self) -> None:
        self.key = b""
        self.taken: list[str] = []  # ids, as they came
        self.unsigned = 0
        self._server = WebServer(
            [Route("/events", self._take, methods=["POST"])], name="sandbox-lake"
        )

    @property
    def url(self) -> str:
        """Where events are posted to, while it is entered."""
        return f"{self._server.url}/events"

    def __enter__(self) -> Lake:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def told(self) -> dict[str, Any]:
        """How many events came, how many of them again, how many with no good signature."""
        once = len(set(self.taken))
        return {"events": once, "again": len(self.taken) - once, "unsigned": self.unsigned}

    async def _take(self, request: Request) -> Response:
        body, heads = await request.body(), request.headers
        one, at = heads.get(standard_webhooks.ID, ""), heads.get(standard_webhooks.TIMESTAMP, "")
        wanted = standard_webhooks.sign_with(self.key, id=one, timestamp=at, body=body)
        if heads.get(standard_webhooks.SIGNATURE) != wanted:
            self.unsigned += 1
            return Response(status_code=401)
        self.taken.append(one)
        return Response(status_code=204)
