"""A made-up IRB: an exchange that answers page by page and takes proposals, and a Protocol Builder.

Everything it has is given from outside and may be changed while it runs. What is proposed waits for
the board; nothing that comes from outside changes a submission.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crohub.sandbox.web import WebServer

Row = dict[str, Any]
_PROPOSALS = ("reportable-events", "staff-changes", "training-records")
_MINE = (*_PROPOSALS, "studies", "submissions")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class IrbState:
    """What an IRB holds: `studies` and `submissions` by number, `proposals` by kind, and for the
    Protocol Builder `user_studies` and, for each study, its lists by name."""

    token: str = "made-up"  # noqa: S105 - of nobody
    page: int = 2
    links: bool = False  # pages are linked (`links.next`), not asked for by a token
    now: Callable[[], datetime] = _utc_now
    studies: dict[str, Row] = field(default_factory=dict)
    submissions: dict[str, Row] = field(default_factory=dict)
    proposals: dict[str, list[Row]] = field(default_factory=dict)
    user_studies: list[Row] = field(default_factory=list)
    builder: dict[str, dict[str, Any]] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def submit(self, number: str, /, **fields: Any) -> Row:  # noqa: ANN401 - JSON
        """Makes or changes a submission, now."""
        at = self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        before = self.submissions.pop(number, {"submissionId": number})
        self.submissions[number] = before | fields | {"modified": at}
        return self.submissions[number]

    def propose(self, kind: str, fields: Row) -> Row:
        made = {"id": f"PROP{next(self._numbers):08}", "state": "Received", **fields}
        self.proposals.setdefault(kind, []).append(made)
        return made

    def listed(self, kind: str, asked: Mapping[str, str]) -> list[Row]:
        """The rows of one list that a request wants, oldest change first."""
        if kind in _PROPOSALS:
            wanted = asked.get("externalId")
            rows = self.proposals.get(kind, [])
            return [row for row in rows if wanted in (None, row.get("externalId"))]
        if kind == "studies":
            return list(self.studies.values())
        since = asked.get("modifiedSince", "")
        found = [row for row in self.submissions.values() if str(row["modified"]) >= since]
        return sorted(found, key=lambda row: str(row["modified"]))


def irb_server(state: IrbState) -> WebServer:
    """Serves `state`; the exchange at `url`, the Protocol Builder at `url`/pb."""

    async def exchange(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {state.token}":
            return _no(401, "unauthorized", "Who is this")
        kind = request.path_params["kind"]
        if kind not in _MINE:
            return _no(404, "not_found", f"No {kind} here")
        if request.method == "POST":
            return await _proposed(state, kind, request)
        return JSONResponse(_page(state, kind, request))

    async def builder(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "user_studies":
            return JSONResponse(state.user_studies)
        study = request.path_params.get("study") or request.query_params.get("studyid", "")
        return JSONResponse(state.builder.get(str(study), {}).get(name, []))

    return WebServer(
        [
            Route("/pb/{name}", builder),
            Route("/pb/{name}/{study}", builder),
            Route("/{kind}", exchange, methods=["GET", "POST"]),
        ],
        name="sandbox-irb",
    )


async def _proposed(state: IrbState, kind: str, request: Request) -> Response:
    said = await request.json()
    if kind not in _PROPOSALS:
        return _no(405, "not_allowed", "Submissions are made by people")
    if kind == "training-records":
        if said.get("employeeId") not in _staff(state):
            return _no(422, "unknown_person", "Nobody has this number", "employeeId")
    elif said.get("studyId") not in state.studies:
        return _no(422, "unknown_study", f"Study {said.get('studyId')} is not known", "studyId")
    if state.listed(kind, {"externalId": str(said.get("externalId"))}):
        return _no(409, "duplicate", f"{said['externalId']} already exists", "externalId")
    return JSONResponse(state.propose(kind, said), 201)


def _staff(state: IrbState) -> set[str]:
    """The employee numbers of everybody on a study."""
    rows = state.studies.values()
    people = [
        one
        for row in rows
        for one in (row.get("principalInvestigator") or {}, *row.get("studyTeam", ()))
    ]
    return {str(one["employeeId"]) for one in people if one.get("employeeId")}


def _page(state: IrbState, kind: str, request: Request) -> Row:
    asked = request.query_params
    size, offset = int(asked.get("pageSize", state.page)), int(asked.get("continuationToken", 0))
    size = min(size, state.page)
    found = state.listed(kind, asked)
    more = offset + size < len(found)
    about: Row = {"offset": offset, "pageSize": size, "total": len(found)}
    links: Row = {"next": None}
    if more and state.links:
        links["next"] = str(request.url.include_query_params(continuationToken=offset + size))
    elif more:
        about["continuationToken"] = str(offset + size)
    return {"pagination": about, "links": links, "data": found[offset : offset + size]}


def _no(status: int, code: str, message: str, field: str = "") -> Response:
    said = {"code": code, "message": message} | ({"field": field} if field else {})
    return JSONResponse(said, status)
