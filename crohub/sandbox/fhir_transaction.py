"""Transactions: a Bundle of writes that are all done or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from crohub.sandbox import fhir_answers as answers
from crohub.sandbox.fhir_search import FhirError
from crohub.sandbox.fhir_writes import Writes, base
from crohub.sandbox.world import Resource


@dataclass(frozen=True, slots=True)
class _Step:
    """One write, checked. `keeps`: it is there already and is left alone."""

    kind: str
    id: str
    condition: str
    body: Resource
    keeps: bool


class Transactions:
    """Checks every entry before the first is written."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes

    async def take(self, request: Request) -> Response:
        """POST of the base with a Bundle of type transaction."""
        entries = _entries(await request.body())
        steps = [self._step(entry) for entry in entries]
        places = [f"{step.kind}/{step.id}" for step in steps]
        if len(set(places)) < len(places):
            raise FhirError(400, "invalid", "two entries are about the same resource")
        names = {
            entry["fullUrl"]: place
            for entry, place in zip(entries, places, strict=True)
            if entry.get("fullUrl")
        }
        bodies = [self._linked(step.body, names) for step in steps]
        done = [self._do(request, *one) for one in zip(steps, bodies, strict=True)]
        return answers.json(
            {"resourceType": "Bundle", "type": "transaction-response", "entry": done}
        )

    def _step(self, entry: Resource) -> _Step:
        asked, body = entry.get("request", {}), entry.get("resource")
        path, _, query = str(asked.get("url", "")).partition("?")
        kind, _, wanted = path.partition("/")
        answers.known(kind)
        if not isinstance(body, dict) or body.get("resourceType") != kind:
            raise FhirError(400, "invalid", f"an entry's resource is no {kind}")
        if asked.get("method") == "POST":
            return self._create(kind, str(asked.get("ifNoneExist", "")), body)
        if asked.get("method") != "PUT":
            raise FhirError(400, "not-supported", "a transaction here holds POST and PUT alone")
        found = None if wanted else self._writes.match(kind, query)
        wanted = wanted or (found.id if found else self._writes.new_id())
        match = str(asked.get("ifMatch", ""))
        self._writes.must_match(kind, wanted, match)
        return _Step(kind, wanted, match or query, body, keeps=False)

    def _create(self, kind: str, condition: str, body: Resource) -> _Step:
        found = self._writes.match(kind, condition) if condition else None
        wanted = found.id if found else self._writes.new_id()
        return _Step(kind, wanted, condition, body, keeps=found is not None)

    def _linked(self, value: Any, names: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        """References to other entries and conditional references as plain ones."""
        if isinstance(value, list):
            return [self._linked(one, names) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self._reference(part, names)
            if name == "reference" and isinstance(part, str)
            else self._linked(part, names)
            for name, part in value.items()
        }

    def _reference(self, said: str, names: dict[str, str]) -> str:
        kind, asks, condition = said.partition("?")
        if said in names:
            return names[said]
        if said.startswith("urn:"):
            raise FhirError(400, "not-found", "a reference to an entry that is not there")
        if not asks:
            return said
        found = self._writes.match(kind, condition)
        if found is None:
            raise FhirError(412, "not-found", f"a conditional reference finds no {kind[:64]}")
        return f"{kind}/{found.id}"

    def _do(self, request: Request, step: _Step, body: Resource) -> Resource:
        if step.keeps:
            version = self._writes.store.read(step.kind, step.id)
            assert version is not None  # noqa: S101 - it was found a moment ago
            status = self._writes.note(version, step.condition, 200, body)
        else:
            version, status = self._writes.put(body | {"id": step.id}, step.condition)
        place = f"{base(request)}/{step.kind}/{step.id}/_history/{version.number}"
        word = "Created" if status == 201 else "OK"
        etag = answers.etag(version)
        return {"response": {"status": f"{status} {word}", "location": place, "etag": etag}}


def _entries(body: bytes) -> Sequence[Resource]:
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FhirError(400, "structure", f"the body is no JSON (line {error.lineno})") from None
    if not isinstance(said, dict) or said.get("type") != "transaction":
        raise FhirError(400, "not-supported", "the base takes a Bundle of type transaction alone")
    entries = said.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise FhirError(400, "structure", "entry is no list of objects")
    return entries
