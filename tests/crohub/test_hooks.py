"""Events posted to a real server: answered once they are stored, and by a status alone."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from standardwebhooks import Webhook as Signer

SECRET = "whsec_" + base64.b64encode(b"hook-secret-of-thirty-two-bytes!").decode()
SECRETS = {"EDC_HOOK": SECRET, "REDCAP_HOOK": "t0ken"}
FILES = {
    "hub.yaml": "participants: all\n",
    "connections/edc.yaml": (
        "connector: webhook\nsystem: edc\nsettings:\n"
        "  verification: {kind: standard_webhooks, secret: '${env:EDC_HOOK}'}\n"
        "  stream_path: type\n  largest: 2000\n"
    ),
    "connections/redcap.yaml": (
        "connector: webhook\nsystem: redcap\nsettings:\n"
        "  verification: {kind: path, token: '${env:REDCAP_HOOK}'}\n"
        "  media: application/x-www-form-urlencoded\n  without_id: new\n"
    ),
    "connections/folder.yaml": "connector: files\nsystem: f\nsettings: {path: .}\n",
    "mappings/inbound/edc/staff.yaml": (
        "reads: application/json\nwhen: {type: staff.changed}\nstates:\n"
        "  Person:\n    key: data.id\n    family_name: data.name\n"
    ),
    "pipelines/edc.yaml": (
        "reads: {connection: edc, stream: staff.changed}\nmappings: [edc/staff]\nlane: data.id\n"
    ),
}


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hooks")
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@contextmanager
def serving(config: Path):
    """A hub in a process of its own: its process and a client with its key."""
    process = subprocess.Popen(
        [sys.executable, "-m", "crohub", "serve", "--config", config, "--port", "0", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **SECRETS},
    )  # fmt: skip
    try:
        said = json.loads(process.stdout.readline())
        key = Path(said["key_file"]).read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx2.Client(base_url=said["address"], headers=headers, timeout=30) as client:
            until(lambda: client.get("/readyz").status_code == 200)
            yield process, client
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="module")
def hub(config):
    with serving(config) as (_, client):
        yield client


def until(look):
    end = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < end, "the hub did not come to it"
        time.sleep(0.05)
    return found


def post(client, body: bytes, id: str, *, path="/hooks/edc", at=None, secret=SECRET, **headers):
    """An event signed by the reference implementation; no key of the hub goes with it."""
    at = at or datetime.now(UTC)
    signed = {
        "webhook-id": id, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Signer(secret).sign(id, at, body.decode()),
    }  # fmt: skip
    return httpx2.post(at_hub(client, path), content=body, headers=signed | headers, timeout=30)


def at_hub(client, path: str) -> str:
    return str(client.base_url).rstrip("/") + path


def staff(number: int, name="Example") -> bytes:
    said = {"type": "staff.changed", "data": {"id": f"E{number}", "name": name}}
    return json.dumps(said).encode()


def stored(client, connection="edc") -> int:
    items = client.get("/ops/connections").json()["items"]
    return next(one["received"] for one in items if one["name"] == connection)


def test_an_event_becomes_a_record(hub):
    reply = post(hub, staff(1, "Vance"), "msg-1")

    assert (reply.status_code, reply.content) == (202, b"")
    until(lambda: "Vance" in hub.get("/api/v1/persons").text)


def test_the_same_event_again_is_taken_once(hub):
    before = stored(hub)
    replies = [post(hub, staff(2), "msg-2").status_code for _ in range(3)]

    assert replies == [202] * 3
    assert until(lambda: stored(hub)) == before + 1


def test_the_address_is_shown(hub):
    items = {one["name"]: one for one in hub.get("/ops/connections").json()["items"]}

    assert items["edc"]["address"] == "/hooks/edc"
    assert items["edc"]["state"] == "running"


def test_nobody_is_told_why_a_call_is_not_trusted(hub):
    before = stored(hub)
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    replies = [
        post(hub, staff(3), "msg-3", secret=other),
        post(hub, staff(3), "msg-3", at=datetime.now(UTC) - timedelta(minutes=10)),
        httpx2.post(at_hub(hub, "/hooks/edc"), content=staff(3)),
        hub.post("/hooks/edc", content=staff(3)),  # a key of the hub is no signature
    ]

    assert [(one.status_code, one.content) for one in replies] == [(401, b"")] * 4
    assert stored(hub) == before


def test_what_is_too_long_is_turned_away_before_it_is_read(hub):
    declared = post(hub, staff(4, "x" * 3000), "msg-4")

    def pieces():
        for _ in range(100):
            yield b"x" * 100

    streamed = httpx2.post(at_hub(hub, "/hooks/edc"), content=pieces())

    assert (declared.status_code, streamed.status_code) == (413, 413)


@pytest.mark.parametrize("path", ["/hooks/nobody", "/hooks/folder", "/hooks/edc/more", "/hooks/"])
def test_where_nobody_listens_there_is_nothing(hub, path):
    assert post(hub, staff(5), "msg-5", path=path).status_code == 404


def test_a_form_trigger_is_stored_each_time(hub):
    form = {"project_id": "12", "record": "1001"}
    address = at_hub(hub, "/hooks/redcap/")
    before = stored(hub, "redcap")

    replies = [httpx2.post(address + token, data=form) for token in ("t0ken", "t0ken", "wrong")]

    assert [one.status_code for one in replies] == [202, 202, 404]
    assert stored(hub, "redcap") == before + 2


def test_while_a_connection_is_paused_the_sender_keeps_its_events(hub):
    hub.post("/ops/connections/edc/pause", json={"reason": "a test"})
    paused = until(lambda: (reply := post(hub, staff(6), "msg-6")).status_code == 503 and reply)
    hub.post("/ops/connections/edc/resume", json={"reason": "a test"})
    until(lambda: post(hub, staff(6), "msg-6").status_code == 202)

    assert int(paused.headers["retry-after"]) > 0


def test_other_paths_still_ask_for_a_key(hub):
    for path in ("/ops/connections", "/hooks", "/hooks/../ops/connections"):
        assert httpx2.get(at_hub(hub, path)).status_code == 401


def test_what_was_answered_survives_a_kill(config, tmp_path):
    folder = tmp_path / "config"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    with serving(folder) as (process, client):
        answered = [n for n in range(40) if post(client, staff(n), f"m{n}").status_code == 202]
        process.kill()
        process.wait(30)
    with serving(folder) as (_, client):
        kept = stored(client)
        again = {post(client, staff(n), f"m{n}").status_code for n in answered}

        assert (len(answered), kept, again, stored(client)) == (40, 40, {202}, 40)
