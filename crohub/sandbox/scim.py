"""A made-up identity provider: accounts over SCIM 2.0 (RFC 7644), that can be listed and locked.

The accounts are given from outside and may be changed while it runs. It neither filters nor sorts:
whoever asks reads the whole list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crohub.sandbox.web import WebServer

MEDIA = "application/scim+json"
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

Row = dict[str, Any]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Directory:
    """`users` by id. Whoever asks shows `token`. `now` is its clock."""

    token: str = "made-up"  # noqa: S105 - of nobody
    now: Callable[[], datetime] = _utc_now
    users: dict[str, Row] = field(default_factory=dict)

    def put(self, id: str, /, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Makes or changes an account; its version tells that it changed."""
        before = self.users.get(id, {"id": id, "meta": {"version": 'W/"0"'}})
        number = int(before["meta"]["version"][3:-1]) + 1
        meta = {"resourceType": "User", "version": f'W/"{number}"',
                "lastModified": self.now().astimezone(UTC).isoformat()}  # fmt: skip
        self.users[id] = before | fields | {"meta": meta}


def scim_server(directory: Directory) -> WebServer:
    """Serves `directory` at `url`/scim/v2."""
    serve = _Api(directory)
    return WebServer(
        [
            Route("/scim/v2/ServiceProviderConfig", serve.can),
            Route("/scim/v2/Users", serve.users),
            Route("/scim/v2/Users/{id}", serve.user, methods=["GET", "PATCH"]),
        ],
        name="sandbox-scim",
    )


class _Api:
    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def can(self, _: Request) -> Response:
        names = ("patch", "bulk", "filter", "changePassword", "sort", "etag")
        said = {name: {"supported": name in ("patch", "etag")} for name in names}
        return JSONResponse(said, media_type=MEDIA)

    def users(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        start = max(int(request.query_params.get("startIndex", 1)), 1)
        size = min(int(request.query_params.get("count", 100)), 100)
        rows = list(self.directory.users.values())
        page = rows[start - 1 : start - 1 + size]
        said = {"schemas": [_LIST], "totalResults": len(rows), "startIndex": start,
                "itemsPerPage": len(page), "Resources": page}  # fmt: skip
        return JSONResponse(said, media_type=MEDIA)

    async def user(self, request: Request) -> Response:
        key = request.path_params["id"]
        if refused := self._refused(request):
            return refused
        if key not in self.directory.users:
            return _no(404, f"Resource {key} not found")
        if request.method == "PATCH":
            if request.headers.get("if-match") not in (None, _version(self.directory, key)):
                return _no(412, "The resource has changed")
            for change in (await request.json())["Operations"]:
                self.directory.put(key, **{change["path"]: change["value"]})
        headers = {"ETag": _version(self.directory, key)}
        return JSONResponse(self.directory.users[key], headers=headers, media_type=MEDIA)

    def _refused(self, request: Request) -> Response | None:
        right = request.headers.get("authorization") == f"Bearer {self.directory.token}"
        return None if right else _no(401, "The token is not valid")


def _version(directory: Directory, key: str) -> str:
    return str(directory.users[key]["meta"]["version"])


def _no(status: int, words: str) -> Response:
    said = {"schemas": [_ERROR], "status": str(status), "detail": words}
    return JSONResponse(said, status, media_type=MEDIA)
