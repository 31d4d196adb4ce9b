"""Resources written into the register from outside: create, update, both conditionally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from crohub.sandbox import fhir_answers as answers
from crohub.sandbox.fhir_search import FhirError, matching
from crohub.sandbox.fhir_store import FhirStore, Version
from crohub.sandbox.world import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One write that was taken: `status` is 201 (created) or 200 (updated, or already there)."""

    kind: str
    id: str
    version: int
    condition: str  # If-None-Exist, If-Match or the search of a conditional update
    status: int
    body: Resource


class Writes:
    """Takes writes and records them, oldest first, in `pushed`."""

    def __init__(self, store: FhirStore, now: Callable[[], datetime]) -> None:
        self.store, self.now = store, now
        self.pushed: list[Pushed] = []
        self._created = 0

    async def create(self, request: Request) -> Response:
        """POST: with If-None-Exist only when nothing matches (200 and the one that does)."""
        body = await _body(request)
        condition = request.headers.get("if-none-exist", "")
        before = self.match(body["resourceType"], condition) if condition else None
        if before:
            return _done(request, before, self.note(before, condition, 200, body))
        return self._write(request, body | {"id": self.new_id()}, condition)

    async def update(self, request: Request) -> Response:
        """PUT under an id, which creates it where it is not there; If-Match is honoured."""
        body = await _body(request)
        kind, wanted = body["resourceType"], request.path_params["id"]
        if body.get("id") != wanted:
            raise FhirError(400, "invalid", "the id in the body is not the one in the address")
        condition = request.headers.get("if-match", "")
        self.must_match(kind, wanted, condition)
        return self._write(request, body, condition)

    async def update_where(self, request: Request) -> Response:
        """PUT with a search: updates the one that matches, creates where none does."""
        body = await _body(request)
        condition = request.url.query
        if not condition:
            raise FhirError(400, "invalid", "an update without an id needs a search")
        before = self.match(body["resourceType"], condition)
        return self._write(
            request, body | {"id": before.id if before else self.new_id()}, condition
        )

    def put(self, body: Resource, condition: str) -> tuple[Version, int]:
        """Writes a resource under its id; gives its version and 201 or 200."""
        before = self.store.read(body["resourceType"], body["id"])
        version = self.store.put(body, self.now())
        return version, self.note(version, condition, 200 if before and before.resource else 201,
                                  body)  # fmt: skip

    def note(self, version: Version, condition: str, status: int, body: Resource) -> int:
        """Records a write that was taken; gives its status."""
        self.pushed.append(
            Pushed(kind=version.kind, id=version.id, version=version.number, condition=condition,
                   status=status, body=body)
        )  # fmt: skip
        return status

    def must_match(self, kind: str, id: str, condition: str) -> None:
        """Raises FhirError when an If-Match names another version than the current one."""
        before = self.store.read(kind, id)
        if condition and (before is None or answers.etag(before) != condition):
            raise FhirError(412, "conflict", "the version is not the current one")

    def _write(self, request: Request, body: Resource, condition: str) -> Response:
        version, status = self.put(body, condition)
        return _done(request, version, status)

    def match(self, kind: str, condition: str) -> Version | None:
        asked = parse_qsl(condition.lstrip("?"))
        found, unknown = matching(self.store.current(kind), asked)
        if unknown or not asked:
            raise FhirError(412, "not-supported", "the condition cannot be checked here")
        if len(found) > 1:
            raise FhirError(412, "multiple-matches", f"{len(found)} resources match the condition")
        return found[0] if found else None

    def new_id(self) -> str:
        self._created += 1
        return f"ext-{self._created}"


def _done(request: Request, version: Version, status: int) -> Response:
    place = f"{version.kind}/{version.id}/_history/{version.number}"
    headers = {"ETag": answers.etag(version), "Location": f"{base(request)}/{place}"}
    if "return=minimal" in request.headers.get("prefer", ""):
        return Response(status_code=status, headers=headers)
    return answers.json(version.resource or {}, status, headers)


async def _body(request: Request) -> Resource:
    try:
        body: Any = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise FhirError(400, "structure", f"the body is no JSON (line {error.lineno})") from None
    kind = request.path_params["kind"]
    if not isinstance(body, dict) or body.get("resourceType") != kind:
        raise FhirError(400, "invalid", f"the body is no {kind}")
    return body


def base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/fhir"
