"""All records of a kind at once: whole, of one moment, in four forms, and known to the audit."""

from __future__ import annotations

import csv
import io
from contextlib import closing

import openpyxl
import orjson
import pytest
from fastapi import FastAPI
from pyarrow import parquet
from starlette.testclient import TestClient

from hub import bulk as whole
from hub import keys
from hub.api import bulk
from hub.api.app import mount
from hub.api.deps import Deps, moment
from hub.database import session
from hub.model.spec import by_plural
from hub.principal import PHI, READ, SYSTEM
from hub.query import LARGEST, Query, View
from hub.reader import Reader
from hub.statement import Identifier, Ref, Stated

NOW = 1_772_000_500_000_000
COUNT = LARGEST + 2


@pytest.fixture
def noted() -> list:
    return []


@pytest.fixture
def app(hub_url, keyring, audited, noted):
    made = FastAPI()
    deps = Deps(
        open_session=lambda: session(hub_url, read_only=True),
        keyring=keyring,
        clock=lambda: NOW,
        saw=lambda *one: audited.append(one),
        noted=lambda who, what, detail: noted.append((who.name, what, detail)),
        embedded=hub_url.startswith("sqlite"),
    )
    sessions = mount(made, deps)
    yield made
    sessions.close()


@pytest.fixture
def client(app, store):
    def make(*scopes):
        made = keys.make("ada", scopes, now=NOW, days=10)
        with store.transaction():
            keys.put(store, made.row)
        return TestClient(app, headers={"Authorization": f"Bearer {made.text}"})

    return make


@pytest.fixture
def told(tell):
    """More studies than a page has, a subject and what is sealed of a person."""
    tell(*(
        Stated(entity="Study", key=f"s{n}", fields={"title": f"=Study {n}"}) for n in range(COUNT)
    ))  # fmt: skip
    tell(
        Stated(entity="Participant", key="p", fields={"sex": "female"},
               identifiers=(Identifier("mrn", "12345", "UH"),)),
        Stated(entity="ParticipantPhi", key="p", fields={"family_name": "Nyström"}),
        Stated(entity="Enrollment", key="e", fields={
            "study": Ref("Study", "s0"), "participant": Ref("Participant", "p"),
            "subject_number": "001", "state": "enrolled"}),
    )  # fmt: skip


def test_every_record_is_there_once_in_every_form(client, told, noted):
    client = client(READ)
    ids = []
    for name in ("ndjson", "csv", "parquet", "xlsx"):
        body = client.get(f"/api/v1/studies/export?format={name}&fields=title").content
        ids.append(ids_of(name, body))

    assert len(set(ids[0])) == COUNT
    assert ids == [sorted(ids[0])] * 4
    assert noted[0] == ("key:ada", "studies exported", {"format": "ndjson", "include": []})
    assert len(noted) == 4


def ids_of(name, body):
    if name == "ndjson":
        return [orjson.loads(line)["id"] for line in body.splitlines()]
    if name == "csv":
        return [row["id"] for row in csv.DictReader(io.StringIO(body.decode(), newline=""))]
    if name == "parquet":
        return parquet.read_table(io.BytesIO(body))["id"].to_pylist()
    rows = openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True)
    return [row[0] for row in list(rows)[1:]]


def test_a_line_is_the_record_as_a_page_has_it(client, told):
    client = client(READ)
    asked = "include=labels,identifiers&provenance=true"

    lines = client.get(f"/api/v1/enrollments/export?{asked}")
    page = client.get(f"/api/v1/enrollments?{asked}").json()["items"]

    assert [orjson.loads(line) for line in lines.content.splitlines()] == page
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert lines.headers["cache-control"] == "no-store"


def test_a_flat_form_has_the_id_and_the_name_of_what_is_referred_to(client, told):
    said = client(READ).get(
        "/api/v1/enrollments/export?include=labels&state=enrolled",
        headers={"Accept": "application/vnd.apache.parquet"},
    )
    [row] = parquet.read_table(io.BytesIO(said.content)).to_pylist()
    study = client(READ).get("/api/v1/studies?title=%3DStudy 0").json()["items"][0]["id"]

    assert (row["study"], row["subject_number"], row["version"]) == (study, "001", 1)
    assert "participant_label" in row
    assert row["recorded_at"].tzinfo is not None


def test_what_is_sealed_needs_the_scope_and_is_reported(client, told, audited):
    asked = "/api/v1/participants/export?include=phi&format=csv"

    refused = client(READ).get(asked)
    said = client(READ, PHI).get(asked)

    assert (refused.status_code, refused.json()["code"]) == (403, "CROHUB-FORBIDDEN")
    [row] = csv.DictReader(io.StringIO(said.text, newline=""))
    assert row["phi.family_name"] == "Nyström"
    assert [kind for kind, *_ in audited] == ["ParticipantPhi"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=1", "no sort, cursor or limit"), ("sort=title", "no sort"), ("cursor=x", "cursor"),
        ("format=pdf", "ndjson, csv, parquet, xlsx"), ("wards=1", "expected one of"),
        ("format=csv&format=csv", "given twice"),
    ],
)  # fmt: skip
def test_what_an_export_does_not_know_is_told(client, query, says):
    answer = client(READ).get(f"/api/v1/studies/export?{query}")

    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_only_so_many_exports_run_at_once_and_each_gives_its_place_back(client, told, monkeypatch):
    client = client(READ)
    paths = ["studies/export?format=csv", "studies/export?include=phi", "participants/export"]

    statuses = [client.get(f"/api/v1/{path}").status_code for path in paths * 2]
    monkeypatch.setattr(bulk, "LONGEST", 0.0)

    assert statuses == [200, 400, 200] * 2
    slow = [client.get("/api/v1/studies/export").status_code for _ in range(bulk.AT_ONCE + 1)]
    assert slow == [500] * (bulk.AT_ONCE + 1)


def test_an_export_shows_one_moment_however_long_it_takes(hub_url, keyring, tell):
    tell(*(Stated(entity="Study", key=f"s{n}", fields={"title": "old"}) for n in range(COUNT)))
    with closing(session(hub_url, read_only=True)) as opened, moment(opened):
        reader = Reader(opened, keyring, lambda *_: None)
        rows = whole.rows(
            reader, SYSTEM, by_plural()["studies"],
            Query(view=View(fields=frozenset({"title"}))), nested=False,
        )  # fmt: skip
        first = next(rows)
        tell(*(Stated(entity="Study", key=f"s{n}", fields={"title": "new"}) for n in range(COUNT)))

        titles = [title for _, title in (first, *rows)]

    assert titles == ["old"] * COUNT
