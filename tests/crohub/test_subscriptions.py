"""Subscriptions from outside: registered over HTTP and at the command line, told by a hub that
runs, shown with what waits, told again, ended; and a hub that ends though somebody listens."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import hl7.client
import pytest
from standardwebhooks import Webhook as Verifier
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors import standard_webhooks
from crohub import starter
from crohub.sandbox.web import WebServer

WHY = {"reason": "a test"}
PATH = "/api/v1/subscriptions"


@pytest.fixture(scope="module")
def hub(tmp_path_factory, serve):
    """A hub of these tests' own: what is told again is all that a hub has been told of."""
    config = tmp_path_factory.mktemp("told") / "deployment"
    starter.write(config)
    with (config / "hub.yaml").open("a") as more:
        more.write("\nwebhooks: {allow: [127.0.0.1], plain: true}\n")
    with serve(config) as running:
        yield running


@pytest.fixture
def sink():
    taken, answers = [], []

    async def take(request: Request) -> Response:
        taken.append((dict(request.headers), await request.body()))
        return Response(status_code=answers.pop(0) if answers else 204)

    with WebServer([Route("/events", take, methods=["POST"])]) as server:
        server.taken, server.answers = taken, answers
        yield server


def names(hub):
    return [one["id"] for one in hub.get("/ops/subscriptions")["items"]]


def is_told(one):
    """Whether all that there is has been told, and taken."""
    return one["delivered"] and not (one["waiting"] or one["behind"])


def kinds(sink):
    return [json.loads(body)["type"] for _, body in sink.taken]


def test_a_subscriber_is_registered_told_shown_and_told_again(hub, sink, adt, crohub):
    url = sink.url + "/events"
    made = hub.post(PATH, {"url": url, "name": "lake", "entities": ["Participant"], **WHY})
    one = made.json()["id"]
    hub.until(lambda: one in names(hub))
    tried = hub.post(f"{PATH}/{one}/test", {}).json()
    with hl7.client.MLLPClient(*hub.mllp) as client:
        client.send_message(adt("880001", "SUB-1"))
    hub.until(lambda: len(sink.taken) == 2)
    shown = hub.until(lambda: next((s for s in hub.get(PATH)["items"] if is_told(s)), None))
    again = hub.post(f"{PATH}/{one}/redeliver", {"since": "", **WHY})
    hub.until(lambda: len(sink.taken) == 3)
    listed = crohub("subscription", "list", "--config", hub.config, "--json")
    rotated = hub.post(f"{PATH}/{one}/rotate", WHY)
    hub.client.request("DELETE", f"{PATH}/{one}", json=WHY)
    hub.until(lambda: one not in names(hub))

    assert made.status_code in (201, 202)  # 202: it is settled later than in five seconds
    assert tried["outcome"] == "delivered"
    assert kinds(sink) == ["crohub.test", *["crohub.Participant.changed"] * 2]
    for head, body in sink.taken:
        Verifier(made.json()["secret"]).verify(body, head)
    assert (shown["state"], shown["delivered"]) == ("on", 1)
    assert (shown["name"], shown["owner"].startswith("key:")) == ("lake", True)
    assert (again.status_code in (200, 202), again.json()["events"]) == (True, 1)
    assert sink.taken[1][0]["webhook-id"] == sink.taken[2][0]["webhook-id"]
    assert one in [row["id"] for row in listed.json]
    assert rotated.json()["secret"] not in ("", made.json()["secret"])
    assert made.json()["secret"] not in listed.out + json.dumps(shown)


