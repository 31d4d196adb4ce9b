"""A view as a file: every form has the same rows, the audit knows of it, and it has an end."""

from __future__ import annotations

import csv
import io

import openpyxl
import orjson
import pytest
from fastapi import FastAPI
from pyarrow import parquet
from starlette.testclient import TestClient

from hub import keys
from hub.api.app import mount
from hub.api.deps import Deps
from hub.database import session
from hub.principal import READ
from hub.query import BadQuery
from hub.statement import Identifier, Stated
from hub.views import limit, table

NOW = 1_772_000_500_000_000
COUNT = 501  # more than a page


@pytest.fixture
def noted() -> list:
    return []


@pytest.fixture
def client(hub_url, store, keyring, noted, tell):
    """A reader of a store with many studies, one of them with a name that a spreadsheet runs."""
    tell(*(
        Stated(entity="Study", key=f"s{n}", fields={"title": f"=Study {n}", "target_enrolment": n},
               identifiers=(Identifier("local_protocol_no", f"S-{n}", "ctms"),))
        for n in range(COUNT)
    ))  # fmt: skip
    made = FastAPI()
    deps = Deps(
        open_session=lambda: session(hub_url, read_only=True),
        keyring=keyring,
        clock=lambda: NOW,
        saw=lambda *one: None,
        noted=lambda who, what, detail: noted.append((who.name, what, detail)),
        embedded=hub_url.startswith("sqlite"),
    )
    sessions, key = mount(made, deps), keys.make("ada", {READ}, now=NOW, days=10)
    with store.transaction():
        keys.put(store, key.row)
    yield TestClient(made, headers={"Authorization": f"Bearer {key.text}"})
    sessions.close()


def read_csv(body):
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def read_xlsx(body):
    head, *rows = openpyxl.load_workbook(io.BytesIO(body), read_only=True).active.values
    return [dict(zip(head, row, strict=True)) for row in rows]


READERS = {
    "ndjson": lambda body: [orjson.loads(line) for line in body.splitlines()],
    "csv": read_csv,
    "parquet": lambda body: parquet.read_table(io.BytesIO(body)).to_pylist(),
    "xlsx": read_xlsx,
}
VIEW = "/views/ctms/study_overview"


def test_every_form_has_every_row_once(client, noted):
    for name, reads in READERS.items():
        answer = client.get(f"{VIEW}?format={name}")

        rows = reads(answer.content)
        assert {int(row["target"]) for row in rows} == set(range(COUNT)), name
        assert len({row["id"] for row in rows}) == len(rows) == COUNT
        assert answer.headers["crohub-most-rows"] == "1000000"
        assert "ctms_study_overview" in answer.headers["content-disposition"]
    assert noted[0] == ("key:ada", "ctms_study_overview exported", {"format": "ndjson"})
    assert [detail["format"] for _, _, detail in noted] == list(READERS)


def test_a_table_has_the_asked_columns_in_the_asked_order_of_the_rows_that_meet_the_filter(client):
    query = "target__ge=499&sort=-target&fields=target,title,as_of&format=csv"

    rows = read_csv(client.get(f"{VIEW}?{query}").content)

    assert [row["target"] for row in rows] == ["500", "499"]
    assert list(rows[0]) == ["id", "title", "target", "as_of"]
    assert rows[0]["title"] == "'=Study 500"


def test_the_accept_header_asks_for_a_form_too(client):
    accepts = {"Accept": "text/csv"}

    answer = client.get(f"{VIEW}?target=7", headers=accepts)

    assert answer.headers["content-type"].startswith("text/csv")
    assert len(read_csv(answer.content)) == 1
    assert client.get(f"{VIEW}?target=7&format=json", headers=accepts).json()["items"]


@pytest.mark.parametrize(
    ("query", "says"),
    [("format=pdf", "expected one of"), ("format=csv&colour=red", "is no filter")],
)
def test_what_is_unknown_is_told_before_a_file_begins(client, query, says):
    answer = client.get(f"{VIEW}?{query}")

    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_a_page_says_of_what_moment_it_is_and_how_old_its_sources_are(client):
    page = client.get(f"{VIEW}?target=7").json()

    [row] = page["items"]
    assert row["as_of"] == page["as_of"]
    assert row["freshness"] == page["freshness"] == {"ehr": None}


def test_what_takes_too_long_is_ended_and_says_what_would_narrow_it(store, tell):
    tell(*(Stated(entity="Study", key=f"s{n}", fields={"title": "a"}) for n in range(40)))
    slow = "select count(*) from study a, study b, study c, study d, study e"

    with (
        pytest.raises(BadQuery, match=r"narrow it by: study, site"),
        store.transaction(),
        limit.within(store, 0.05, "study, site"),
    ):
        store.all(slow)

    assert store.one("select 1") == (1,)


def test_no_table_is_longer_than_its_most(client, monkeypatch):
    monkeypatch.setattr(table, "MOST", 3)

    assert len(read_csv(client.get(f"{VIEW}?format=csv").content)) == 3


def test_only_being_too_long_is_taken_for_that(store):
    with pytest.raises(Exception, match="nothing_of_that_name"), limit.within(store, 1, "study"):
        store.all("select * from nothing_of_that_name")
