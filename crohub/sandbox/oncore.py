"""A made-up OnCore: a token for a secret, tables by protocol, errors as OnCore spells them.

Everything it has is given from outside and may be changed while it runs; what is written from
outside lands there too. It has no pages and tells nobody what changed, as OnCore does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crohub.sandbox.web import WebServer

REST, TOKEN = "/oncore-api/rest", "/forte-platform-web/api/oauth/token"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """What a path hands out: the rows' `key`, what they `must` be asked by (one of these), and
    which fields no two may share."""

    key: str
    must: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


TABLES = {
    "protocols": Table("protocolId", unique=("protocolNo",), needs=("protocolNo", "title")),
    "protocolManagementDetails": Table("protocolId", must=("irbNo", "protocolId")),
    "protocolInstitutions": Table("protocolInstitutionId", must=("protocolId",)),
    "protocolStaff": Table("protocolStaffId", must=("protocolId",),
                           unique=("protocolId", "contactId", "role")),
    "contacts": Table("contactId", must=("email", "firstName", "lastName")),
    "protocolSubjects": Table("protocolSubjectId", must=("protocolId",),
                              needs=("protocolId", "studySite")),
    "subjectDemographics": Table("subjectDemographicsId", must=("mrn",),
                                 needs=("mrn", "lastName", "firstName", "birthDate", "gender")),
    "protocolCalendarVisits": Table("calendarVisitId", must=("protocolId",)),
    "protocolSubjectVisits": Table("protocolSubjectVisitId", must=("protocolId",),
                                   unique=("protocolSubjectId", "calendarVisitId"),
                                   needs=("protocolSubjectId", "calendarVisitId")),
    "protocolReviews": Table("protocolReviewId", must=("protocolId",),
                             unique=("protocolId", "irbReviewNo")),
    "contactCredentials": Table("contactCredentialId", must=("contactId",)),
}  # fmt: skip


class OncoreError(Exception):
    """An answer that says no."""

    def __init__(self, status: int, message: str, kind: str, field: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "errorType": kind} | ({"field": field} if field else {})


@dataclass
class OncoreState:
    """What an OnCore holds: rows by the name of their path and their key."""

    client_id: str = "crohub"
    client_secret: str = "made-up"  # noqa: S105 - of nobody
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=lambda: count(1001))

    def put(self, name: str, **fields: Any) -> Row:  # noqa: ANN401 - JSON
        """Makes a row, under a number of its own unless it brings one."""
        key = TABLES[name].key
        row = {key: fields.get(key) or next(self._numbers), **fields}
        self.rows.setdefault(name, {})[str(row[key])] = row
        return row

    def table(self, name: str) -> dict[str, Row]:
        if name not in TABLES:
            raise OncoreError(404, f"No such resource {name}", "NOT_FOUND")
        return self.rows.setdefault(name, {})

    def row(self, name: str, key: str) -> Row:
        if key not in self.table(name):
            raise OncoreError(404, f"{name} {key} was not found", "NOT_FOUND")
        return self.rows[name][key]

    def select(self, name: str, asked: Mapping[str, str]) -> list[Row]:
        rows, must = self.table(name).values(), TABLES[name].must
        if must and not set(must) & set(asked):
            raise OncoreError(400, f"One of {', '.join(must)} is required", "REQUIRED", must[0])
        return [row for row in rows if all(str(row.get(n)) == v for n, v in asked.items())]

    def make(self, name: str, fields: Row) -> Row:
        fields = self._with_demographics(name, fields)
        self._refuse_wrong(name, fields)
        return self.put(name, **fields)

    def change(self, name: str, key: str, fields: Row) -> Row:
        row = self.row(name, key)
        self._refuse_wrong(name, fields, but=key)
        row.clear()
        row.update(fields)
        return row

    def _with_demographics(self, name: str, fields: Row) -> Row:
        who = fields.get("subjectDemographics")
        if name != "protocolSubjects" or not isinstance(who, dict):
            return fields
        made = self.make("subjectDemographics", who)
        rest = {n: value for n, value in fields.items() if n != "subjectDemographics"}
        return rest | {"subjectDemographicsId": made["subjectDemographicsId"]}

    def _refuse_wrong(self, name: str, fields: Row, but: str = "") -> None:
        table = TABLES[name]
        for needed in table.needs:
            if not fields.get(needed):
                raise OncoreError(400, f"{needed} is required", "REQUIRED", needed)
        for key, row in self.table(name).items():
            same = [str(row.get(n)) == str(fields.get(n)) for n in table.unique]
            if key != but and same and all(same):
                said = " ".join(str(fields[n]) for n in table.unique)
                raise OncoreError(400, f"{name} {said} already exists", "DUPLICATE")


def oncore_server(state: OncoreState) -> WebServer:
    """Serves `state`; `WebServer.url` is the connection's `base_url`."""

    async def token(request: Request) -> Response:
        said = await request.json()
        wanted = {"client_id": state.client_id, "client_secret": state.client_secret,
                  "grant_type": "client_credentials"}  # fmt: skip
        if said != wanted:
            return JSONResponse({"error": "invalid_client"}, 401)
        made = f"T{len(state.tokens) + 1:06}"
        state.tokens.add(made)
        return JSONResponse({"access_token": made, "expires_in": 3600})

    async def rest(request: Request) -> Response:
        try:
            _let_in(state, request)
            said = await request.json() if request.method in ("POST", "PUT") else {}
            return JSONResponse(
                _answer(state, request, said), 201 if said and not _key(request) else 200
            )
        except OncoreError as error:
            return JSONResponse(error.body, error.status)

    return WebServer(
        [
            Route(TOKEN, token, methods=["POST"]),
            Route(f"{REST}/{{name}}", rest, methods=["GET", "POST"]),
            Route(f"{REST}/{{name}}/{{key}}", rest, methods=["GET", "PUT"]),
        ],
        name="sandbox-oncore",
    )


def _let_in(state: OncoreState, request: Request) -> None:
    if request.headers.get("authorization", "").removeprefix("Bearer ") not in state.tokens:
        raise OncoreError(401, "The access token is not valid", "UNAUTHORIZED")


def _key(request: Request) -> str:
    return str(request.path_params.get("key", ""))


def _answer(state: OncoreState, request: Request, said: Row) -> Any:  # noqa: ANN401 - JSON
    name, key = request.path_params["name"], _key(request)
    if request.method == "POST":
        return state.make(name, said)
    if request.method == "PUT":
        return state.change(name, key, said)
    return state.row(name, key) if key else state.select(name, request.query_params)
