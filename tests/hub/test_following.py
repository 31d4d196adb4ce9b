"""The feed as people and systems follow it: waited for, as a stream that resumes, and ended when
the key, the server or the reader's patience ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI

from hub import changes, keys
from hub.api.app import mount
from hub.api.deps import Deps, Pace
from hub.api.news import News
from hub.api.sse import Follower, Stream
from hub.changes import Part, Wanted
from hub.database import session
from hub.principal import PHI, READ, SYSTEM
from hub.statement import Identifier, Ref, Stated

NOW = 1_772_000_500_000_000
PACE = Pace(poll=0.05, heartbeat=0.3, recheck=0.1)


def patient(key, **fields):
    given = (Identifier("mrn", key, "UH"),)
    return Stated(entity="Participant", key=key, fields=fields, identifiers=given)


@pytest.fixture
def clock():
    return [NOW]


@pytest.fixture
def server(hub_url, store, keyring, clock):
    """The API on a port of its own."""
    app = FastAPI()
    deps = Deps(
        open_session=lambda: session(hub_url, read_only=hub_url.startswith("sqlite")),
        keyring=keyring, clock=lambda: clock[0], saw=lambda *_: None,
        embedded=hub_url.startswith("sqlite"), pace=PACE, ending=lambda: made.should_exit,
    )  # fmt: skip
    sessions = mount(app, deps)
    taken = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=20, ws="none")
    made = uvicorn.Server(config)
    thread = threading.Thread(target=made.run, args=([taken],))
    thread.start()
    while not made.started:
        time.sleep(0.01)
    made.url, made.thread = f"http://127.0.0.1:{taken.getsockname()[1]}", thread
    yield made
    made.should_exit = True
    thread.join(30)
    sessions.close()


@pytest.fixture
def client(server, store):
    with client_of(server, store, READ) as made:
        yield made


def client_of(server, store, *scopes):
    made = keys.make("reader", scopes, now=NOW, days=10)
    with store.transaction():
        keys.put(store, made.row)
    headers = {"Authorization": f"Bearer {made.text}"}
    return httpx2.Client(base_url=server.url, headers=headers, timeout=10, trust_env=False)


@contextlib.contextmanager
def stream(client, path="/api/v1/changes/stream", **headers):
    """The events of a stream: (id, name, data)."""
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer.iter_lines())


def events(lines):
    given = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            given[name] = value
        elif not line and "data" in given:
            yield given.get("id", ""), given.get("event", "message"), json.loads(given["data"])
            given = {}


def test_a_stream_tells_what_comes_and_resumes_where_it_broke_off(client, tell):
    tell(patient("before", sex="female"))

    with stream(client) as told:
        tell(patient("a", sex="male"))
        first = next(told)
    tell(patient("b", sex="other"), patient("c", sex="unknown"))
    with stream(client, **{"Last-Event-ID": first[0]}) as told:
        missed = [next(told), next(told)]
        tell(patient("a", sex="female"))
        last = next(told)

    assert first[1:] == (
        "message",
        first[2] | {"entity": "Participant", "version": 1, "changed": {"sex": "male"}, "by": "ehr"},
    )
    assert [one["changed"]["sex"] for _, _, one in missed] == ["other", "unknown"]
    assert (last[2]["id"], last[2]["version"]) == (first[2]["id"], 2)
    assert last[0] == last[2]["cursor"]


def test_from_the_beginning_a_stream_goes_over_into_what_is_new(client, tell):
    for number in range(3):
        tell(*[patient(f"{number}-{one}", sex="male") for one in range(50)])

    with stream(client, "/api/v1/changes/stream?since=") as told:
        found = [next(told)[2]["id"] for _ in range(150)]
        tell(patient("new", sex="female"))
        last = next(told)[2]

    assert len(set(found)) == 150
    assert last["changed"] == {"sex": "female"}


def test_all_streams_share_one_reader_of_the_store(client, tell, monkeypatch):
    calls = []
    real = changes.feed
    monkeypatch.setattr(changes, "feed", lambda *given: calls.append(given[2]) or real(*given))

    with contextlib.ExitStack() as stack:
        told = [stack.enter_context(stream(client)) for _ in range(8)]
        time.sleep(0.3)
        calls.clear()
        time.sleep(0.6)
        asked = len(calls)
        tell(patient("a", sex="male"))
        found = {next(one)[0] for one in told}

    assert len(found) == 1
    assert asked <= 15  # one look in 0.05 s, however many listen


def test_a_stream_ends_with_its_key(client, store, clock):
    with stream(client) as told:
        with store.transaction():
            keys.revoke(store, "reader", NOW)
        clock[0] += 6_000_000  # so long is a key known without looking again
        _, name, data = next(told)

        assert (name, data) == ("end", {"reason": "the key opens nothing any more"})
        assert list(told) == []


def test_the_server_ends_at_once_whoever_listens(server, client):
    with stream(client) as told:
        began = time.monotonic()
        server.should_exit = True
        _, name, data = next(told)
        server.thread.join(10)

    assert (name, data) == ("end", {"reason": "the server ends; come back"})
    assert time.monotonic() - began < 3


def test_one_key_may_hold_only_so_many_streams(client):
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(stream(client))
        refused = client.get("/api/v1/changes/stream")

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")


def test_who_waits_is_answered_when_something_comes(client, tell):
    tell(patient("a", sex="male"))
    since = client.get("/api/v1/changes").json()["next"]
    threading.Timer(0.4, lambda: tell(patient("b", sex="female"))).start()
    began = time.monotonic()

    found = client.get("/api/v1/changes", params={"since": since, "wait": 9}).json()
    waited = time.monotonic() - began
    none = client.get("/api/v1/changes", params={"since": found["next"], "wait": 1}).json()

    assert [one["changed"] for one in found["items"]] == [{"sex": "female"}]
    assert 0.2 < waited < 6
    assert (none["items"], none["more"]) == ([], False)
    assert time.monotonic() - began - waited > 0.9


def test_only_the_kinds_and_studies_that_are_asked_for(client, store, server, tell):
    def enrolled(key, study):
        refs = {"study": Ref("Study", study), "participant": Ref("Participant", key)}
        return Stated(entity="Enrollment", key=key, fields=refs)

    sealed = Stated(entity="ParticipantPhi", key="1", fields={"family_name": "ZZPHI"})
    tell(patient("1", sex="male"), enrolled("1", "mine"), sealed)
    tell(patient("2", sex="female"), enrolled("2", "other"))
    [[study]] = store.all(
        "select study_id from enrollment join participant p on p.id = participant_id "
        "where p.sex = 'male'"
    )

    both = client.get("/api/v1/changes?entity=Participant,ParticipantPhi").json()["items"]
    mine = client.get(f"/api/v1/changes?entity=Participant&study={study}").json()["items"]
    with client_of(server, store, READ, PHI) as may:
        whole = may.get(f"/api/v1/changes?entity=ParticipantPhi&study={study}")

    assert [one["changed"]["sex"] for one in both] == ["male", "female"]
    assert [one["changed"]["sex"] for one in mine] == ["male"]
    assert [set(one) for one in whole.json()["items"]] == [
        {"entity", "id", "version", "recorded_at", "cursor", "by", "message"}
    ]
    assert "ZZPHI" not in whole.text


def test_a_stream_of_one_study_passes_the_others_over(client, store, tell):
    def enrolled(key, study):
        refs = {"study": Ref("Study", study), "participant": Ref("Participant", key)}
        return Stated(entity="Enrollment", key=key, fields=refs)

    tell(patient("1", sex="male"), enrolled("1", "mine"))
    [[study]] = store.all("select study_id from enrollment")

    with stream(client, f"/api/v1/changes/stream?entity=Participant&study={study}") as told:
        tell(patient("2", sex="female"), enrolled("2", "other"))
        tell(patient("1", sex="other"))
        _, _, found = next(told)

    assert (found["version"], found["changed"]) == (2, {"sex": "other"})


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("entity=Patient", "Participant"), ("study=ONC-101", "ids of studies"),
        ("wait=soon", "whole number"), ("since=7", "next"), ("since=999999999999.1", "restored"),
        ("what=1", "since"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_with_what_can(client, query, says):
    answer = client.get(f"/api/v1/changes?{query}")

    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_a_reader_that_takes_nothing_is_left(hub_url, store):
    class NoStore:
        watch = None

    async def never(_message):
        if _message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def still_there():
        await asyncio.Event().wait()

    pace = Pace(stall=0.1)
    follower = Follower(
        principal=SYSTEM, wanted=Wanted(), again=None, read=None, select=None
    )  # fmt: skip
    made = Stream(
        follower, News(NoStore(), lambda: False, pace), Part([], "", False, ""),
        contextlib.nullcontext,
    )  # fmt: skip
    began = time.monotonic()

    asyncio.run(made({}, still_there, never))

    assert time.monotonic() - began < 5
