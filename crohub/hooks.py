"""The addresses below /hooks: events that other systems post, handed to their connection.

No key of the hub opens these paths: each connection has its own way to know its sender. Whatever
is wrong with a call is answered by a status alone.
"""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from connectors.protocol import Call, Hooked
from pipelines.edge import Edge

OPEN = "/hooks/"


def mount(app: FastAPI, edge: Edge) -> None:
    """Adds the routes."""

    @app.post("/hooks/{name}", tags=["hooks"], include_in_schema=False)
    @app.post("/hooks/{name}/{rest:path}", tags=["hooks"], include_in_schema=False)
    async def hook(request: Request, name: str, rest: str = "") -> Response:
        """One event: 202 once it is on disk; 503 with Retry-After when it cannot be taken now."""
        connector = edge.connector(name) if name in edge.deployment.connections else None
        if not isinstance(connector, Hooked):
            return Response(status_code=404)
        body = await _whole(request, connector.largest)
        if body is None:
            return Response(status_code=413, headers={"Connection": "close"})
        reply = await connector.receive(Call(headers=dict(request.headers), body=body, rest=rest))
        headers = {"Retry-After": str(reply.after)} if reply.after else None
        return Response(status_code=reply.status, headers=headers)


async def _whole(request: Request, largest: int) -> bytes | None:
    """The body; None as soon as it is known to be too long."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:19]) > largest:
        return None
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > largest:
                return None
    except ClientDisconnect:
        return b""  # nobody is there to be answered, and no proof holds for half an event
    return bytes(body)
