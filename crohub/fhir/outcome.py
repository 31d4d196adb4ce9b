"""What the facade says when it cannot answer: OperationOutcome, made of the problem that the rest
of the server would answer with. So no failure below /fhir says it in another way."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crohub.fhir.scene import Json, Version
from hub.api import errors

PREFIX = "/fhir"
_MEDIA = "application/fhir+json; fhirVersion={}"
_NUMBERS: dict[str, str] = {"R4": "4.0", "R5": "5.0"}
_CODES = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported",
    406: "not-supported", 410: "deleted", 413: "too-long", 414: "too-long", 415: "not-supported",
    422: "processing", 503: "transient",
}  # fmt: skip


def media(version: Version | str) -> str:
    """The media type of answers in one version of FHIR."""
    return _MEDIA.format(_NUMBERS[version])


def outcome(severity: str, code: str, text: str, detail: str = "", own: str = "") -> Json:
    """One issue; `own` is the stable code of the server."""
    details: Json = {"text": text}
    if own:
        details["coding"] = [{"system": "urn:crohub:problem", "code": own}]
    issue: Json = {"severity": severity, "code": code, "details": details}
    if detail:
        issue["diagnostics"] = detail
    return {"resourceType": "OperationOutcome", "issue": [issue]}


class Outcomes:
    """Around the whole application: below /fhir a problem goes out as an OperationOutcome."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX + "/"):
            await self.app(scope, receive, send)
            return
        version = scope["path"].split("/")[2]
        await self.app(scope, receive, _Saying(send, version if version in _NUMBERS else "R4"))


class _Saying:
    """Holds a problem back until it is whole, and lets everything else through."""

    def __init__(self, send: Send, version: str) -> None:
        self._send, self._version = send, version
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._say(self._start)

    async def _say(self, start: Message) -> None:
        body = orjson.dumps(_said(orjson.loads(self._body)))
        mine = {b"content-type": media(self._version), b"content-length": str(len(body))}
        kept = [(name, value) for name, value in start["headers"] if name.lower() not in mine]
        headers = kept + [(name, value.encode()) for name, value in mine.items()]
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _is_problem(message: Message) -> bool:
    headers = dict(message["headers"])
    return bool(headers.get(b"content-type", b"").startswith(errors.MEDIA.encode()))


def _said(problem: dict[str, Any]) -> Json:
    code = _CODES.get(problem["status"], "exception")
    return outcome(
        "error", code, problem["title"], problem.get("detail", ""), problem.get("code", "")
    )
