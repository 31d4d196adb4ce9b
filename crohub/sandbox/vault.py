"""A made-up vault: sessions, VQL over objects and documents, deletions, upserts and uploads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from crohub.sandbox.web import WebServer, form_of

VERSION = "v25.1"
_QUERY = re.compile(
    r"SELECT (?P<fields>.+?) FROM (?P<all>ALLVERSIONS )?(?P<object>\w+)"
    r"(?: WHERE (?P<where>.+?))?(?: ORDER BY (?P<order>\w+) ASC)?$"
)
_CONDITION = re.compile(r"\(?(\w+) (>=|=) '((?:[^'\\]|\\.)*)'\)?")
_ALWAYS = ("id", "name__v", "external_id__v", "modified_date__v", "version_modified_date__v")

Row = dict[str, Any]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Failed(Exception):
    """What the vault says no with."""

    def __init__(self, kind: str, message: str, status: str = "FAILURE") -> None:
        self.row = {
            "responseStatus": status,
            "errors": [{"type": kind, "message": message}],
        }
        super().__init__(message)


@dataclass
class VaultState:
    """What a vault holds. Rows of `objects` by API name and id; a document is the list of its
    versions, oldest first; `files` are their bytes. `now` is its clock."""

    vault_id: int = 4711
    user: str = "hub@acme.example"
    password: str = "made-up"  # noqa: S105 - of nobody
    page: int = 1000
    calls: int = 2000  # left of the burst limit
    now: Callable[[], datetime] = _utc_now
    objects: dict[str, dict[str, Row]] = field(default_factory=dict)
    documents: dict[int, list[Row]] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    deleted: dict[str, list[Row]] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    results: dict[str, list[Row]] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def put(self, object: str, id: str = "", **fields: Any) -> str:  # noqa: ANN401 - JSON
        """Makes or changes a record; gives its id."""
        id = id or f"{len(object):02}{next(self._numbers):013}"  # noqa: A001
        rows = self.objects.setdefault(object, {})
        rows[id] = rows.get(id, {"id": id}) | fields | {"modified_date__v": self._stamp()}
        return id

    def file(self, content: bytes | None = None, **fields: Any) -> int:  # noqa: ANN401 - JSON
        """Makes a document or, with `id`, its next version; gives its id. None: a placeholder."""
        number = int(fields.pop("id", 0)) or next(self._numbers)
        versions = self.documents.setdefault(number, [])
        before = versions[-1] if versions else {}
        minor = {"major_version_number__v": 0, "minor_version_number__v": len(versions) + 1}
        row = before | minor | fields | {"id": number, "version_modified_date__v": self._stamp()}
        versions.append(row)
        if content is not None:
            self.files[number] = content
        return number

    def delete(self, object: str, id: str | int) -> None:
        """Deletes a record, or a document with all its versions."""
        more: Row = {}
        if object == "documents":
            del self.documents[int(id)]
            more = {"deletion_type": "document__sys", "major_version_number__v": "",
                    "minor_version_number__v": ""}  # fmt: skip
        else:
            del self.objects[object][str(id)]
        at = self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        self.deleted.setdefault(object, []).append({"id": id, "date_deleted": at} | more)

    def rows(self, object: str, *, every_version: bool = False) -> list[Row]:
        if object != "documents":
            if object not in self.objects:
                raise Failed("INVALID_DATA", f"Unknown object [{object}]")
            return list(self.objects[object].values())
        taken = slice(None) if every_version else slice(-1, None)
        return [row for versions in self.documents.values() for row in versions[taken]]

    def fields(self, object: str) -> list[str]:
        return sorted({*_ALWAYS, *(name for row in self.rows(object) for name in row)})

    def log_in(self, user: str, password: str) -> str:
        if (user, password) != (self.user, self.password):
            raise Failed("USERNAME_OR_PASSWORD_INCORRECT", f"Authentication failed for {user}")
        self.sessions.add(session := f"SESSION{next(self._numbers):06}")
        return session

    def query(self, text: str) -> list[Row]:
        """The rows that a VQL query selects."""
        parsed = _QUERY.match(text)
        if parsed is None:
            raise Failed("INCORRECT_QUERY_SYNTAX_ERROR", "Query not understood")
        rows = self.rows(parsed["object"], every_version=bool(parsed["all"]))
        for name, sign, quoted in _CONDITION.findall(parsed["where"] or ""):
            value = re.sub(r"\\(.)", r"\1", quoted)
            rows = [row for row in rows if _holds(str(row.get(name, "")), sign, value)]
        if parsed["order"]:
            rows.sort(key=lambda row: str(row.get(parsed["order"], "")))
        wanted, known = parsed["fields"].split(", "), set(self.fields(parsed["object"]))
        for name in wanted:
            if name.partition(".")[0].removesuffix("r") not in known:
                raise Failed("INVALID_DATA", f"Unknown field [{name}] in [{parsed['object']}]")
        return [{name: self._value(row, name) for name in wanted} for row in rows]

    def write(self, object: str, row: Row, id_param: str) -> Row:
        """What became of one row of an upsert, or of an update by id where `id_param` is ""."""
        if object not in self.objects:
            raise Failed("MALFORMED_URL", f"Unknown object [{object}]")
        known = self.objects[object]
        by = id_param or "id"
        found = next((key for key, one in known.items() if one.get(by) == row.get(by)), "")
        if not found and not id_param:
            raise Failed("INVALID_DATA", f"No record with id [{row.get('id')}]")
        if not found and not row.get("name__v"):
            raise Failed("PARAMETER_REQUIRED", "Missing required parameter [name__v]")
        made = self.put(object, **{**row, "id": found})
        event = "updated" if found else "created"
        return {"responseStatus": "SUCCESS", "event": event, "data": {"id": made}}

    def _value(self, row: Row, name: str) -> Any:  # noqa: ANN401 - JSON
        step, _, rest = name.partition(".")
        if not rest:
            return row.get(name)
        id = row.get(step.removesuffix("r"))  # noqa: A001
        return next((rows[id].get(rest) for rows in self.objects.values() if id in rows), None)

    def _stamp(self) -> str:
        return self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def vault_server(state: VaultState) -> WebServer:
    """A vault's API over `state`."""
    api = f"/api/{VERSION}"
    serve = _Api(state)
    return WebServer(
        [
            Route(f"{api}/auth", serve.auth, methods=["POST"]),
            Route(f"{api}/metadata/vobjects", serve.catalogue),
            Route(f"{api}/metadata/vobjects/{{object}}", serve.describe),
            Route(f"{api}/metadata/objects/documents/properties", serve.properties),
            Route(f"{api}/query", serve.query, methods=["POST"]),
            Route(f"{api}/query/{{name}}", serve.page),
            Route(f"{api}/objects/deletions/documents", serve.deletions),
            Route(f"{api}/objects/deletions/vobjects/{{object}}", serve.deletions),
            Route(f"{api}/vobjects/{{object}}", serve.write, methods=["POST", "PUT"]),
            Route(f"{api}/objects/documents", serve.upload, methods=["POST"]),
        ],
        name="sandbox-vault",
    )


