"""The made-up REDCap project as PyCap, an independent client, sees it; and what it sees of ours."""

import json

import pytest
from redcap import Project as PyCap
from redcap import RedcapError

from connectors.record import Delivery
from connectors.redcap import Redcap
from crohub.sandbox.redcap import VERSION, Project, RedcapServer, dictionary
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.lane import compile_lane
from mappings.setting import Context

pytestmark = pytest.mark.peer

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
FIELDS = dictionary(
    [(name, "screening", "date_ymd" * (name == "icf_date"))
     for name in ("study_id", "hub_id", "icf_date")]
)  # fmt: skip
EVENTS = [{"event_name": "Screening", "arm_num": 1, "unique_event_name": "screening_arm_1"}]


@pytest.fixture(params=[[], EVENTS], ids=["classic", "longitudinal"])
def project(request):
    return Project(
        id=12, title="ONC-101", tokens={TOKEN: "hub"}, fields=FIELDS, events=request.param,
        event_forms=[{"arm_num": 1, "unique_event_name": "screening_arm_1", "form": "screening"}],
        users=[{"username": "mlopez"}], dags=[{"unique_group_name": "uh"}],
    )  # fmt: skip


@pytest.fixture
def server(project):
    with RedcapServer(project) as running:
        yield running


@pytest.fixture
def pycap(server):
    return PyCap(f"{server.url}/api/", TOKEN)


@pytest.fixture
def ours(server, monkeypatch):
    monkeypatch.setenv("REDCAP_TOKEN", TOKEN)
    return Redcap(
        base_url=f"{server.url}/api/", token="${env:REDCAP_TOKEN}", per_second=1000,
        own_id_field="hub_id",
    )  # fmt: skip


@pytest.fixture
def row(project):
    event = {"redcap_event_name": "screening_arm_1"} if project.events else {}
    return {"study_id": "7", "icf_date": "2026-02-28", **event}


def test_pycap_reads_the_set_up(pycap, project):
    assert str(pycap.export_version()) == VERSION
    assert [field["field_name"] for field in pycap.metadata] == ["study_id", "hub_id", "icf_date"]
    assert pycap.def_field == "study_id"
    assert pycap.is_longitudinal is bool(project.events)
    assert pycap.export_project_info()["project_id"] == 12
    assert pycap.export_users() == [{"username": "mlopez"}]
    assert pycap.export_dags() == [{"unique_group_name": "uh"}]


def test_pycap_imports_exports_and_deletes(pycap, row):
    assert pycap.import_records([row]) == {"count": 1}
    assert pycap.import_records([row | {"hub_id": "h"}], return_content="ids") == ["7"]
    made = pycap.import_records([row], return_content="auto_ids", force_auto_number=True)
    found = pycap.export_records(fields=["icf_date"], filter_logic="[hub_id] = 'h'")

    assert made == ["8,7"]
    assert found == [{**row, "icf_date": "2026-02-28"}]
    assert {one["study_id"] for one in pycap.export_records()} == {"7", "8"}
    assert pycap.delete_records(["7"]) == 1
    assert [one["study_id"] for one in pycap.export_records()] == ["8"]
    (gone,) = pycap.export_logging(log_type="record_delete")
    assert (gone["action"], gone["record"]) == ("Delete record 7", "7")


def test_pycap_is_refused_in_redcaps_way(pycap, server, row):
    with pytest.raises(RedcapError, match="permissions"):
        PyCap(f"{server.url}/api/", "F" * 32).export_project_info()
    with pytest.raises(RedcapError, match="not found in the project"):
        pycap.import_records([row | {"no_such_field": "1"}])
    with pytest.raises(RedcapError, match="no date"):
        pycap.import_records([row | {"icf_date": "28.2.2026"}])


def test_pycap_and_ours_read_the_same_records(pycap, ours, row):
    pycap.import_records([row | {"study_id": str(n)} for n in range(1, 6)])

    read = [one for record in ours.pull("records", "") for one in json.loads(record.body)]

    theirs = pycap.export_records(export_data_access_groups=True)
    assert read == theirs
    assert len(read) == 5


def test_pycap_reads_what_ours_wrote_and_ours_what_pycap_deleted(pycap, ours, row):
    body = json.dumps([{name: value for name, value in row.items() if name != "study_id"}])
    delivery = Delivery(
        id="D1", stream="records", body=body.encode(), media="application/json",
        target={"id": "0198-1"},
    )  # fmt: skip

    (receipt,) = ours.push([delivery])

    (found,) = pycap.export_records(records=[receipt.native_id])
    assert (found["hub_id"], found["icf_date"]) == ("0198-1", "2026-02-28")
    pycap.delete_records([receipt.native_id])
    (gone,) = ours.pull("log", "")
    assert json.loads(gone.body)["record"] == receipt.native_id


def test_what_ours_reads_is_understood(pycap, ours, row):
    codes = load_codes()
    library = load_library(codes=codes, packaged=True)
    names = ["redcap/participant", "redcap/enrollment", "redcap/consent", "redcap/visit"]
    parameters = {"record_id": "study_id", "subject_number": "study_id"}
    reader = library.reader(names, Context(parameters=parameters))
    lane = compile_lane("[0].study_id", "application/json")
    pycap.import_records([row])

    (record,) = ours.pull("records", "")

    said = {one.entity: one for one in reader(record).statements}
    assert said["Enrollment"].fields["state"] == "consented"
    assert said["Consent"].fields["signed_at"] == "2026-02-28"
    assert lane(record.body) == "7"
