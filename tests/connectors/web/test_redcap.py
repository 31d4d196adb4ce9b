"""REDCap, against the made-up project that PyCap agrees with, and against servers that fail."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import psutil
import pytest

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.pace import Pace
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery
from connectors.redcap import Redcap
from connectors.redcap.reading import Window
from crohub.sandbox.redcap import Project, RedcapServer, dictionary
from crohub.sandbox.web import Fault

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
FIELDS = dictionary([
    ("record_id", "screening", ""), ("hub_id", "screening", ""),
    ("icf_date", "screening", "date_ymd"), ("enrolled", "screening", ""),
    ("visit_date", "visit", "date_ymd"),
])  # fmt: skip
EVENTS = [
    {"event_name": "Screening", "arm_num": "1", "unique_event_name": "screening_arm_1"},
    {"event_name": "Visit 1", "arm_num": "1", "unique_event_name": "visit_1_arm_1"},
]


@pytest.fixture
def project():
    made = Project(
        id=12, title="ONC-101", tokens={TOKEN: "hub"}, fields=[*FIELDS], events=[*EVENTS],
        arms=[{"arm_num": "1", "name": "Arm 1"}],
        event_forms=[{"arm_num": "1", "unique_event_name": "screening_arm_1", "form": "screening"}],
        dags=[{"data_access_group_name": "UH", "unique_group_name": "uh"}],
        users=[{"username": "mlopez", "email": "m@uh.example"}],
    )  # fmt: skip
    for n in range(1, 8):
        row = {"record_id": str(n), "redcap_data_access_group": "uh"}
        screened = {"redcap_event_name": "screening_arm_1", "icf_date": f"2026-02-{n:02}"}
        made.put(row | screened)
        made.put(row | {"redcap_event_name": "visit_1_arm_1", "visit_date": f"2026-03-{n:02}"})
    return made


@pytest.fixture
def server(project):
    with RedcapServer(project) as running:
        yield running


@pytest.fixture
def connect(monkeypatch, clock):
    """A connection to an address; its time passes by sleeping only."""
    monkeypatch.setenv("REDCAP_TOKEN", TOKEN)

    def make(url, **more):
        settings = {"token": "${env:REDCAP_TOKEN}", "batch": 3, "own_id_field": "hub_id", **more}
        return Redcap(base_url=url, **settings).within(clock.world)

    return make


@pytest.fixture
def redcap(server, connect):
    return connect(f"{server.url}/api/")


@pytest.fixture
def down(connect):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield connect(f"http://127.0.0.1:{bound.getsockname()[1]}/api/")


def delivery(nth=1, /, **target):
    row = {"icf_date": "2026-03-01", "redcap_event_name": "screening_arm_1"}
    return Delivery(
        id=f"d{nth}", stream="records", body=json.dumps([row]).encode(),
        media="application/json", target=target,
    )  # fmt: skip


def names(records):
    return [record.message_key.partition("@")[0] for record in records]


# -- promises


class TestRecords(PullPromises):
    overlaps = True

    @pytest.fixture
    def connector(self, redcap):
        return redcap

    @pytest.fixture
    def stream(self):
        return "records"


class TestIds(TestRecords):
    @pytest.fixture
    def stream(self):
        return "ids"


class TestMetadata(TestRecords):
    @pytest.fixture
    def stream(self):
        return "metadata"


class TestLog(TestRecords):
    @pytest.fixture
    def connector(self, redcap, project):
        now = project.now()
        for number in ("1", "2", "4", "6"):
            project.now = lambda n=int(number): now - timedelta(minutes=20 - n)
            project.delete(number)
        return redcap

    @pytest.fixture
    def stream(self):
        return "log"


class TestCheck(CheckPromises):
    @pytest.fixture
    def connector(self, redcap):
        return redcap


class TestPush(PushPromises):
    @pytest.fixture
    def connector(self, redcap):
        return redcap

    @pytest.fixture
    def deliveries(self):
        return [delivery(1), delivery(2, id="0198-2"), delivery(3, record="5", id="0198-3")]

    @pytest.fixture
    def there(self, project):
        return lambda: [
            (name, place, dict(row))
            for name, rows in project.records.items()
            for place, row in rows.items()
        ]


# -- what is read


def test_a_record_is_all_its_rows_as_the_answer_spells_them(redcap):
    records = list(redcap.pull("records", ""))

    assert names(records) == [f"records/{n}" for n in range(1, 8)]
    first = json.loads(records[0].body)
    assert [row["redcap_event_name"] for row in first] == ["screening_arm_1", "visit_1_arm_1"]
    assert {row["redcap_data_access_group"] for row in first} == {"uh"}
    assert [bool(record.cursor) for record in records] == [False] * 6 + [True]


def test_names_come_first_and_then_the_records_in_batches(redcap, server):
    list(redcap.pull("records", ""))

    asked = [form for form in server.forms if form["content"] == "record"]
    assert [sum(name.startswith("records[") for name in form) for form in asked] == [0, 3, 3, 1]
    assert {form["type"] for form in asked} == {"flat"}


def test_only_what_changed_is_asked_for_again_in_the_servers_own_time(project, server, connect):
    project.timezone = "America/New_York"
    redcap = connect(f"{server.url}/api/", timezone="America/New_York")
    for name in project.changed:
        project.changed[name] -= timedelta(hours=2)
    cursor = list(redcap.pull("records", ""))[-1].cursor
    project.put({"record_id": "3", "redcap_event_name": "screening_arm_1", "enrolled": "1"})

    again = list(redcap.pull("records", cursor))

    assert names(again) == ["records/3"]
    assert again[-1].cursor >= cursor
    begin = next(form["dateRangeBegin"] for form in server.forms if "dateRangeBegin" in form)
    there = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo("America/New_York"))
    behind = datetime.fromisoformat(cursor) - there
    assert timedelta(minutes=5) <= behind < timedelta(minutes=6)
    assert begin.endswith(":00")


def test_nothing_that_changed_is_no_news_and_an_empty_project_is_none(project, redcap):
    project.records.clear()

    assert list(redcap.pull("records", "")) == []
    assert list(redcap.pull("ids", "")) == []


@pytest.mark.parametrize(
    ("since", "now", "begin"),
    [
        ("2026-07-01T12:00Z", "2026-07-01T12:30Z", "2026-07-01 07:55"),
        # 01:50 before the clock goes back; what changes at 01:10 after it must not be missed
        ("2026-11-01T05:50Z", "2026-11-01T06:20Z", "2026-11-01 00:45"),
        ("2026-03-08T06:50Z", "2026-03-08T07:20Z", "2026-03-08 01:45"),
    ],
)
def test_a_local_time_that_comes_twice_hides_nothing(since, now, begin):
    zone = ZoneInfo("America/New_York")
    window = Window(
        since=datetime.fromisoformat(since), overlap=timedelta(minutes=5), zone=zone
    )  # fmt: skip

    assert window.begin(datetime.fromisoformat(now)) == begin


def test_fields_and_events_narrow_what_is_read(server, connect):
    redcap = connect(f"{server.url}/api/", fields=["icf_date"], events=["screening_arm_1"])

    (row,) = json.loads(next(redcap.pull("records", "")).body)

    assert row.keys() == {
        "record_id", "redcap_event_name", "redcap_data_access_group", "icf_date",
    }  # fmt: skip


def test_a_deleted_record_is_said_to_be_gone(redcap, project):
    project.put({"record_id": "3", "redcap_event_name": "screening_arm_1", "enrolled": "1"})
    project.delete("3")

    (gone,) = redcap.pull("log", "")

    assert (gone.said, json.loads(gone.body)["record"]) == ("gone", "3")
    assert gone.cursor.startswith(gone.at.strftime("%Y-%m-%dT%H:%M"))


def test_the_list_of_names_knows_what_was_renamed(redcap, project):
    before = {record.of for record in redcap.pull("ids", "")}
    cursor = list(redcap.pull("records", ""))[-1].cursor
    project.rename("3", "UH-3")

    after = {record.of for record in redcap.pull("ids", "")}

    assert before - after == {"3"}
    assert after - before == {"UH-3"}
    assert "records/UH-3" in names(redcap.pull("records", cursor))
    assert redcap.is_whole("ids")


@pytest.mark.parametrize(
    ("stream", "ids"),
    [
        ("project", ["12"]), ("metadata", [field["field_name"] for field in FIELDS]),
        ("events", ["screening_arm_1", "visit_1_arm_1"]), ("arms", ["1"]), ("dags", ["uh"]),
        ("users", ["mlopez"]), ("event_forms", ["screening_arm_1|screening"]),
    ],
)  # fmt: skip
def test_the_set_up_is_read_as_whole_lists(redcap, stream, ids):
    assert [record.of for record in redcap.pull(stream, "")] == ids
    assert redcap.is_whole(stream)


def test_a_project_without_events_has_none(redcap, project):
    project.events = []

    assert list(redcap.pull("events", "")) == []


# -- what goes wrong


def test_a_wrong_token_stops_the_connection_with_redcaps_words(server, connect, monkeypatch):
    redcap = connect(f"{server.url}/api/")
    monkeypatch.setenv("REDCAP_TOKEN", "F" * 32)

    with pytest.raises(Misconfigured, match="do not have permissions to use the API") as raised:
        list(redcap.pull("records", ""))

    assert "F" * 32 not in str(raised.value)
    assert "do not have permissions" in redcap.check().detail


def test_a_project_that_is_offline_is_asked_later(redcap, project):
    project.offline = True

    with pytest.raises(TryLater, match="offline"):
        list(redcap.pull("records", ""))
    assert not redcap.check().ok


def test_a_token_that_ends_in_mid_run_stops_it_and_what_was_read_stands(redcap, server):
    server.faults.append(Fault("unauthorized", passes=3))
    read = []

    with pytest.raises(Misconfigured, match="401"):
        read.extend(redcap.pull("records", ""))

    assert names(read) == ["records/1", "records/2", "records/3"]
    assert not any(record.cursor for record in read)
    assert len(list(redcap.pull("records", ""))) == 7


@pytest.mark.parametrize(
    "fault", [Fault("throttled", passes=3, seconds=7), Fault("broken", passes=3),
              Fault("truncated", passes=3), Fault("slow", passes=3, seconds=0.2)]
)  # fmt: skip
def test_what_passes_by_itself_is_tried_again(redcap, server, clock, fault):
    server.faults.append(fault)

    assert names(redcap.pull("records", "")) == [f"records/{n}" for n in range(1, 8)]
    assert server.faults == []
    assert (7 in clock.slept) is (fault.kind == "throttled")


def test_a_failure_inside_a_200_is_no_success(redcap, server):
    body = {"error": 'Record "ZZPHI" and 700123 cannot be exported'}
    server.faults.append(Fault("failed", passes=3, body=body))

    with pytest.raises(Refused, match="cannot be exported") as raised:
        list(redcap.pull("records", ""))

    assert "ZZPHI" not in str(raised.value)
    assert "700123" not in str(raised.value)


def test_a_batch_that_cannot_be_read_is_kept_and_the_next_one_read(redcap, server):
    server.faults.append(Fault("failed", passes=3, body=["no row"]))

    records = list(redcap.pull("records", ""))

    assert [bool(record.fault) for record in records] == [False] * 3 + [True] + [False]
    assert records[-1].cursor


@pytest.mark.parametrize(("stream", "passes"), [("records", 1), ("ids", 1), ("log", 0)])
def test_a_list_that_cannot_be_read_is_kept_and_the_pull_says_so(redcap, server, stream, passes):
    server.faults.append(Fault("failed", passes=passes, body="no list"))
    read = []

    with pytest.raises(Refused, match="POST"):
        read.extend(redcap.pull(stream, ""))

    assert [(record.stream, record.body, bool(record.fault)) for record in read] == [
        (stream, b'"no list"', True)
    ]


def test_our_own_clock_makes_no_cursor(serve, reply, connect):
    def answer(asked):
        form = dict(parse_qsl(asked.body.decode()))
        rows = FIELDS if form["content"] == "metadata" else [{"record_id": "1"}]
        return reply(200, json.dumps(rows).encode(), {"Date": "unknown"})

    (record,) = connect(serve(answer).url).pull("records", "")

    assert record.cursor == ""


def test_what_shifts_while_it_is_read_is_neither_lost_nor_doubled(redcap, project):
    run = redcap.pull("records", "")
    read = [next(run), next(run), next(run)]
    project.delete("7")
    project.put({"record_id": "1", "redcap_event_name": "screening_arm_1", "enrolled": "1"})
    project.put({"record_id": "8", "redcap_event_name": "screening_arm_1"})
    read += run

    again = list(redcap.pull("records", read[-1].cursor))

    assert names(read) == [f"records/{n}" for n in range(1, 7)]
    assert {"records/1", "records/8"} <= set(names(again))
    changed = next(record for record in again if names([record]) == ["records/1"])
    assert json.loads(changed.body)[0]["enrolled"] == "1"
    assert [json.loads(gone.body)["record"] for gone in redcap.pull("log", "")] == ["7"]


def test_the_pace_is_kept(redcap, clock):
    list(redcap.pull("records", ""))

    assert clock.slept == [0.2] * 4  # five requests, five a second


def test_a_pace_is_shared_by_all_who_speak_through_a_connection(clock):
    pace = Pace()

    for _ in range(3):
        pace.keep(2, clock.world)
    clock.at += timedelta(seconds=10)
    pace.keep(2, clock.world)

    assert clock.slept == [0.5, 0.5]


def test_a_token_does_not_travel_without_tls(connect):
    with pytest.raises(Misconfigured, match="https"):
        list(connect("http://redcap.example.edu/api/").pull("records", ""))


@pytest.mark.parametrize(
    "change",
    [{"token": TOKEN}, {"batch": 501}, {"timezone": "Mars"}, {"own_id_field": "x] = ''"},
     {"fields": ["a b"]}],
)  # fmt: skip
def test_wrong_settings_are_told(connect, change):
    with pytest.raises(ValueError, match=next(iter(change))) as raised:
        connect("https://redcap.example.edu/api/", **change)

    assert TOKEN not in str(raised.value)


def test_a_hundred_thousand_records_pass_in_little_memory(serve, reply, connect):
    everyone = [{"record_id": str(number)} for number in range(1, 100_001)]

    def answer(asked):
        form = dict(parse_qsl(asked.body.decode()))
        if form["content"] == "metadata":
            return reply(200, json.dumps(FIELDS).encode())
        wanted = [value for name, value in form.items() if name.startswith("records[")]
        rows = [{"record_id": one, "icf_date": "2026-02-01"} for one in wanted] or everyone
        return reply(200, json.dumps(rows).encode())

    redcap = connect(serve(answer).url, batch=500)
    run = redcap.pull("records", "")
    next(run)
    here = psutil.Process()
    began, most = here.memory_info().rss, 0
    for count, _ in enumerate(run, start=2):
        if count % 5_000 == 0:
            most = max(most, here.memory_info().rss)

    assert count == 100_000
    assert most - began < 40_000_000  # with the server, which is this process too


# -- what is written


def test_a_new_participant_is_registered_once_and_gets_a_number(redcap, project):
    first, again = redcap.push([delivery(1, id="0198-1")]), redcap.push([delivery(2, id="0198-1")])

    assert [(one.outcome, one.native_id) for one in (*first, *again)] == [("delivered", "8")] * 2
    assert len(project.records) == 8
    row = project.records["8"]["screening_arm_1", "", ""]
    assert row == {"record_id": "8", "hub_id": "0198-1", "icf_date": "2026-03-01"}


def test_a_participant_whom_redcap_knows_is_changed(redcap, project):
    (receipt,) = redcap.push([delivery(1, record="5", id="0198-5")])

    assert (receipt.outcome, receipt.native_id) == ("delivered", "5")
    assert project.records["5"]["screening_arm_1", "", ""]["icf_date"] == "2026-03-01"
    assert project.records["5"]["visit_1_arm_1", "", ""]["visit_date"] == "2026-03-05"


SUBJECT = {"record_id": "5", "redcap_event_name": "screening_arm_1", "subject_no": "S-0005"}


@pytest.fixture
def by_number(project, server, connect):
    """Where subjects have a number in the project, and one was put in by hand."""
    project.fields.extend(dictionary((("subject_no", "screening", ""),)))
    project.put(SUBJECT)
    return connect(f"{server.url}/api/", number_field="subject_no")


def test_who_was_put_in_by_hand_is_not_registered_again(by_number, project):
    receipts = [
        *by_number.push([delivery(1, id="0198-5", number="S-0005")]),
        *by_number.push([delivery(2, id="0198-5", number="S-0005")]),
    ]

    assert [(one.outcome, one.native_id) for one in receipts] == [("delivered", "5")] * 2
    assert len(project.records) == 7
    row = project.records["5"]["screening_arm_1", "", ""]
    assert (row["hub_id"], row["icf_date"]) == ("0198-5", "2026-03-01")


def test_who_has_another_number_is_registered(by_number, project):
    [receipt] = by_number.push([delivery(1, id="0198-6", number="S-0006")])

    assert (receipt.outcome, receipt.native_id, len(project.records)) == ("delivered", "8", 8)


@pytest.mark.parametrize(
    "row",
    [SUBJECT | {"hub_id": "0198-9"}, SUBJECT | {"record_id": "6"}],
    ids=["another of ours", "two of one number"],
)
def test_whose_number_is_anothers_is_for_a_person(by_number, project, row):
    project.put(row)

    [receipt] = by_number.push([delivery(1, id="0198-5", number="S-0005")])

    assert receipt.outcome == "refused"
    assert "a person must decide" in receipt.detail
    assert len(project.records) == 7


def test_a_record_that_is_gone_is_not_made_again(redcap, project):
    project.delete("5")

    (receipt,) = redcap.push([delivery(1, record="5", id="0198-5")])

    assert receipt.outcome == "refused"
    assert "5" not in project.records


def test_two_records_with_our_number_are_for_a_person(redcap, project):
    for name in ("1", "2"):
        project.put({"record_id": name, "redcap_event_name": "screening_arm_1", "hub_id": "d1"})

    (receipt,) = redcap.push([delivery(1)])

    assert (receipt.outcome, len(project.records)) == ("refused", 7)


def test_a_refusal_tells_field_and_reason_and_no_value(redcap):
    body = b'[{"icf_date": "ZZPHI", "redcap_event_name": "screening_arm_1"}]'
    wrong = Delivery(id="d1", stream="records", body=body, media="application/json")

    first, second = redcap.push([wrong, delivery(2)])

    assert (first.outcome, second.outcome) == ("refused", "delivered")
    assert "icf_date: The value you provided could not be validated" in first.detail
    assert "ZZPHI" not in first.detail


@pytest.mark.parametrize("kind", ["broken", "truncated"])
def test_without_an_answer_nobody_knows_and_the_next_try_finds_what_is_there(
    redcap, project, server, kind
):
    server.faults.append(Fault(kind, passes=2))

    lost, waits = redcap.push([delivery(1), delivery(2)])

    assert (lost.outcome, waits.outcome) == ("unknown", "later")
    written = len(project.records)
    redcap.push([delivery(1)])
    assert written == (8 if kind == "truncated" else 7)
    assert len(project.records) == 8


def test_a_row_goes_to_the_event_of_the_connection_unless_it_names_one(project, server, connect):
    redcap = connect(f"{server.url}/api/", event="visit_1_arm_1")
    body = b'[{"visit_date": "2026-03-09"}]'
    bare = Delivery(id="d1", stream="records", body=body, media="application/json")

    redcap.push([bare, delivery(2)])

    assert project.records["8"].keys() == {("visit_1_arm_1", "", "")}
    assert project.records["9"].keys() == {("screening_arm_1", "", "")}


def test_a_push_needs_a_field_for_our_number(server, connect):
    with pytest.raises(Misconfigured, match="own_id_field"):
        connect(f"{server.url}/api/", own_id_field="").push([delivery(1)])


@pytest.mark.parametrize("number", ["a' or [record_id] <> '", "x" * 101])
def test_a_number_that_is_none_reaches_no_filter(redcap, server, number):
    (receipt,) = redcap.push([delivery(1, id=number)])

    assert receipt.outcome == "refused"
    assert not any("filterLogic" in form for form in server.forms)


def test_a_subjects_number_that_is_none_reaches_no_filter(by_number, server):
    [receipt] = by_number.push([delivery(1, number="a' or [record_id] <> '")])

    assert receipt.outcome == "refused"
    assert not any("subject_no] " in form.get("filterLogic", "") for form in server.forms)


def test_now_is_the_servers_time(redcap):
    before = datetime.now(UTC) - timedelta(seconds=2)

    cursor = list(redcap.pull("records", ""))[-1].cursor

    assert before <= datetime.fromisoformat(cursor) <= datetime.now(UTC)  # our own says March
