"""A Workday tenant as its reports show it, on the loopback interface.

The rows of its reports are given from outside and may be changed while it runs.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crohub.sandbox.web import WebServer

Row = dict[str, str]


@dataclass(kw_only=True)
class Tenant:
    """`reports` by owner and name, `ISU/Workers`; `prompts` are the columns that may be asked
    for. Who asks signs in as `user`, or with a token of the client of the same name."""

    name: str = "acme"
    user: str
    password: str
    reports: dict[str, list[Row]]
    prompts: tuple[str, ...] = ("Supervisory_Org",)
    tokens: set[str] = field(default_factory=set)

    def knows(self, request: Request) -> bool:
        said = request.headers.get("authorization", "")
        return (
            said == _basic(self.user, self.password) or said.removeprefix("Bearer ") in self.tokens
        )


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def workday_server(tenant: Tenant) -> WebServer:
    """The tenant's reports and its token endpoint."""

    def report(request: Request) -> Response:
        if not tenant.knows(request):
            return JSONResponse({"error": "invalid username or password"}, 401)
        rows = tenant.reports.get("{owner}/{report}".format(**request.path_params))
        asked = dict(request.query_params)
        if rows is None or asked.pop("format", "") != "json":
            return JSONResponse({"error": "The requested resource is not available"}, 404)
        if unknown := asked.keys() - set(tenant.prompts):
            return JSONResponse({"error": f"no prompt {min(unknown)}"}, 400)
        wanted = [
            row for row in rows if all(row.get(name) == value for name, value in asked.items())
        ]
        return JSONResponse({"Report_Entry": wanted} if wanted else {})

    def token(request: Request) -> Response:
        client = _basic(quote_plus(tenant.user), quote_plus(tenant.password))  # RFC 6749 §2.3.1
        if request.headers.get("authorization") != client:
            return JSONResponse({"error": "invalid_client"}, 401)
        tenant.tokens.add(f"T{len(tenant.tokens)}")
        made = f"T{len(tenant.tokens) - 1}"
        return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": 3600})

    reports = f"/ccx/service/customreport2/{tenant.name}"
    return WebServer(
        [
            Route(f"{reports}/{{owner}}/{{report}}", report),
            Route(f"/ccx/oauth2/{tenant.name}/token", token, methods=["POST"]),
        ],
        name="sandbox-workday",
    )