def test_a_subscription_is_kept_at_the_command_line_and_ends_there(hub, sink, crohub):
    def run(*words):
        told = crohub("subscription", *words, "--config", hub.config, "--json")
        assert told.code == 0, told.err
        return told.json

    why = ("--reason", "a test")
    added = run("add", sink.url + "/events", "--name", "board", *why)
    hub.until(lambda: added["id"] in names(hub))
    tried = run("test", "board")
    rotated = run("rotate", "board", *why)
    paused = run("pause", "board", *why)
    hub.until(lambda: hub.get(f"{PATH}/{added['id']}")["state"] == "paused")
    again = run("redeliver", "board", *why)
    run("end", "board", *why)
    hub.until(lambda: hub.client.get(f"{PATH}/{added['id']}").status_code == 404)

    assert added["secret"].startswith("whsec_")
    assert rotated["secret"] != added["secret"]
    assert (tried["outcome"], paused["state"], again["events"]) == ("delivered", "paused", 0)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"url": "https://169.254.169.254/latest"}, "CROHUB-SSRF"),
        ({"url": "http://10.0.0.1/x"}, "CROHUB-SSRF"),
        ({"url": "https://u:p@example.org/x"}, "user and password"),
        ({"url": "ftp://example.org"}, "http"),
        ({"entities": ["Patient"], "url": "http://127.0.0.1:9/x"}, "Participant"),
        ({"studies": ["ONC-101"], "url": "http://127.0.0.1:9/x"}, "ids of studies"),
        ({"since": "7", "url": "http://127.0.0.1:9/x"}, "since"),
        ({"url": "http://127.0.0.1:9/x", "reason": " "}, "reason"),
        ({"colour": "red"}, "url"),
        ({}, "url"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_what_can(request, body, says):
    hub = request.getfixturevalue("plain_hub")
    answer = hub.post(PATH, {**WHY, **body})

    assert answer.status_code == 422
    assert says in answer.json()["detail"]


@pytest.fixture(scope="module")
def plain_hub(tmp_path_factory):
    """The routes alone, on an edge that does not run."""
    from crohub import schema
    from crohub.app import build
    from crohub.options import Options, places_of
    from pipelines import settings
    from pipelines.edge import open_edge

    folder = tmp_path_factory.mktemp("plain") / "deployment"
    starter.write(folder)
    path = folder / "hub.yaml"
    path.write_text(path.read_text() + "\nwebhooks: {allow: [127.0.0.1], plain: true}\n")
    deployment = settings.load(folder)
    places = places_of(Options(config=folder, data=None), deployment)
    places.make()
    schema.upgrade(places)
    edge = open_edge(places, deployment, fatal=print)
    return _Plain(build(edge), places)


class _Plain:
    def __init__(self, app, places):
        from starlette.testclient import TestClient

        from hub import clock, keys

        made = keys.make("test", ("records.read", "ops.write"), now=clock.now(), days=1)
        session = places.hub()
        with session.transaction():
            keys.put(session, made.row)
        session.close()
        self.client = TestClient(app, headers={"Authorization": f"Bearer {made.text}"})

    def post(self, path, body):
        return self.client.post(path, json=body)


def test_the_hub_ends_though_somebody_listens(deployment, serve):
    with (
        serve(deployment) as hub,
        hub.client.stream("GET", "/api/v1/changes/stream") as told,
    ):
        lines = told.iter_lines()
        assert next(lines) == "retry: 2000"
        began = time.monotonic()
        hub.process.terminate()
        rest = list(lines)
        hub.process.wait(30)

    assert "event: end" in rest
    assert time.monotonic() - began < 9  # uvicorn itself would wait ten seconds and break off


def test_the_sample_of_the_page_verifies_what_we_sign():
    page = Path(__file__).parents[2] / "docs" / "change-feed.md"
    [sample] = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    known = {}
    exec(sample, known)  # noqa: S102 - our own page
    key, body, at = b"k" * 32, b'{"n": 1}', str(int(time.time()))
    head = {"webhook-id": "1", "webhook-timestamp": at}
    head["webhook-signature"] = standard_webhooks.sign_with(key, id="1", timestamp=at, body=body)

    assert known["is_ours"](standard_webhooks.written(key), head, body)
    assert not known["is_ours"](standard_webhooks.written(key), head, body + b" ")
    assert not known["is_ours"](
        standard_webhooks.written(key), head | {"webhook-timestamp": "1"}, body
    )
