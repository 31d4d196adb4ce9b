"""Writes through the API: messages of a named system, settled and weighed like any other; made once
however often they are asked for, and never over what nobody has seen."""

from __future__ import annotations

import itertools
from pathlib import Path

import httpx2
import pytest

from crohub import starter
from tests.crohub.conftest import serving

DESK = "connector: api\nsystem: {system}\nrole: {role}\nsettings: {{keys: [{key}]}}\n"
STUDIES = "/api/v1/studies"
PROBLEM = "application/problem+json"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with two systems that write: a desk whose key is the first one, and a CTMS."""
    config = tmp_path_factory.mktemp("writes") / "deployment"
    starter.write(config)
    hospital = config / "connections" / "hospital.yaml"
    hospital.write_text(hospital.read_text().replace("${env:CROHUB_MLLP_PORT:-2575}", "0"))
    for system, role, key in (("desk", "OTHER", "admin"), ("office", "CTMS", "office")):
        path = config / "connections" / f"{system}.yaml"
        path.write_text(DESK.format(system=system, role=role, key=key))
    with serving(config) as running:
        # the first message waits for the process that reads it to start
        running.client.post("/api/v1/organizations", json={"name": "North"})
        running.until(lambda: running.get("/api/v1/organizations")["items"], 180.0)
        yield running


@pytest.fixture(scope="module")
def keyed(hub):
    """A client with a key of its own, by name and scopes."""
    from crohub.node import reach
    from hub import clock, keys

    opened = []

    def client(name, *scopes):
        made = keys.make(name, scopes, now=clock.now())
        order = {"do": "key", "by": "test", "object": name, "key": made.row, "reason": "test"}
        with reach(hub.config) as node:
            assert node.order(order)
        headers = {"Authorization": f"Bearer {made.text}"}
        opened.append(httpx2.Client(base_url=hub.address, headers=headers, timeout=30))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def office(keyed):
    return keyed("office", "records.read", "records.write")


@pytest.fixture
def study(hub):
    """A study that the desk has told of, and its ETag."""
    said = hub.client.post(STUDIES, json={"key": f"S-{next(_numbers)}", "title": "A trial"})
    assert said.status_code == 201, said.text
    return said.headers["location"], said.headers["etag"]


def test_a_new_record_is_what_its_system_says(hub):
    said = hub.client.post(
        STUDIES,
        json={
            "key": "NEW-1", "title": "A new trial", "phase": "2",
            "identifiers": [{"type": "nct", "value": "NCT05300001"}],
        },
    )  # fmt: skip
    told = said.json()
    record = hub.get(said.headers["location"], provenance="true", include="identifiers")
    message = hub.get(f"/ops/messages/{told['message']}")

    assert (said.status_code, said.headers["etag"]) == (201, 'W/"1"')
    assert (told["system"], told["key"], told["outvoted"]) == ("desk", "NEW-1", [])
    assert told["record"]["title"] == record["title"] == "A new trial"
    assert record["provenance"]["title"]["system"] == "desk"
    assert record["identifiers"][0]["value"] == "NCT05300001"
    assert (message["connection"], message["state"]) == ("desk", "done")
    again = hub.client.post(STUDIES, json={"key": "NEW-1", "title": "Other"})
    assert (again.status_code, again.headers["location"]) == (409, said.headers["location"])


def test_a_change_needs_the_version_that_was_seen(hub, study):
    address, tag = study
    body = {"title": "Another title"}

    without = hub.client.patch(address, json=body)
    stale = hub.client.patch(address, json=body, headers={"If-Match": 'W/"7"'})
    done = hub.client.patch(address, json=body, headers={"If-Match": tag})
    late = hub.client.patch(address, json=body, headers={"If-Match": tag})

    assert (without.status_code, without.json()["code"]) == (428, "CROHUB-NO-VERSION")
    assert (stale.status_code, stale.json()["code"]) == (412, "CROHUB-STALE")
    assert (done.status_code, done.headers["etag"]) == (200, 'W/"2"')
    assert done.json()["record"]["title"] == "Another title"
    assert late.status_code == 412
    assert {one.headers["content-type"] for one in (without, stale, late)} == {PROBLEM}


def test_of_two_changes_to_one_version_one_is_late(hub, study):
    from concurrent.futures import ThreadPoolExecutor

    address, tag = study

    def change(number):
        body = {"title": f"Title {number}"}
        return hub.client.patch(address, json=body, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(change, range(4)))

    assert sorted(statuses) == [200, 412, 412, 412]


def test_a_field_can_be_taken_back_and_a_put_says_all(hub, study):
    address, _ = study
    anyway = {"If-Match": "*"}

    filled = hub.client.patch(address, json={"phase": "2"}, headers=anyway)
    merge = anyway | {"Content-Type": "application/merge-patch+json"}
    removed = hub.client.patch(address, json={"phase": None}, headers=merge)
    put = hub.client.put(address, json={"phase": "3"}, headers=anyway).json()["record"]

    assert filled.json()["record"]["phase"] == "2"
    assert removed.json()["record"]["phase"] is None
    assert (put["phase"], put["title"]) == ("3", None)


def test_what_another_system_wins_is_said_and_kept(hub, office, study):
    address, _ = study
    anyway = {"If-Match": "*"}
    first = office.patch(address, json={"title": "The office's title"}, headers=anyway)

    said = hub.client.patch(address, json={"title": "The desk's title"}, headers=anyway).json()
    held = hub.get(f"{address}/provenance", fields="title")

    assert first.json()["record"]["title"] == "The office's title"
    assert said["record"]["title"] == "The office's title"
    assert said["outvoted"] == [{"field": "title", "believed": "office"}]
    assert "The desk's title" in str(held)


def test_what_a_system_takes_back_is_withdrawn_when_nobody_else_speaks_of_it(hub, office, study):
    address, tag = study

    nothing = office.delete(address, headers={"If-Match": "*"})
    without = hub.client.delete(address)
    gone = hub.client.delete(address, headers={"If-Match": tag})

    assert (nothing.status_code, without.status_code, gone.status_code) == (409, 428, 200)
    assert gone.json()["record"]["withdrawn"] is True
    assert gone.json()["record"]["title"] == "A trial"


def test_a_record_refers_to_another_by_id_by_key_and_by_identifier(hub, study):
    address, _ = study
    one = address.rpartition("/")[2]
    key = hub.client.patch(address, json={}, headers={"If-Match": "*"}).json()["key"]
    ways = (one, {"id": one, "entity": "Study"}, {"key": key})

    sites = [
        hub.client.post("/api/v1/study-sites", json={"study": way, "site_number": str(n)})
        for n, way in enumerate(ways)
    ]
    led = [said.json()["record"]["study"] for said in sites if said.status_code == 201]
    missing = hub.client.post(
        "/api/v1/study-sites", json={"study": "00000000-0000-7000-8000-000000000000"}
    )

    assert led == [{"entity": "Study", "id": one}] * 3, [said.text for said in sites]
    assert missing.json()["errors"] == [
        {"field": "study", "expected": "the id of a Study, or its key or an identifier",
         "found": "a text"}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field", "found"),
    [
        ({"wards": "ZZPHI"}, "wards", "a text"),
        ({"phase": "ZZPHI"}, "phase", "a text"),
        ({"title": 7}, "title", "a whole number"),
        ({"title": ""}, "title", "a text"),
        ({"identifiers": {"nct": "ZZPHI"}}, "identifiers", "an object"),
        ({"identifiers": [{"type": "mrn", "value": "ZZPHI"}]}, "identifiers", "an object"),
        ({"at": "ZZPHI"}, "at", "a text"),
    ],
)
def test_a_mistake_names_field_expected_and_found_and_no_value(hub, body, field, found):
    said = hub.client.post(STUDIES, json=body)

    [error] = said.json()["errors"]
    assert said.status_code == 422
    assert (error["field"], error["found"]) == (field, found)
    assert error["expected"]
    assert "ZZPHI" not in said.text


def test_a_body_that_is_no_record_is_refused(hub, study):
    address, _ = study
    anyway = {"If-Match": "*"}

    said = [
        hub.client.post(STUDIES, json=[]),
        hub.client.post(STUDIES, json={"key": ""}),
        hub.client.patch(address, json={"key": "x"}, headers=anyway),
        hub.client.post(STUDIES, content=b"a,b", headers={"Content-Type": "text/csv"}),
        hub.client.post(f"{STUDIES}?x=1", json={}),
        hub.client.patch("/api/v1/studies/00000000-0000-7000-8000-000000000000", json={}),
        hub.client.post("/api/v1/wards", json={}),
    ]

    assert [one.status_code for one in said] == [422, 422, 422, 415, 400, 404, 404]


def test_a_repeated_request_is_answered_the_same_and_done_once(hub):
    once = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    body = {"title": "Asked for twice"}

    first = hub.client.post(STUDIES, json=body, headers=once)
    hub.client.patch(
        first.headers["location"], json={"title": "Changed since"}, headers={"If-Match": "*"}
    )
    again = hub.client.post(STUDIES, json=body, headers=once)
    other = hub.client.post(STUDIES, json={"title": "Something else"}, headers=once)
    bad = hub.client.post(STUDIES, json=body, headers={"Idempotency-Key": "a b"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert len(hub.get(STUDIES, title="Changed since")["items"]) == 1
    assert hub.get(STUDIES, title="Asked for twice")["items"] == []
    assert (other.status_code, other.json()["code"]) == (422, "CROHUB-KEY-REUSED")
    assert bad.status_code == 400


def test_a_request_that_was_refused_may_be_made_anew_with_its_key(hub):
    once = {"Idempotency-Key": "corrected"}

    refused = hub.client.post(STUDIES, json={"phase": "nine"}, headers=once)
    done = hub.client.post(STUDIES, json={"phase": "2"}, headers=once)

    assert (refused.status_code, done.status_code) == (422, 201)


def test_requests_with_one_key_at_a_time_make_one_record(hub):
    from concurrent.futures import ThreadPoolExecutor

    body, once = {"title": "Many at a time"}, {"Idempotency-Key": "many"}

    def ask(_):
        return hub.client.post(STUDIES, json=body, headers=once).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(ask, range(6)))

    assert 201 in statuses
    assert set(statuses) <= {201, 409}
    assert len(hub.get(STUDIES, title="Many at a time")["items"]) == 1


def test_who_may_write_is_a_key_with_the_scope_that_a_connection_names(keyed):
    reader = keyed("office", "records.read")
    nobody = keyed("stranger", "records.write", "records.read")

    said = [client.post(STUDIES, json={"title": "x"}) for client in (reader, nobody)]

    assert [one.status_code for one in said] == [403, 403]
    assert [one.json()["code"] for one in said] == ["CROHUB-FORBIDDEN", "CROHUB-NO-SYSTEM"]


def test_personal_data_are_written_with_their_scope_and_are_sealed(hub, office):
    body = {"key": "P-1", "sex": "female", "phi": {"family_name": "ZZNyström"}}

    refused = office.post("/api/v1/participants", json=body)
    said = hub.client.post("/api/v1/participants", json=body)
    shown = hub.get(said.headers["location"], include="phi")
    data = Path(hub.config).parent
    stored = b"".join(path.read_bytes() for path in data.rglob("*.db*") if path.is_file())

    assert refused.status_code == 403
    assert said.status_code == 201
    assert "ZZNyström" not in said.text
    assert shown["phi"]["family_name"] == "ZZNyström"
    assert stored
    assert "ZZNyström".encode() not in stored


def test_the_audit_knows_of_each_write(hub, crohub, tmp_path):
    file = tmp_path / "audit.jsonl"

    said = crohub("audit", "export", file, "--reason", "test", "--config", hub.config)

    assert said.code == 0, said.err
    assert '"wrote"' in file.read_text()
