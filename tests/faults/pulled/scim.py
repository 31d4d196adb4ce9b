"""Identity providers: one that only lists, read whole; one that sorts, read by time of change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from crohub.sandbox.scim import Directory, scim_server
from crohub.sandbox.web import WebServer
from tests.faults.pulled.source import SECRET, Source, at_answer

_SETTINGS = """connector: scim
settings:
  base_url: ADDRESS
  auth: {kind: bearer, token: "${env:PULLED_SECRET}"}
  page: PAGE
  overlap: 0
"""


@contextmanager
def users(_: Path) -> Iterator[Source]:
    directory = Directory(token=SECRET)

    def put(people) -> None:
        for one in people:
            directory.put(one.id, userName=one.id, sex=one.sex, turn=one.turn)

    with scim_server(directory) as server:
        settings = _SETTINGS.replace("ADDRESS", f"{server.url}/scim/v2").replace("PAGE", "60")
        yield Source(
            put=put, due=at_answer(server), stream="Users", settings=settings, key="id", sex="sex"
        )


@dataclass
class Sorting:
    """A provider that can filter by the time of change and sort by it."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)

    def can(self, _: Request) -> JSONResponse:
        names = ("filter", "sort", "patch", "etag")
        return JSONResponse({name: {"supported": name in ("filter", "sort")} for name in names})

    def page(self, request: Request) -> JSONResponse:
        asked = request.query_params
        since = asked.get("filter", "").partition('"')[2].rstrip('"')
        found = [one for one in self.users.values() if one["meta"]["lastModified"] >= since]
        found.sort(key=lambda one: one["meta"]["lastModified"])
        start = int(asked["startIndex"]) - 1
        some = found[start : start + int(asked["count"])]
        return JSONResponse({"totalResults": len(found), "Resources": some})


@contextmanager
def changes(_: Path) -> Iterator[Source]:
    provider = Sorting()

    def put(people) -> None:
        for one in people:
            meta = {"lastModified": f"{one.at:%Y-%m-%dT%H:%M:%SZ}"}
            user = {"id": one.id, "sex": one.sex, "turn": one.turn, "meta": meta}
            provider.users[one.id] = user

    routes = [Route("/ServiceProviderConfig", provider.can), Route("/Users", provider.page)]
    with WebServer(routes) as server:
        settings = _SETTINGS.replace("ADDRESS", server.url).replace("PAGE", "60")
        yield Source(
            put=put, due=at_answer(server), stream="changed_users", settings=settings,
            key="id", sex="sex",
        )  # fmt: skip
