"""A made-up ERP that speaks OData V2 and V4: lists, delta links, and documents by deep insert."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crohub.sandbox.web import WebServer

Row = dict[str, Any]
_CONDITION = re.compile(
    r"(\w+) (eq|ne|ge|gt|le) (?:datetime(?:offset)?)?(?:'((?:[^']|'')*)'|([^\s()]+))"
)  # fmt: skip
FIRST_NUMBER = 70_000_001
_TICKS = re.compile(r"/Date\((-?\d+)(?:\+0000)?\)/")


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _idle(_name: str, _row: Row) -> None:
    """Nothing follows from a document."""


def ticks(at: datetime, *, offset: bool = False) -> str:
    """A moment as V2 writes it in JSON."""
    return f"/Date({int(at.timestamp() * 1000)}{'+0000' if offset else ''})/"


def day(on: date, *, offset: bool = False) -> str:
    """A day as V2 writes it in JSON."""
    return ticks(datetime(on.year, on.month, on.day, tzinfo=UTC), offset=offset)


@dataclass
class ErpState:
    """What an ERP holds: rows by entity set, in the order of their making; `changes` of each,
    oldest first, for delta links (a removed one has `@removed`). `now` is its clock; `closed`
    makes it refuse documents, as when a period is. `made` hears of each document made from
    outside, by its set. What is written comes from several threads."""

    user: str = "CROHUB"
    password: str = "made-up"  # noqa: S105 - of nobody
    page: int = 100
    now: Callable[[], datetime] = _utc_now
    sets: dict[str, list[Row]] = field(default_factory=dict)
    changes: dict[str, list[Row]] = field(default_factory=dict)
    forgotten: int = 0  # delta links before this change are not known any more
    tokens: set[str] = field(default_factory=set)
    csrf: set[str] = field(default_factory=set)
    closed: str = ""
    numbers: count[int] = field(default_factory=lambda: count(FIRST_NUMBER))
    made: Callable[[str, Row], None] = _idle
    writing: threading.RLock = field(default_factory=threading.RLock)

    def put(self, name: str, keys: tuple[str, ...], **fields: Any) -> Row:  # noqa: ANN401 - JSON
        """Makes an entity or changes the one with the same keys."""
        with self.writing:
            rows = self.sets.setdefault(name, [])
            same = [one for one in rows if all(one.get(key) == fields[key] for key in keys)]
            row = {**(same[0] if same else {}), **fields}
            rows[:] = [one for one in rows if one not in same] + [row]
            self.changes.setdefault(name, []).append(row)
            return row

    def remove(self, name: str, key: str, value: str) -> None:
        """Removes an entity; a delta link tells of it by its address alone."""
        with self.writing:
            self.sets[name] = [one for one in self.sets[name] if one.get(key) != value]
            gone = {"@removed": {"reason": "deleted"}, "@id": f"{name}('{value}')"}
            self.changes.setdefault(name, []).append(gone)

    def make(self, name: str, body: Row) -> Row:
        """A document from a deep insert, under a number of the ERP's own."""
        field_ = name.removeprefix("A_")
        row = self.put(name, (field_,), **{**body, field_: str(next(self.numbers))})
        self.made(name, row)
        return row


def erp_server(state: ErpState) -> WebServer:
    """Serves `state`: V2 below /sap/opu/odata/, V4 below /sap/opu/odata4/, tokens at /token."""
    erp = _Erp(state)
    return WebServer(
        [
            Route("/token", erp.token, methods=["POST"]),
            Route("/sap/opu/{odata}/{service:path}/", erp.root, methods=["GET"]),
            Route("/sap/opu/{odata}/{service:path}/{name}", erp.read, methods=["GET"]),
            Route("/sap/opu/{odata}/{service:path}/{name}", erp.write, methods=["POST"]),
        ],
        name="sandbox-erp",
    )


