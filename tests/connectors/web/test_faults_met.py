"""Systems described by settings, and FHIR servers: each fault that passes by itself loses nothing,
each that does not is told."""

from __future__ import annotations

import gc
import json
import time
from dataclasses import dataclass, field

import psutil
import pytest

from connectors.errors import Misconfigured
from connectors.fhir import Fhir
from connectors.rest import Rest

TOKEN = b'{"access_token": "T", "token_type": "Bearer", "expires_in": 3600}'
FAULTS = {"unauthorized": [], "throttled": [7.0], "broken": [0.5], "truncated": [0.5], "slow": []}
COUNT, PAGE = 8, 3


@dataclass
class Struck:
    """Hands out tokens and answers as `system` does, but for the third request, which meets
    `kind`; "refused" is every one."""

    reply: object
    system: object
    kind: str
    asked: int = 0
    tokens: list = field(default_factory=list)

    def __call__(self, asked):
        if asked.path == "/token":
            self.tokens.append(asked)
            return self.reply(200, TOKEN)
        self.asked += 1
        if self.kind == "refused" or self.asked == 3:
            return self._fault(asked)
        return self.system(asked)

    def _fault(self, asked):
        if self.kind in ("unauthorized", "refused"):
            words = {"message": "User 'hub7' or password is wrong for unit 4711"}
            return self.reply(401, json.dumps(words).encode())
        if self.kind == "throttled":
            return self.reply(429, b"{}", {"Retry-After": "7"})
        if self.kind == "broken":
            return self.reply(500, b"{}")
        whole = self.system(asked)
        half = len(whole.body) // 2
        if self.kind == "truncated":
            length = {"Content-Length": str(len(whole.body))}
            return self.reply(200, iter([whole.body[:half]]), whole.headers | length)
        return self.reply(200, self._slowly(whole.body, half), whole.headers)

    def _slowly(self, body: bytes, half: int):
        yield body[:half]
        time.sleep(0.2)
        yield body[half:]


@pytest.fixture
def signed(monkeypatch):
    """Settings of a sign-in at `url`."""
    monkeypatch.setenv("SECRET", "made-up")
    way = {"kind": "oauth2", "client_id": "hub", "client_secret": "${env:SECRET}"}
    return lambda url: way | {"token_url": f"{url}/token"}


def _list(reply):
    """A list with places for pages."""

    def answer(asked):
        start = int(asked.query["offset"][0])
        things = [{"id": f"{number}"} for number in range(start, min(start + PAGE, COUNT))]
        return reply(200, json.dumps({"items": things}).encode())

    return answer


@pytest.fixture
def struck(serve, reply, clock, signed, fhir_server):
    """A connection to a system that meets a fault, and the system."""

    def rest(kind):
        made = Struck(reply, _list(reply), kind)
        url = serve(made).url
        pager = {"kind": "offset", "limit": PAGE}
        things = {"path": "/things", "records": "items", "id": "id", "pager": pager}
        said = {"base_url": url, "auth": signed(url), "streams": {"Patient": things}}
        return Rest.model_validate(said).within(clock.world), made

    def fhir(kind):
        for number in range(COUNT):
            fhir_server.put("Patient", f"{number}")
        made = Struck(reply, fhir_server, kind)
        url = serve(made).url
        fhir_server.url = f"{url}/fhir"
        said = {"base_url": fhir_server.url, "auth": signed(url), "deletes": "never"}
        return Fhir.model_validate(said).within(clock.world), made

    return {"rest": rest, "fhir": fhir}


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("system", ["rest", "fhir"])
def test_what_passes_by_itself_loses_nothing(struck, clock, system, kind):
    connector, there = struck[system](kind)

    records = list(connector.pull("Patient", ""))

    assert [json.loads(record.body)["id"] for record in records] == [str(n) for n in range(COUNT)]
    assert {record.fault for record in records} == {""}
    assert clock.slept == FAULTS[kind]
    assert there.asked > COUNT // PAGE + 1 or kind == "slow"
    assert len(there.tokens) == (2 if kind == "unauthorized" else 1)


def test_a_sign_in_that_is_refused_is_told_in_the_systems_words_without_what_could_be_a_secret(
    serve, reply, clock, monkeypatch
):
    monkeypatch.setenv("SECRET", "hub7")
    web = serve(Struck(reply, None, "refused"))
    things = {"path": "/things", "records": "items", "id": "id"}
    basic = {"kind": "basic", "user": "hub", "password": "${env:SECRET}"}
    said = {"base_url": web.url, "auth": basic, "streams": {"things": things}}
    connector = Rest.model_validate(said).within(clock.world)

    with pytest.raises(Misconfigured, match="or password is wrong for unit") as told:
        list(connector.pull("things", ""))

    assert "hub7" not in str(told.value)
    assert "4711" not in str(told.value)
    assert "password is wrong" in connector.check().detail
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "invalid username or password"}', "invalid username or password"),
        (b'{"error": {"message": "Logon failed"}}', "Logon failed"),
        (b'{"errors": [{"detail": "No such client"}]}', "No such client"),
        (b'{"detail": "Unknown key AKIAXXXXXXXXXXXXXXXXXXXXXXXX"}', r"Unknown key …\)"),
        (b"<html>Sign in</html>", "does not know us"),
        (b"[1]", "does not know us"),
    ],
)
def test_a_refusal_of_a_sign_in_is_read_where_systems_write_it(serve, reply, clock, body, words):
    web = serve(lambda _: reply(401, body))
    things = {"path": "/things", "records": "items", "id": "id"}
    said = {"base_url": web.url, "streams": {"things": things}}

    with pytest.raises(Misconfigured, match=words):
        list(Rest.model_validate(said).within(clock.world).pull("things", ""))


def test_the_words_of_any_other_refusal_are_not_told(serve, reply, clock):
    web = serve(lambda _: reply(404, b'{"message": "Doe is not here"}'))
    things = {"path": "/things", "records": "items", "id": "id"}
    said = {"base_url": web.url, "streams": {"things": things}}

    with pytest.raises(Exception, match="HTTP 404") as told:
        list(Rest.model_validate(said).within(clock.world).pull("things", ""))

    assert "Doe" not in str(told.value)


def test_a_hundred_thousand_elements_go_through_with_flat_memory(serve, reply, clock):
    def answer(asked):
        start = int(asked.query["offset"][0])
        stop = min(start + 1000, 100_000)
        things = (b'{"id": "%d", "pad": "%s"}' % (n, b"x" * 200) for n in range(start, stop))
        return reply(200, b'{"items": [%b]}' % b",".join(things))

    pager = {"kind": "offset", "limit": 1000}
    things = {"path": "/things", "records": "items", "id": "id", "pager": pager}
    said = {"base_url": serve(answer).url, "streams": {"things": things}}
    held, number, process = [], 0, psutil.Process()
    for number, _ in enumerate(Rest.model_validate(said).within(clock.world).pull("things", ""), 1):
        if number in (30_000, 100_000):  # the first fills what is remembered of doubles
            gc.collect()
            held.append(process.memory_info().rss)

    assert number == 100_000
    assert held[1] - held[0] < 8 << 20  # kept, the bodies alone would be 16 MB
