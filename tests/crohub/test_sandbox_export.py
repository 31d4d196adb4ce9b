"""The sandbox's bulk export, as an HTTP client and as the hub's own connector see it."""

import json
from datetime import datetime, timedelta

import httpx2
import pytest

from connectors.fhir import Fhir
from connectors.world import World
from crohub.sandbox import fhir_export
from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from crohub.sandbox.world import ZONE

START = datetime(2026, 3, 2, tzinfo=ZONE)
ASYNC = {"Prefer": "respond-async"}


def at(hours):
    return START + timedelta(hours=hours)


def patient(id, **more):
    return {"resourceType": "Patient", "id": id} | more


@pytest.fixture
def serve():
    running = []

    def start(store, **settings):
        server = FhirServer(store, lambda: at(10), **settings)
        server.start()
        client = httpx2.Client(base_url=server.url, timeout=5)
        running.append((server, client))
        return server, client

    yield start
    for server, client in running:
        client.close()
        server.stop()


@pytest.fixture
def few(serve):
    """Five patients, the third changed, the fifth deleted; one study."""
    store = FhirStore()
    for number in range(1, 6):
        store.put(patient(f"p{number}"), at(number))
    store.put(patient("p3", active=False), at(6))
    store.delete("Patient", "p5", at(7))
    store.put({"resourceType": "ResearchStudy", "id": "s1", "status": "active"}, at(8))
    return serve(store)


def done(client, place):
    """The manifest, after the looks that a job takes."""
    for _ in range(fhir_export.LOOKS):
        assert client.get(place).status_code == 202
    return client.get(place).raise_for_status().json()


def exported(client, path="$export", **params):
    place = client.get(path, params=params, headers=ASYNC).headers["content-location"]
    manifest = done(client, place)
    lines = {
        member: [
            json.loads(line)
            for file in manifest[member]
            for line in client.get(file["url"]).text.splitlines()
        ]
        for member in ("output", "deleted", "error")
    }
    return manifest, lines, place


def test_a_job_is_asked_for_looked_at_read_and_cleared_away(few):
    _, client = few

    manifest, lines, place = exported(client)

    assert [one["id"] for one in lines["output"]] == ["p1", "p2", "p4", "p3", "s1"]
    assert [(file["type"], file["count"]) for file in manifest["output"]] == [
        ("Patient", 4),
        ("ResearchStudy", 1),
    ]
    assert (manifest["requiresAccessToken"], lines["deleted"]) == (False, [])
    assert datetime.fromisoformat(manifest["transactionTime"]) == at(8)
    assert client.delete(place).status_code == 202
    assert client.get(place).status_code == 404
    assert client.get(manifest["output"][0]["url"]).status_code == 404


def test_since_tells_what_changed_and_what_was_deleted(few):
    _, client = few

    _, lines, _ = exported(client, _since=at(6).isoformat(), _type="Patient")

    assert [one["id"] for one in lines["output"]] == ["p3"]
    [bundle] = lines["deleted"]
    assert bundle["entry"] == [{"request": {"method": "DELETE", "url": "Patient/p5"}}]


def test_what_was_deleted_and_made_again_is_there(few):
    server, client = few
    server.store.put(patient("p5"), at(9))

    _, lines, _ = exported(client, _since=at(6).isoformat(), _type="Patient")

    assert [one["id"] for one in lines["output"]] == ["p3", "p5"]
    assert lines["deleted"] == []


def test_patients_are_exported_without_what_is_no_patients(few):
    _, client = few

    _, lines, _ = exported(client, "Patient/$export")

    assert {one["resourceType"] for one in lines["output"]} == {"Patient"}


def test_what_it_does_not_know_is_said_in_a_file_of_its_own(few):
    _, client = few

    _, lines, _ = exported(client, _typeFilter="Patient?active=true")

    [said] = lines["error"]
    assert said["issue"][0]["diagnostics"] == "ignored: _typeFilter"


def test_parameters_may_come_as_a_resource(few):
    _, client = few
    asked = {"resourceType": "Parameters", "parameter": [
        {"name": "_type", "valueString": "Patient"},
        {"name": "_since", "valueInstant": at(6).isoformat()},
    ]}  # fmt: skip

    place = client.post("$export", json=asked, headers=ASYNC).headers["content-location"]

    assert [file["type"] for file in done(client, place)["output"]] == ["Patient"]


@pytest.mark.parametrize(
    ("params", "headers", "status"),
    [
        ({}, {}, 400),
        ({"_type": "Nonsense"}, ASYNC, 404),
        ({"_since": "yesterday"}, ASYNC, 400),
        ({"_outputFormat": "csv"}, ASYNC, 400),
    ],
)
def test_an_export_that_cannot_be_is_refused_with_an_outcome(few, params, headers, status):
    _, client = few

    answer = client.get("$export", params=params, headers=headers)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_body_that_is_no_parameters_is_refused(few):
    _, client = few

    assert client.post("$export", content=b"{}", headers=ASYNC).status_code == 400


def test_files_and_jobs_want_the_token_that_everything_wants(serve):
    store = FhirStore()
    store.put(patient("p1"), at(1))
    _, client = serve(store, token="secret")
    place = client.get(
        "$export", headers=ASYNC | {"Authorization": "Bearer secret"}
    ).headers["content-location"]  # fmt: skip

    assert client.get(place).status_code == 401
    with httpx2.Client(headers={"Authorization": "Bearer secret"}) as known:
        manifest = done(known, place)
        assert manifest["requiresAccessToken"] is True
        assert known.get(manifest["output"][0]["url"]).status_code == 200
    assert client.get(manifest["output"][0]["url"]).status_code == 401


def _connector(server, **export):
    now = [at(10)]

    def sleep(seconds):
        now[0] += timedelta(seconds=seconds)

    settings = {"base_url": server.url, "streams": {"Patient": {"export": export}}}
    world = World(now=lambda: now[0], sleep=sleep, chance=lambda: 0.5)
    return Fhir.model_validate(settings).within(world)


@pytest.mark.parametrize("by_post", [True, False])
@pytest.mark.parametrize("hiccup_every", [0, 3])
def test_the_connector_follows_the_register_through_changes_and_deletions(
    few, monkeypatch, by_post, hiccup_every
):
    server, _ = few
    server.hiccup_every = hiccup_every
    monkeypatch.setattr(fhir_export, "LINES", 2)
    connector = _connector(server, by_post=by_post)
    first = list(connector.pull("Patient", ""))
    server.store.put(patient("p1", active=True), at(9))
    server.store.delete("Patient", "p2", at(9))

    second = list(connector.pull("Patient", first[-1].cursor))

    assert [r.message_key for r in first] == [
        f"Patient/{n}" for n in ("p1@1", "p2@1", "p4@1", "p3@2")
    ]
    assert [(r.message_key.partition("@")[0], r.said) for r in second] == [
        ("Patient/p2", "gone"),
        ("Patient/p1", "said"),
    ]
    assert server.exports._jobs == {}
