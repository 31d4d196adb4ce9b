"""Reports of workers: whole, in parts, and what a fault does not make of them."""

from __future__ import annotations

import gc
import json
import socket
from datetime import UTC, datetime

import psutil
import pytest
from pydantic import ValidationError

from connectors.errors import Misconfigured, TryLater
from connectors.promises import CheckPromises, PullPromises
from connectors.workday import Workday
from connectors.world import World
from crohub.sandbox.web import Fault
from crohub.sandbox.workday import Tenant, workday_server

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATH = "/ISU_hub/Workers"
ORGS = ("Oncology", "Cardiology", "Pharmacy")


@pytest.fixture
def tenant():
    """Nine workers, three in each organization."""
    rows = [
        {"Employee_ID": f"E10{number}", "Supervisory_Org": ORGS[number % 3], "FTE": "1.0"}
        for number in range(9)
    ]
    return Tenant(user="ISU_hub@acme", password="made-up", reports={PATH[1:]: rows})


@pytest.fixture
def server(tenant):
    with workday_server(tenant) as made:
        yield made


@pytest.fixture
def slept():
    return []


@pytest.fixture
def workday(server, slept, monkeypatch):
    monkeypatch.setenv("WORKDAY_PASSWORD", "made-up")

    def make(url=server.url, *, oauth=False, auth=None, **report):
        password = "${env:WORKDAY_PASSWORD}"
        token = f"{url}/ccx/oauth2/acme/token"
        way = {"kind": "oauth2", "client_id": "ISU_hub@acme", "client_secret": password}
        basic = {"kind": "basic", "user": "ISU_hub@acme", "password": password}
        said = {
            "base_url": f"{url}/ccx/service/customreport2/acme",
            "auth": auth or (way | {"token_url": token} if oauth else basic),
            "reports": {"workers": {"path": PATH} | report},
        }
        world = World(now=lambda: NOON, sleep=slept.append, chance=lambda: 0.5)
        return Workday.model_validate(said).within(world)

    return make


@pytest.fixture
def nobody(workday):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield workday(f"http://127.0.0.1:{bound.getsockname()[1]}")


@pytest.fixture
def parts():
    return {"prompt": "Supervisory_Org", "values": ORGS}


class TestWorkdayPull(PullPromises):
    ordered = False
    overlaps = True  # a whole list is read from its beginning

    @pytest.fixture
    def connector(self, workday):
        return workday()

    @pytest.fixture
    def stream(self):
        return "workers"

    @pytest.fixture
    def down(self, nobody):
        return nobody


class TestWorkdayPullInParts(TestWorkdayPull):
    @pytest.fixture
    def connector(self, workday, parts):
        return workday(**parts)


class TestWorkdayCheck(CheckPromises):
    @pytest.fixture
    def connector(self, workday):
        return workday()

    @pytest.fixture
    def down(self, nobody):
        return nobody


def test_a_report_in_parts_is_the_report(workday, parts, server):
    whole = {one.message_key for one in workday().pull("workers", "")}

    assert {one.message_key for one in workday(**parts).pull("workers", "")} == whole
    assert len(whole) == 9
    assert "Supervisory_Org=Pharmacy" in server.asked[-1].query


def test_only_what_a_row_says_makes_it_new(workday, tenant):
    first = {one.of: one.message_key for one in workday().pull("workers", "")}
    tenant.reports[PATH[1:]][4]["FTE"] = "0.5"
    tenant.reports[PATH[1:]].reverse()

    second = {one.of: one.message_key for one in workday().pull("workers", "")}

    assert {one for one in first if first[one] != second[one]} == {"E104"}


def test_a_report_without_rows_leaves_the_list_out_and_is_an_empty_one(workday, tenant):
    tenant.reports[PATH[1:]].clear()
    system = workday()

    assert list(system.pull("workers", "")) == []
    assert system.is_whole("workers")  # so that the run asks before anything is marked as gone


def test_one_worker_in_two_parts_comes_once_and_a_second_row_is_at_fault(workday, tenant, parts):
    rows = tenant.reports[PATH[1:]]
    rows.append(dict(rows[0]))
    rows.append(rows[1] | {"Supervisory_Org": "Pharmacy"})

    records = list(workday(**parts).pull("workers", ""))

    faults = [one for one in records if one.fault]
    assert len(records) == 10
    assert [json.loads(one.body)["Employee_ID"] for one in faults] == ["E101"]
    assert "finer `id`" in faults[0].fault
    assert faults[0].of == ""


def test_a_finer_id_tells_positions_apart(workday, tenant):
    tenant.reports[PATH[1:]] = [
        {"Employee_ID": "E1", "Position_ID": "P1"},
        {"Employee_ID": "E1", "Position_ID": "P2"},
    ]
    records = list(workday(id="join('|', [Employee_ID, Position_ID])").pull("workers", ""))

    assert [one.of for one in records] == ["E1|P1", "E1|P2"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("throttled", seconds=7),
        Fault("broken"),
        Fault("truncated"),
        Fault("slow", seconds=0.2),
        Fault("unauthorized"),
    ],
    ids=lambda fault: fault.kind,
)
def test_what_passes_by_itself_loses_nothing(workday, server, slept, parts, fault):
    strike = Fault(fault.kind, "/ccx/service", passes=1, seconds=fault.seconds)
    server.faults.append(strike)

    assert len(list(workday(oauth=True, **parts).pull("workers", ""))) == 9
    assert (7 in slept) == (fault.kind == "throttled")


def test_a_part_that_fails_ends_the_reading_so_that_nobody_is_missing(workday, server, parts):
    pulled = workday(**parts).pull("workers", "")
    first = [next(pulled) for _ in range(3)]
    server.faults += [Fault("broken", "/ccx/service") for _ in range(9)]

    with pytest.raises(TryLater, match="500"):
        list(pulled)
    assert len(first) == 3


def test_a_failure_inside_a_success_is_no_empty_report(workday, server):
    server.faults.append(Fault("failed", body={"error": "the report timed out"}))

    with pytest.raises(Exception, match="the answer says it failed"):
        list(workday().pull("workers", ""))


def test_a_wrong_password_is_told(workday, monkeypatch):
    system = workday()
    monkeypatch.setenv("WORKDAY_PASSWORD", "another")

    with pytest.raises(Misconfigured, match="invalid username or password"):
        list(system.pull("workers", ""))
    assert not system.check().ok


@pytest.mark.parametrize(
    "wrong",
    [{"path": "Workers"}, {"prompt": "Org"}, {"values": ["a"]}, {"prompt": "Org", "values": "aa"}],
)
def test_wrong_settings_are_refused(workday, wrong):
    with pytest.raises(ValidationError):
        workday(**wrong)


def test_a_hundred_thousand_rows_go_through_in_parts_with_a_bound_memory(workday, serve, reply):
    """What is remembered of a row is its id and its key, to tell a second one."""

    def answer(asked):
        part = int(asked.query["Org"][0])
        rows = (b'{"Employee_ID": "E%d-%d", "FTE": "1"}' % (part, row) for row in range(1000))
        return reply(200, b'{"Report_Entry": [%b]}' % b",".join(rows))

    values = [str(number) for number in range(100)]
    system = workday(serve(answer).url, auth={"kind": "none"}, prompt="Org", values=values)
    held, number, process = [], 0, psutil.Process()
    for number, _ in enumerate(system.pull("workers", ""), start=1):
        if number in (30_000, 100_000):
            gc.collect()
            held.append(process.memory_info().rss)

    assert number == 100_000
    assert held[1] - held[0] < 32_000_000
