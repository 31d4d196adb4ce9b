"""A FHIR R4 server that holds patients and research subjects and does nothing but page.

`python -m benchmarks.fhir_server COUNT` prints its port and runs until it is ended. Pages are
made beforehand, so that the time it takes is not the hub's.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson
import uvicorn

from benchmarks import messages

PAGE = 200
BEGAN = datetime(2026, 6, 1, tzinfo=UTC)
BASE = "https://northgen.example"
SHARES = {"Patient": 0.6, "ResearchSubject": 0.4}
_STATEMENT = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "kind": "instance",
    "fhirVersion": "4.0.1",
    "format": ["json"],
    "rest": [{"mode": "server", "resource": [{"type": kind} for kind in SHARES]}],
}


def _meta(number: int) -> dict[str, str]:
    at = BEGAN + timedelta(seconds=number)
    return {"versionId": "1", "lastUpdated": at.isoformat(timespec="milliseconds")}


def patient(number: int) -> dict[str, Any]:
    """A Patient of 0.8 kB."""
    born = f"{1940 + number % 65:04d}-{1 + number % 12:02d}-{1 + number % 28:02d}"
    return {
        "resourceType": "Patient", "id": f"pat-{number}", "meta": _meta(number),
        "identifier": [
            {"type": {"coding": [{"code": "MR"}]}, "system": f"{BASE}/mrn",
             "value": messages.mrn(number)}
        ],
        "active": True,
        "name": [{"use": "official", "family": messages.FAMILIES[number % 8],
                  "given": [messages.GIVEN[number // 8 % 10]]}],
        "telecom": [{"system": "phone", "value": f"217-555-{number % 10000:04d}", "use": "home"}],
        "gender": ("female", "male")[number % 2],
        "birthDate": born,
        "address": [{"use": "home", "line": [f"{number % 900} Elm St", f"Apt {number % 60}"],
                     "city": "Springfield", "state": "IL", "postalCode": "62701", "country": "US"}],
        "maritalStatus": {"coding": [{"code": "M"}]},
        "communication": [{"language": {"coding": [{"code": "en"}]}, "preferred": True}],
    }  # fmt: skip


def subject(number: int) -> dict[str, Any]:
    """A ResearchSubject of one of forty studies."""
    return {
        "resourceType": "ResearchSubject", "id": f"sub-{number}", "meta": _meta(number),
        "identifier": [{"system": f"{BASE}/studies/{number % 40}/subjects",
                        "value": f"{number % 40:02d}-{number:06d}"}],
        "status": "on-study",
        "study": {"reference": f"ResearchStudy/study-{number % 40}"},
        "individual": {"reference": f"Patient/pat-{number}"},
        "assignedArm": f"Arm {number % 2}",
        "period": {"start": "2026-03-02"},
    }  # fmt: skip


MAKE = {"Patient": patient, "ResearchSubject": subject}


def pages(kind: str, count: int, base: str) -> Iterator[bytes]:
    """The bundles of a search for all of `kind`."""
    for start in range(0, count, PAGE):
        numbers = range(start, min(start + PAGE, count))
        following = start // PAGE + 1
        link = [{"relation": "self", "url": f"{base}/{kind}?_sort=_lastUpdated"}]
        if numbers.stop < count:
            link.append({"relation": "next", "url": f"{base}/{kind}?page={following}"})
        entries = [
            {"resource": MAKE[kind](number), "search": {"mode": "match"}} for number in numbers
        ]
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": count, "link": link}
        yield orjson.dumps(bundle | {"entry": entries})


class Server:
    """Answers searches from the pages, `/metadata` from the statement."""

    def __init__(self, count: int, base: str) -> None:
        self._pages = {
            kind: list(pages(kind, int(count * share), base)) for kind, share in SHARES.items()
        }

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status, body = self._answer(scope["path"].strip("/"), scope["query_string"].decode())
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/fhir+json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str, query: str) -> tuple[int, bytes]:
        if path == "metadata":
            return 200, orjson.dumps(_STATEMENT)
        if path not in self._pages:
            return 404, orjson.dumps({"resourceType": "OperationOutcome", "issue": []})
        page = int(parse_qs(query).get("page", ["0"])[0])
        return 200, self._pages[path][page]


def main(count: int) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(128)  # who reads the port may connect at once
        port = bound.getsockname()[1]
        server = Server(count, f"http://127.0.0.1:{port}")
        config = uvicorn.Config(server, access_log=False, log_config=None, lifespan="off")
        print(port, flush=True)
        uvicorn.Server(config).run([bound])


if __name__ == "__main__":
    main(int(sys.argv[1]))
