"""The export as a person and as a program ask for it: a command, and a route."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI
from lxml import etree
from starlette.testclient import TestClient

from crohub.exports import routes
from hub import keys
from hub.api.app import mount
from hub.api.deps import Deps
from hub.database import session
from hub.principal import OPERATE, READ
from mappings.code_tables import load_codes

NOW = 1_772_000_000_000_000
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def noted():
    return []


@pytest.fixture(scope="module")
def app(store, noted):
    made = FastAPI(docs_url=None, redoc_url=None)
    deps = Deps(
        open_session=lambda: session(store.url, read_only=True), keyring=store.keyring,
        clock=lambda: NOW, saw=lambda *one: pytest.fail("something sealed was opened"),
        embedded=True, policy=store.policy, noted=lambda *one: noted.append(one),
    )  # fmt: skip
    sessions = mount(made, deps)
    routes.mount(made, deps, load_codes())
    yield made
    sessions.close()


@pytest.fixture(scope="module")
def client(app, store):
    def client(*scopes):
        key = keys.make("test", scopes, now=NOW)
        with store.session.transaction():
            keys.put(store.session, key.row)
        return TestClient(app, headers={"Authorization": f"Bearer {key.text}"})

    return client


@pytest.fixture(scope="module")
def address(store):
    [(one,)] = store.session.all("select id from study")
    return f"/api/v1/studies/{one}/export"


def test_the_route_gives_both_forms_and_the_audit_knows(client, address, noted):
    reader = client(READ)
    noted.clear()

    odm, usdm = (
        reader.get(address, params={"as": "odm"}),
        reader.get(address, params={"as": "usdm"}),
    )

    assert odm.headers["content-type"] == "application/odm+xml"
    assert odm.headers["cache-control"] == "no-store"
    assert etree.fromstring(odm.content).get("CreationDateTime") == "2026-02-25T06:13:20+00:00"
    assert usdm.json()["usdmVersion"] == "4.0.0"
    assert [(what, detail["format"]) for _, what, detail in noted] == [
        ("study exported", "odm"), ("study exported", "usdm"),
    ]  # fmt: skip


def test_an_export_that_is_read_too_slowly_ends_and_leaves_its_place(client, address, monkeypatch):
    reader = client(READ)
    monkeypatch.setattr(routes, "LONGEST", -1.0)

    for _ in range(2 * routes.AT_ONCE):
        with pytest.raises(ConnectionAbortedError):  # so that nobody takes it for whole
            reader.get(address, params={"as": "odm"})


def test_more_exports_than_there_is_room_for_come_one_after_another(client, address):
    reader = client(READ)

    for _ in range(2 * routes.AT_ONCE + 1):
        assert reader.get(address, params={"as": "usdm"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("?as=pdf", 400, "odm, usdm"),
        ("", 400, "odm, usdm"),
        ("?as=odm&color=red", 400, "expected only: as"),
    ],
)
def test_what_cannot_be_exported_is_told(client, address, path, status, words, noted):
    noted.clear()
    answer = client(READ).get(address + path)

    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert noted == []


def test_nobody_gets_what_is_not_there_or_not_theirs(client, address):
    assert client(READ).get(f"/api/v1/studies/{NOBODY}/export?as=odm").status_code == 404
    assert client(OPERATE).get(address + "?as=odm").status_code == 403


STUDY = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT04999001", "briefTitle": "Drug A in a disease"},
        "statusModule": {"overallStatus": "RECRUITING"},
    }
}


@pytest.fixture
def filled(crohub, deployment):
    """A hub that has read a study's definition from its inbox."""
    (deployment / "inbox" / "studies.ndjson").write_text(json.dumps(STUDY) + "\n")
    path = deployment / "connections" / "inbox.yaml"
    path.write_text(path.read_text().replace("settle: 2", "settle: 0"))
    ran = crohub("run", "inbox-studies", "--config", deployment, "--json")
    assert ran.json["new"] == 1, ran.err
    return deployment


def test_a_command_writes_the_study_that_is_meant_and_the_audit_knows(crohub, filled, tmp_path):
    def export(*words):
        return crohub("export", "study", *words, "--config", filled)

    usdm = export("NCT04999001", "--as", "usdm")
    odm = export("Drug A in a disease", "--as", "odm", "--to", tmp_path / "study.xml", "--json")

    version = json.loads(usdm.out)["study"]["versions"][0]
    assert [one["text"] for one in version["titles"]] == ["Drug A in a disease"]
    assert odm.json == {"file": str(tmp_path / "study.xml"), "bytes": odm.json["bytes"]}
    root = etree.parse(str(tmp_path / "study.xml")).getroot()
    assert root.xpath("//*[local-name()='StudyName']/text()") == ["Drug A in a disease"]
    told = crohub("audit", "list", "--action", "exported", "--config", filled, "--json").json
    assert {one["object"] for one in told} == {"study exported"}
    assert export("NCT04999001", "--as", "odm", "--to", tmp_path / "study.xml").code == 2
    assert export("NCT00000000", "--as", "odm").code == 1
    assert "expected odm or usdm" in export("NCT04999001", "--as", "pdf").err