class _Erp:
    def __init__(self, state: ErpState) -> None:
        self.state = state

    async def token(self, request: Request) -> Response:
        if request.headers.get("authorization", "") != _basic(self.state):
            return JSONResponse({"error": "invalid_client"}, 401)
        self.state.tokens.add(made := f"T{next(self.state.numbers)}")
        return JSONResponse({"access_token": made, "expires_in": 3600, "token_type": "bearer"})

    async def root(self, request: Request) -> Response:
        """The service document; with it comes the token for a write."""
        if refused := self._refused(request):
            return refused
        headers = {}
        if request.headers.get("x-csrf-token", "").lower() == "fetch":
            self.state.csrf.add(made := f"C{next(self.state.numbers)}")
            headers = {"x-csrf-token": made, "Set-Cookie": "SAP_SESSIONID=made-up; HttpOnly"}
        return JSONResponse({"d": {"EntitySets": [*self.state.sets]}}, headers=headers)

    async def read(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        name = request.path_params["name"]
        if name not in self.state.sets:
            return _error("/IWFND/MED/170", f"No entity set {name} in this service", 404)
        v4 = request.path_params["odata"] == "odata4"
        return self._v4(request, name) if v4 else self._v2(request, name)

    async def write(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        told = request.headers.get("x-csrf-token", "")
        if told not in self.state.csrf or "SAP_SESSIONID" not in request.headers.get("cookie", ""):
            headers = {"x-csrf-token": "Required"}
            return JSONResponse({"error": {"code": "403"}}, 403, headers=headers)
        if self.state.closed:
            return _error("F5/201", self.state.closed)
        row = self.state.make(request.path_params["name"], await request.json())
        v4 = request.path_params["odata"] == "odata4"
        return JSONResponse(row if v4 else {"d": row}, 201)

    def _refused(self, request: Request) -> Response | None:
        said = request.headers.get("authorization", "")
        if said == _basic(self.state) or said.removeprefix("Bearer ") in self.state.tokens:
            return None
        return _error("401", "Logon failed; check user and password", 401)

    def _v2(self, request: Request, name: str) -> Response:
        rows, more = self._page(request.query_params, self.state.sets[name])
        said: Row = {"results": rows}
        if more:
            said["__next"] = str(request.url.include_query_params(**{"$skiptoken": more}))
        return JSONResponse({"d": said})

    def _v4(self, request: Request, name: str) -> Response:
        asked, changes = request.query_params, self.state.changes.get(name, [])
        tracked = "odata.track-changes" in request.headers.get("prefer", "")
        rows, since = self.state.sets[name], asked.get("$deltatoken")
        if since is not None:
            if int(since) < self.state.forgotten:
                return _error("410", "The delta link is not known any more", 410)
            rows = changes[int(since) :]
        rows, more = self._page(asked, rows)
        said: Row = {"value": rows}
        if more:
            said["@odata.nextLink"] = f"{name}?{_query(asked, {'$skiptoken': str(more)})}"
        elif tracked:
            said["@odata.deltaLink"] = f"{request.url.path}?$deltatoken={len(changes)}"
        return JSONResponse(said)

    def _page(self, asked: Mapping[str, str], rows: list[Row]) -> tuple[list[Row], int]:
        """A page, and where the next begins; 0 for none."""
        if wanted := asked.get("$filter", ""):
            rows = [one for one in rows if _fits(one, wanted)]
        for name in reversed([one for one in asked.get("$orderby", "").split(",") if one]):
            rows = _by(rows, name)
        start = int(asked.get("$skiptoken") or asked.get("$skip") or 0)
        size = min(int(asked.get("$top") or self.state.page), self.state.page)
        behind = start + size
        more = behind if "$top" not in asked and behind < len(rows) else 0
        return rows[start:behind], more


def _fits(row: Row, wanted: str) -> bool:
    """Does a filter of conditions, and, or and brackets hold?"""

    def said(found: re.Match[str]) -> str:
        value = found[4] if found[3] is None else found[3].replace("''", "'")
        return "T" if _holds(row.get(found[1]), found[2], value) else "F"

    left = _CONDITION.sub(said, wanted)
    while inner := re.search(r"\(([^()]*)\)", left):
        left = left[: inner.start()] + _either(inner[1]) + left[inner.end() :]
    return _either(left) == "T"


def _either(said: str) -> str:
    return "T" if any("F" not in part for part in said.split(" or ")) else "F"


def _by(rows: list[Row], name: str) -> list[Row]:
    return sorted(rows, key=lambda one: str(one.get(name, "")))


def _holds(found: Any, sign: str, wanted: str) -> bool:  # noqa: ANN401 - JSON
    said = str(found if found is not None else "")
    if at := _TICKS.fullmatch(said):
        said = datetime.fromtimestamp(int(at[1]) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        wanted = wanted.removesuffix("Z")
    return {
        "eq": said == wanted, "ne": said != wanted, "ge": said >= wanted, "gt": said > wanted,
    }.get(sign, said <= wanted)  # fmt: skip


def _query(asked: Mapping[str, str], changes: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in {**asked, **changes}.items())


def _basic(state: ErpState) -> str:
    return "Basic " + base64.b64encode(f"{state.user}:{state.password}".encode()).decode()


def _error(code: str, words: str, status: int = 400) -> Response:
    said = {"code": code, "message": {"lang": "en", "value": words}}
    return JSONResponse({"error": said}, status)
