"""Bulk Data export of the register: jobs, their manifests and their NDJSON files."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from starlette.requests import Request
from starlette.responses import Response

from crohub.sandbox import fhir_answers as answers
from crohub.sandbox.fhir_search import FhirError, moment
from crohub.sandbox.fhir_store import FhirStore, Version
from crohub.sandbox.resources import instant
from crohub.sandbox.world import Resource

KEPT = 20  # jobs remembered; the oldest is forgotten first
LINES = 500  # of a file
LOOKS = 1  # answered with "at work" before a job is done
NDJSON = "application/fhir+ndjson"
_OF_PATIENTS = ("Appointment", "Consent", "Encounter", "Patient", "ResearchSubject")
_KNOWN = {"_type", "_since", "_outputFormat"}
_FORMATS = {NDJSON, "application/ndjson", "ndjson"}


@dataclass(slots=True)
class _Job:
    """What was there when it was asked for: files by member of the manifest."""

    request: str
    time: datetime
    files: list[tuple[str, str, list[bytes]]]  # member, resource type, lines
    looks: int = 0


class Exports:
    """Takes jobs and answers for them. `signed`: files want the token that everything wants."""

    def __init__(self, store: FhirStore, now: Callable[[], datetime], *, signed: bool) -> None:
        self.store, self.now, self.signed = store, now, signed
        self._jobs: OrderedDict[str, _Job] = OrderedDict()

    async def kick_off(self, request: Request) -> Response:
        """GET, or POST with Parameters, of `/$export` and `/Patient/$export`."""
        if "respond-async" not in request.headers.get("prefer", ""):
            raise FhirError(400, "invalid", "an export is asked for with Prefer: respond-async")
        asked = await _asked(request)
        kinds = _OF_PATIENTS if request.url.path.endswith("/Patient/$export") else answers.KINDS
        name = secrets.token_urlsafe(9)
        self._jobs[name] = self._job(str(request.url), kinds, asked)
        while len(self._jobs) > KEPT:
            self._jobs.popitem(last=False)
        return Response(status_code=202, headers={"Content-Location": _at(request, f"jobs/{name}")})

    async def look(self, request: Request) -> Response:
        """How far a job is; its manifest when it is done; DELETE clears it away."""
        name = request.path_params["job"]
        job = self._find(name)
        if request.method == "DELETE":
            del self._jobs[name]
            return Response(status_code=202)
        if job.looks < LOOKS:
            job.looks += 1
            return Response(status_code=202, headers={"X-Progress": "50%", "Retry-After": "1"})
        return answers.json(self._manifest(request, name, job))

    async def file(self, request: Request) -> Response:
        """One file of a job."""
        files, number = self._find(request.path_params["job"]).files, request.path_params["number"]
        if number >= len(files):
            raise FhirError(404, "not-found", "the job has no such file")
        return Response(b"".join(files[number][2]), media_type=NDJSON)

    def _find(self, name: str) -> _Job:
        if name not in self._jobs:
            raise FhirError(404, "not-found", "no such job, or it was cleared away")
        return self._jobs[name]

    def _job(self, url: str, kinds: Sequence[str], asked: Sequence[tuple[str, str]]) -> _Job:
        wanted = _kinds(kinds, asked)
        said = dict(asked).get("_since", "")
        since = moment(said) if said else None
        files = [
            file
            for kind in wanted
            for file in _files("output", kind, _changed(self.store.current(kind), since))
        ]
        if since:
            gone = [v for kind in wanted for v in self.store.history(kind) if _is_gone(v, since)]
            # one that was made again is there
            gone = [v for v in gone if self.store.read(v.kind, v.id) == v]
            files += _files("deleted", "Bundle", [_deletion(version) for version in gone])
        files += _files("error", "OperationOutcome", _ignored(asked))
        # the newest write, not the clock: one still to come may be dated before it
        return _Job(request=url, time=self.store.newest() or self.now(), files=files)

    def _manifest(self, request: Request, name: str, job: _Job) -> Resource:
        said: Resource = {
            "transactionTime": instant(job.time), "request": job.request,
            "requiresAccessToken": self.signed, "output": [], "deleted": [], "error": [],
        }  # fmt: skip
        for number, (member, kind, lines) in enumerate(job.files):
            url = _at(request, f"jobs/{name}/files/{number}")
            said[member].append({"type": kind, "url": url, "count": len(lines)})
        return said


async def _asked(request: Request) -> list[tuple[str, str]]:
    if request.method == "GET":
        return list(request.query_params.multi_items())
    try:
        body = orjson.loads(await request.body())
        given = [(one["name"], _value(one)) for one in body["parameter"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, StopIteration):
        raise FhirError(400, "structure", "the body is no Parameters resource") from None
    return given


def _value(parameter: Resource) -> str:
    return str(next(value for name, value in parameter.items() if name.startswith("value")))


def _kinds(offered: Sequence[str], asked: Sequence[tuple[str, str]]) -> Sequence[str]:
    wanted = [kind for name, value in asked if name == "_type" for kind in value.split(",")]
    for kind in wanted:
        answers.known(kind)
    form = dict(asked).get("_outputFormat", NDJSON)
    if form not in _FORMATS:
        raise FhirError(400, "not-supported", f"_outputFormat={form[:40]}: only {NDJSON}")
    return [kind for kind in offered if not wanted or kind in wanted]


def _changed(versions: Sequence[Version], since: datetime | None) -> list[Resource]:
    """What changed at that moment or after it: the same moment may have brought more since."""
    return [one.resource for one in versions if one.resource and (not since or one.at >= since)]


def _is_gone(version: Version, since: datetime) -> bool:
    return version.resource is None and version.at >= since


def _deletion(version: Version) -> Resource:
    request = {"method": "DELETE", "url": f"{version.kind}/{version.id}"}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]}


def _ignored(asked: Sequence[tuple[str, str]]) -> list[Resource]:
    unknown = sorted({name for name, _ in asked} - _KNOWN)
    said = f"ignored: {', '.join(unknown)[:200]}"
    return [answers.issue("warning", "not-supported", said)] if unknown else []


def _files(
    member: str, kind: str, resources: Sequence[Resource]
) -> Iterator[tuple[str, str, list[bytes]]]:
    for start in range(0, len(resources), LINES):
        part = resources[start : start + LINES]
        yield member, kind, [orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in part]


def _at(request: Request, place: str) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/fhir/$export/{place}"
