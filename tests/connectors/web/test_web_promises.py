"""FHIR and REST keep the promises of every connector, against servers on loopback."""

from __future__ import annotations

import json
import socket
from urllib.parse import parse_qs

import pytest

from connectors.fhir import Fhir
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery
from connectors.rest import Rest


@pytest.fixture
def nowhere():
    """An address that is bound for as long as the test runs and answers nobody."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


# -- FHIR


@pytest.fixture
def fhir(fhir_server, clock):
    return Fhir(base_url=fhir_server.url).within(clock.world)


@pytest.fixture
def fhir_down(nowhere, clock):
    return Fhir(base_url=f"{nowhere}/fhir").within(clock.world)


class TestFhirPull(PullPromises):
    overlaps = True

    @pytest.fixture
    def connector(self, fhir, fhir_server):
        for number in range(8):
            fhir_server.put("Patient", f"p{number}")
        fhir_server.put("Patient", "p0")
        return fhir

    @pytest.fixture
    def stream(self):
        return "Patient"

    @pytest.fixture
    def down(self, fhir_down):
        return fhir_down


class TestFhirPullWithDeletes(TestFhirPull):
    @pytest.fixture
    def connector(self, fhir, fhir_server):
        for number in range(8):
            fhir_server.put("Patient", f"p{number}")
        for number in (1, 4):
            fhir_server.delete("Patient", f"p{number}")
        return fhir


class TestFhirPullWithoutOverlap(PullPromises):
    @pytest.fixture
    def connector(self, fhir_server, clock):
        for number in range(8):
            fhir_server.put("Patient", f"p{number}")
        return Fhir(base_url=fhir_server.url, overlap=0, deletes="never").within(clock.world)

    @pytest.fixture
    def stream(self):
        return "Patient"

    @pytest.fixture
    def down(self, fhir_down):
        return fhir_down


class TestFhirCheck(CheckPromises):
    @pytest.fixture
    def connector(self, fhir):
        return fhir

    @pytest.fixture
    def down(self, fhir_down):
        return fhir_down


class Writes:
    """A FHIR server that takes conditional creates and updates and keeps what it took."""

    def __init__(self, reply) -> None:
        self.reply = reply
        self.kept: dict[str, tuple[str, bytes]] = {}  # condition → id, body

    def __call__(self, asked):
        kind = asked.path.rpartition("/")[2]
        condition = asked.headers.get("if-none-exist", "")
        if asked.method == "PUT":
            condition = f"identifier={asked.query['identifier'][0]}"
        name = f"{kind}?{parse_qs(condition)}" if asked.method == "POST" else f"{kind}?{condition}"
        known = name in self.kept
        if not known or asked.method == "PUT":
            number = self.kept[name][0] if known else str(len(self.kept) + 1)
            self.kept[name] = (number, asked.body)
        place = {"Location": f"{kind}/{self.kept[name][0]}/_history/1"}
        return self.reply(200 if known else 201, b"", place)

    def things(self) -> list[tuple[str, bytes]]:
        return sorted(self.kept.values())


@pytest.fixture
def writes(reply):
    return Writes(reply)


class TestFhirPush(PushPromises):
    @pytest.fixture
    def connector(self, serve, writes, clock):
        web = serve(writes)
        return Fhir(base_url=f"{web.url}/fhir").within(clock.world)

    @pytest.fixture
    def deliveries(self):
        return [
            Delivery(
                id=f"d{number}",
                stream="ResearchSubject",
                body=json.dumps({"resourceType": "ResearchSubject", "n": number}).encode(),
                media="application/fhir+json",
                target={
                    "method": method,
                    "type": "ResearchSubject",
                    "identifier": f"urn:s|ONC {number}",
                },
            )
            for number, method in enumerate(("create", "create", "update"))
        ]

    @pytest.fixture
    def there(self, writes):
        return writes.things

    @pytest.fixture
    def down(self, fhir_down):
        return fhir_down


# -- REST


def _things(count: int):
    return [
        {"id": number, "v": 1, "changed": f"2026-01-01T00:{number:02}:00Z"}
        for number in range(count)
    ]


def _rest(url: str, clock, **stream) -> Rest:
    things = {
        "path": "/things",
        "records": "items",
        "id": "id",
        "version": "v",
        "modified": "changed",
        "ordered": True,
        "since": {"param": "since", "overlap": 0},
        "pager": {"kind": "offset", "limit": 3},
    }
    settings = {"base_url": url, "streams": {"things": things | stream}}
    return Rest.model_validate(settings).within(clock.world)


@pytest.fixture
def rest(serve, reply, clock):
    """A system with ten things, three a page, oldest change first."""

    def answer(asked):
        since = asked.query.get("since", [""])[0]
        found = [one for one in _things(10) if one["changed"] > since]
        start = int(asked.query.get("offset", ["0"])[0])
        return reply(200, json.dumps({"items": found[start : start + 3]}).encode())

    return _rest(serve(answer).url, clock)


class TestRestPull(PullPromises):
    @pytest.fixture
    def connector(self, rest):
        return rest

    @pytest.fixture
    def stream(self):
        return "things"

    @pytest.fixture
    def down(self, nowhere, clock):
        return _rest(nowhere, clock)


class TestRestPullWithOverlap(TestRestPull):
    overlaps = True

    @pytest.fixture
    def connector(self, rest, clock):
        return _rest(rest.base_url, clock, since={"param": "since", "overlap": 300})


class TestRestCheck(CheckPromises):
    @pytest.fixture
    def connector(self, rest):
        return rest

    @pytest.fixture
    def down(self, nowhere, clock):
        return _rest(nowhere, clock)
