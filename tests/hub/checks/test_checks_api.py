"""What checks found, over the API: which checks there are, their findings, and signing one off."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hub import keys
from hub.api.app import mount
from hub.api.deps import Deps
from hub.checks import CHECKS, told
from hub.checks.running import Checking
from hub.checks.settings import Checks
from hub.database import session
from hub.grants import is_restricted
from hub.principal import OPERATE, READ, Forbidden, Principal
from tests.hub.checks.test_running import disagree

NOW = 1_773_316_800_000_000  # 2026-03-12T12:00Z
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def given() -> list:
    return []


@pytest.fixture
def client(hub_url, keyring, given, context, store, tell):
    disagree(tell)
    checking = Checking(
        session=store, keyring=keyring, clock=lambda: NOW, chain="t", policy=context.policy
    )
    while checking.look():
        pass

    def order(principal, one):
        given.append((principal.name, one))
        return {"found": "S-0012 …"}

    made = FastAPI()
    deps = Deps(
        open_session=lambda: session(hub_url, read_only=True), keyring=keyring, clock=lambda: NOW,
        saw=lambda *one: None, order=order, embedded=hub_url.startswith("sqlite"),
        checks=Checks(tolerances={"enrolment": {"behind_days": 4}}),
    )  # fmt: skip
    sessions = mount(made, deps)
    key = keys.make("ada", (READ, OPERATE), now=NOW, days=10)
    with store.transaction():
        keys.put(store, key.row)
    yield TestClient(made, headers={"Authorization": f"Bearer {key.text}"})
    sessions.close()


def test_the_checks_say_what_they_compare_and_how_much_is_open(client):
    items = client.get("/checks").json()["items"]

    assert [one["name"] for one in items] == list(CHECKS)
    first = items[0]
    assert (first["number"], first["on"], first["open"], first["signed_off"]) == (1, True, 1, 0)
    assert first["tolerances"]["behind_days"] == "4"
    [behind] = [kind for kind in first["kinds"] if kind["open"]]
    assert behind["name"] == "status-behind"


def test_a_finding_reads_like_a_sentence_with_names_for_ids(client):
    [one] = client.get("/checks/enrolment").json()["items"]

    assert one["sentence"].startswith("ONC-101 S-0012 is off study in the CTMS since 2026-03-02")
    assert (one["study"]["label"], one["record"]["label"]) == ("ONC-101", "S-0012")
    assert (one["since"], one["state"], one["kind"]) == ("2026-03-02", "open", "status-behind")
    assert [said["system"] for said in one["evidence"]] == ["ctms", "ehr"]
    assert one["act"] == one["owner"]
    study = one["study"]["id"]
    assert client.get("/checks/enrolment", params={"study": study}).json()["items"] == [one]
    assert client.get("/checks/enrolment", params={"study": NOBODY}).json()["items"] == []


def test_the_same_is_among_all_findings(client):
    [one] = client.get("/api/v1/findings", params={"rule": "check.enrolment.status-behind"}).json()[
        "items"
    ]

    assert one["evidence"][0]["says"] == "off study"
    assert (one["since"], one["signed_off"], one["state"]) == ("2026-03-02", None, "open")


def test_an_unknown_check_or_state_names_those_there_are(client):
    assert client.get("/checks/enrollment").status_code == 404
    assert "enrolment" in client.get("/checks/enrollment").json()["detail"]
    wrong = client.get("/checks/enrolment", params={"state": "done"})
    assert wrong.status_code == 400
    assert "signed_off" in wrong.json()["detail"]


def test_a_finding_is_signed_off_by_order_with_a_reason(client, given):
    [one] = client.get("/checks/enrolment").json()["items"]
    address = f"/api/v1/findings/{one['id']}/sign-off"

    assert client.post(address, json={"until": "2026-12-31"}).status_code == 422
    assert client.post(address, json={"reason": "known", "until": "soon"}).status_code == 422
    said = client.post(address, json={"reason": "known", "until": "2026-12-31"})

    assert said.status_code == 200
    [(who, order)] = given
    assert (who, order["do"], order["object"], order["until"], order["reason"]) == (
        "key:ada", "sign off", one["id"], "2026-12-31", "known",
    )  # fmt: skip


def test_what_is_signed_off_waits_for_nobody_and_is_still_listed(client, store):
    store.run(
        "update finding set signed_off_at = 1, signed_off_by = 'ada', signed_off_reason = 'known'"
    )

    assert client.get("/checks/enrolment").json()["items"] == []
    assert client.get("/api/v1/findings").json()["items"] == []
    [one] = client.get("/checks/enrolment", params={"state": "signed_off"}).json()["items"]
    assert (one["signed_off"]["by"], one["signed_off"]["until"]) == ("ada", None)
    [again] = client.get("/checks/enrolment", params={"state": "any"}).json()["items"]
    assert again == one
    assert client.get("/checks").json()["items"][0]["signed_off"] == 1


def test_who_may_see_some_studies_sees_no_counts_and_no_findings_of_others(client, reader):
    other = Principal(name="eve", scopes=frozenset({READ}), studies=frozenset({NOBODY}))

    assert is_restricted(other)
    assert [one["open"] for one in told.overview(reader, other, Checks())][:1] == [None]
    assert told.findings(reader, other, "enrolment").items == []
    with pytest.raises(Forbidden):
        told.findings(reader, Principal(name="eve", scopes=frozenset()), "enrolment")