class _Api:
    def __init__(self, state: VaultState) -> None:
        self.state = state

    async def auth(self, request: Request) -> JSONResponse:
        form = await form_of(request)
        try:
            session = self.state.log_in(form.get("username", ""), form.get("password", ""))
        except Failed as no:
            return JSONResponse(no.row)
        ids = [{"id": self.state.vault_id, "name": "Made-up", "url": str(request.base_url)}]
        said = {"sessionId": session, "userId": 1, "vaultIds": ids, "vaultId": self.state.vault_id}
        return JSONResponse({"responseStatus": "SUCCESS"} | said)

    async def catalogue(self, request: Request) -> JSONResponse:
        names = sorted(self.state.objects)
        return self._answer(request, lambda: {"objects": [{"name": name} for name in names]})

    async def describe(self, request: Request) -> JSONResponse:
        name = request.path_params["object"]
        return self._answer(
            request, lambda: {"object": {"name": name, "fields": _described(self.state, name)}}
        )

    async def properties(self, request: Request) -> JSONResponse:
        return self._answer(request, lambda: {"properties": _described(self.state, "documents")})

    async def query(self, request: Request) -> JSONResponse:
        form = await form_of(request)
        return self._answer(request, lambda: self._page_of(self.state.query(form.get("q", "")), 0))

    async def page(self, request: Request) -> JSONResponse:
        name, offset = request.path_params["name"], int(request.query_params["pageoffset"])
        return self._answer(request, lambda: self._page_of(self._kept(name), offset, name))

    async def deletions(self, request: Request) -> JSONResponse:
        asked = request.query_params
        start, limit = asked.get("start_date", ""), int(asked.get("limit", "1000"))
        offset = int(asked.get("offset", "0"))
        object = request.path_params.get("object", "documents")  # noqa: A001
        rows = [row for row in self.state.deleted.get(object, ()) if row["date_deleted"] >= start]
        details = {"total": len(rows), "limit": limit, "offset": offset}
        page = {"responseDetails": details, "data": rows[offset : offset + limit]}
        return self._answer(request, lambda: page)

    async def write(self, request: Request) -> JSONResponse:
        rows, id_param = await request.json(), request.query_params.get("idParam", "")
        name = request.path_params["object"]
        if len(rows) > 500:
            return JSONResponse(Failed("INVALID_DATA", "More than 500 rows").row)
        return self._answer(
            request, lambda: {"data": [self._written(name, row, id_param) for row in rows]}
        )

    async def upload(self, request: Request) -> JSONResponse:
        fields, content = _parts(request.headers["content-type"], await request.body())
        lacking = {"name__v", "type__v", "lifecycle__v"} - fields.keys()

        def made() -> Mapping[str, Any]:
            if lacking:
                raise Failed("PARAMETER_REQUIRED", f"Missing required parameter {sorted(lacking)}")
            return {"id": self.state.file(content, **fields)}

        return self._answer(request, made)

    def _written(self, name: str, row: Row, id_param: str) -> Row:
        try:
            return self.state.write(name, row, id_param)
        except Failed as no:
            return no.row

    def _kept(self, name: str) -> list[Row]:
        if name not in self.state.results:
            raise Failed("INVALID_DATA", "The query has expired")
        return self.state.results[name]

    def _page_of(self, rows: list[Row], offset: int, name: str = "") -> Mapping[str, Any]:
        end = offset + self.state.page
        details: Row = {"pagesize": self.state.page, "pageoffset": offset, "total": len(rows)}
        if end < len(rows):
            name = name or f"q{len(self.state.results) + 1}"
            self.state.results[name] = rows
            details |= {"next_page": f"/api/{VERSION}/query/{name}?pageoffset={end}"}
        return {"responseDetails": details, "data": rows[offset:end]}

    def _answer(self, request: Request, say: Callable[[], Mapping[str, Any]]) -> JSONResponse:
        self.state.calls = max(self.state.calls - 1, 0)
        headers = {"X-VaultAPI-BurstLimitRemaining": str(self.state.calls)}
        headers |= {} if self.state.calls else {"X-VaultAPI-ResponseDelay": "500"}
        try:
            if request.headers.get("authorization", "") not in self.state.sessions:
                raise Failed("INVALID_SESSION_ID", "Invalid or expired session ID.")
            said = {"responseStatus": "SUCCESS"} | dict(say())
        except Failed as no:
            said = no.row
        return JSONResponse(said, headers=headers)


def _described(state: VaultState, object: str) -> list[Row]:
    return [
        {"name": name, "relationship_outbound_name": f"{name}r"} for name in state.fields(object)
    ]


def _holds(value: str, sign: str, asked: str) -> bool:
    return value >= asked if sign == ">=" else value == asked


def _parts(kind: str, body: bytes) -> tuple[Row, bytes | None]:
    """The fields of a form in parts, and the file in it."""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    parts: Iterable[Any] = message.iter_parts()
    fields: Row = {}
    content: bytes | None = None
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if name == "file":
            content = value
        else:
            fields[str(name)] = value.decode()
    return fields, content
