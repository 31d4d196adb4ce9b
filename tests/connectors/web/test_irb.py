"""An IRB's portal, against the made-up one and against servers that fail."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.irb import Irb
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery
from crohub.sandbox.irb import IrbState, irb_server
from crohub.sandbox.web import Fault

BUILDER = Path(__file__).parents[4] / "shared" / "data" / "irb" / "cr-connect-protocol-builder"
STARTED = datetime.now(UTC) - timedelta(days=2)


@pytest.fixture
def state():
    made = IrbState()
    for n in range(1, 6):
        made.studies[f"STUDY0{n}"] = {"id": f"STUDY0{n}", "name": f"Trial {n}"}
        made.now = lambda n=n: STARTED + timedelta(hours=n)
        made.submit(f"MOD0{n}", id=f"STUDY0{n}", type="Modification", state="Submitted")
    made.user_studies = [{"STUDYID": n, "TITLE": f"T{n}"} for n in (1, 2, 3)]
    for n in (1, 2, 3):
        made.builder[str(n)] = {
            "investigators": [{"INVESTIGATORTYPE": "PI", "NETBADGEID": "dhf8r"},
                              {"INVESTIGATORTYPE": "SI", "NETBADGEID": 4711}],
            "study": [{"IDE": "12345"}], "required_docs": {"AUXDOCS": []},
        }  # fmt: skip
    return made


@pytest.fixture
def server(state):
    with irb_server(state) as running:
        yield running


@pytest.fixture
def connect(monkeypatch, clock):
    monkeypatch.setenv("IRB_TOKEN", "made-up")

    def make(url, **more):
        auth = {"kind": "bearer", "token": "${env:IRB_TOKEN}"}
        return Irb(base_url=url, **{"auth": auth, **more}).within(clock.world)

    return make


@pytest.fixture
def irb(server, connect):
    return connect(server.url)


@pytest.fixture
def builder(server, connect):
    return connect(f"{server.url}/pb", profile="protocol_builder", auth={"kind": "none"})


@pytest.fixture
def down(connect):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield connect(f"http://127.0.0.1:{bound.getsockname()[1]}")


def proposal(number=1, stream="reportable_event", study="STUDY01"):
    body = {"externalId": f"h{number}", "studyId": study, "description": "ZZPHI"}
    return Delivery(
        id=f"d{number}", stream=stream, body=json.dumps(body).encode(), media="application/json",
        target={"id": f"h{number}"},
    )  # fmt: skip


def names(records):
    return [record.message_key.partition("@")[0].partition("/")[2] for record in records]


ALL = [f"MOD0{n}" for n in range(1, 6)]


# -- promises


class TestSubmissions(PullPromises):
    overlaps = True

    @pytest.fixture
    def connector(self, irb):
        return irb

    @pytest.fixture
    def stream(self):
        return "submissions"


class TestStudies(TestSubmissions):
    ordered = False

    @pytest.fixture
    def stream(self):
        return "studies"


class TestInvestigators(TestSubmissions):
    @pytest.fixture
    def connector(self, builder):
        return builder

    @pytest.fixture
    def stream(self):
        return "investigators"


class TestCheck(CheckPromises):
    @pytest.fixture
    def connector(self, irb):
        return irb


class TestPush(PushPromises):
    @pytest.fixture
    def connector(self, irb):
        return irb

    @pytest.fixture
    def deliveries(self):
        return [proposal(1), proposal(2), proposal(3, "staff_change")]

    @pytest.fixture
    def there(self, state):
        return lambda: [dict(row) for rows in state.proposals.values() for row in rows]


# -- what is read


@pytest.mark.parametrize("links", [False, True])
def test_every_page_is_read_by_its_token_or_by_its_link(state, server, connect, links):
    state.links = links
    pager = {"pager": {"kind": "next_link", "link": "links.next"}} if links else {}
    irb = connect(server.url, streams={"submissions": pager})

    assert names(irb.pull("submissions", "")) == ALL
    assert len(server.asked) == 3


def test_only_what_changed_is_read_again(irb, state, server):
    read = list(irb.pull("submissions", ""))
    state.now = lambda: datetime.now(UTC)
    state.submit("MOD02", state="Approved")

    again = list(irb.pull("submissions", read[-1].cursor))

    assert names(again) == ["MOD05", "MOD02"]  # the last five minutes are read again
    assert json.loads(again[-1].body)["state"] == "Approved"
    assert again[-1].cursor > read[-1].cursor


def test_studies_are_a_whole_list_and_submissions_end_by_their_state(irb):
    assert irb.is_whole("studies")
    assert not irb.is_whole("submissions")
    assert [record.of for record in irb.pull("studies", "")] == [f"STUDY0{n}" for n in range(1, 6)]


def test_an_irb_by_certificate_alone_sends_no_token(serve, reply, connect):
    web = serve(lambda _: reply(200, b'{"data": [], "pagination": {}}'))

    assert connect(web.url, auth={"kind": "none"}).check().ok
    assert "authorization" not in web.asked[0].headers


def test_what_belongs_to_a_study_says_so_first_and_the_rest_is_as_it_came(builder):
    first, second, *others = builder.pull("investigators", "")

    assert first.body == (b'{"STUDY":"1", "INVESTIGATORTYPE":"PI","NETBADGEID":"dhf8r"}')
    assert [first.of, second.of] == ["1|PI|dhf8r", "1|SI|4711"]
    assert len({one.of for one in others}) == 4


@pytest.mark.parametrize("stream", ["study", "required_docs"])
def test_one_object_and_a_list_of_one_are_alike(builder, stream):
    read = list(builder.pull(stream, ""))

    assert names(read) == [f"{n}|{stream}" for n in (1, 2, 3)]
    assert [json.loads(one.body)["STUDY"] for one in read] == ["1", "2", "3"]


@pytest.mark.skipif(not BUILDER.is_dir(), reason="shared/data is not here")
def test_public_answers_of_protocol_builder_are_read(state, builder):
    state.user_studies = json.loads((BUILDER / "user_studies.json").read_text())
    said = {name: json.loads((BUILDER / f"{file}.json").read_text()) for name, file in
            [("investigators", "investigators"), ("study", "study_details"),
             ("sponsors", "sponsors"), ("required_docs", "required_docs"),
             ("irb_info", "irb_info")]}  # fmt: skip
    state.builder = {str(one["STUDYID"]): said for one in state.user_studies}

    counts = {name: len(list(builder.pull(name, ""))) for name in builder.streams}

    assert counts == {"user_studies": 4, "study": 4, "investigators": 20, "sponsors": 12,
                      "required_docs": 4, "irb_info": 4}  # fmt: skip
    assert not any(r.fault for name in builder.streams for r in builder.pull(name, ""))


# -- what goes wrong


def test_a_wrong_token_stops_the_connection_with_the_irbs_words(server, connect, monkeypatch):
    monkeypatch.setenv("IRB_TOKEN", "ZZSECRET")
    irb = connect(server.url, auth={"kind": "bearer", "token": "${env:IRB_TOKEN}"})
    monkeypatch.setenv("IRB_TOKEN", "ZZOTHER")

    with pytest.raises(Misconfigured, match="unauthorized Who is this") as raised:
        list(irb.pull("submissions", ""))

    assert "ZZ" not in str(raised.value)
    assert "unauthorized" in irb.check().detail


def test_a_token_that_ends_in_mid_run_stops_it_and_what_was_read_stands(irb, server):
    server.faults.append(Fault("unauthorized", passes=1))
    read = []

    with pytest.raises(Misconfigured, match="401"):
        read.extend(irb.pull("submissions", ""))

    assert names(read) == ALL[:2]
    assert len(list(irb.pull("submissions", read[-1].cursor))) >= 3


@pytest.mark.parametrize(
    "fault",
    [Fault("throttled", passes=1, seconds=7), Fault("broken", passes=1),
     Fault("truncated", passes=1), Fault("slow", passes=1, seconds=0.2)],
)  # fmt: skip
def test_what_passes_by_itself_is_tried_again(irb, server, clock, fault):
    server.faults.append(fault)

    assert names(irb.pull("submissions", "")) == ALL
    assert server.faults == []
    assert (7 in clock.slept) is (fault.kind == "throttled")


@pytest.mark.parametrize(
    "body", [{"errors": [{"code": "E1", "message": "ZZPHI"}]}, {"errorCode": "E1", "data": []}]
)
def test_a_failure_inside_a_200_is_no_success(irb, server, body):
    server.faults.append(Fault("failed", passes=1, body=body))
    read = []

    with pytest.raises((Refused, TryLater), match="200") as raised:
        read.extend(irb.pull("submissions", ""))

    assert names(read) == ALL[:2]
    assert "ZZPHI" not in str(raised.value)


def test_a_page_that_cannot_be_read_is_kept_and_the_pull_says_so(irb, server):
    server.faults.append(Fault("failed", passes=1, body="no list"))
    read = []

    with pytest.raises(Refused, match="its next is unknown"):
        read.extend(irb.pull("submissions", ""))

    assert [(one.body, bool(one.fault)) for one in read][-1] == (b'"no list"', True)
    assert {one.cursor for one in read} == {""}


def test_a_list_that_shifts_while_it_is_read_is_read_again_from_where_it_began(irb, state):
    before = next(iter(irb.pull("submissions", ""))).cursor
    run, read = irb.pull("submissions", before), []
    read += [next(run), next(run)]
    state.now = lambda: datetime.now(UTC)
    state.submit("MOD01", state="Approved")  # moves to the end, all others one up

    with pytest.raises(TryLater, match="read again"):
        read += run

    assert {one.cursor for one in read} == {before}
    assert "MOD05" not in names(read)
    assert set(names(irb.pull("submissions", read[-1].cursor))) == set(ALL)


@pytest.mark.parametrize(
    "change",
    [{"profile": "cirbi"}, {"timezone": "Mars"}, {"auth": {"kind": "bearer", "token": "plain"}},
     {"streams": {"letters": {"path": "letters", "id": "id"}}}, {"writes": {"x": {"make": "/x"}}}],
)  # fmt: skip
def test_wrong_settings_are_told(connect, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        connect("https://irb.example.edu", **change)


def test_times_without_an_offset_are_of_the_irbs_zone(serve, reply, connect):
    row = b'{"data": [{"submissionId": "M1", "modified": "2026-02-20T17:03:11"}]}'
    web = serve(lambda _: reply(200, row))

    (record,) = connect(web.url, timezone="America/New_York").pull("submissions", "")

    assert record.at == datetime(2026, 2, 20, 22, 3, 11, tzinfo=UTC)


def test_a_hundred_thousand_records_pass_in_little_memory(serve, reply, connect):
    def answer(asked):
        start = int(asked.query.get("continuationToken", ["0"])[0])
        rows = [
            {"submissionId": f"M{n:06}", "state": "Approved"} for n in range(start, start + 500)
        ]
        more = {"continuationToken": str(start + 500)} if start + 500 < 100_000 else {}
        return reply(200, json.dumps({"data": rows, "pagination": more}).encode())

    run = connect(serve(answer).url).pull("submissions", "")
    next(run)
    here = psutil.Process()
    began, most = here.memory_info().rss, 0
    for count, _ in enumerate(run, start=2):
        if count % 5_000 == 0:
            most = max(most, here.memory_info().rss)

    assert count == 100_000
    assert most - began < 40_000_000  # with the server, which is this process too


# -- what is handed in


def test_it_says_that_nothing_is_told_without_a_decision(irb):
    assert irb.decided


def test_a_proposal_is_handed_in_once_and_waits_there(irb, state):
    first, again = irb.push([proposal()]), irb.push([proposal()])

    assert [(r.outcome, r.native_id) for r in (*first, *again)] == [
        ("delivered", "PROP00000001")
    ] * 2
    (row,) = state.proposals["reportable-events"]
    assert row["state"] == "Received"


def test_a_proposal_with_another_text_does_not_change_the_one_that_is_there(irb, state):
    irb.push([proposal()])
    body = {"externalId": "h1", "studyId": "STUDY01", "description": "another"}
    other = Delivery(id="d9", stream="reportable_event", body=json.dumps(body).encode(),
                     media="application/json", target={"id": "h1"})  # fmt: skip

    (receipt,) = irb.push([other])

    assert receipt.outcome == "refused"
    assert state.proposals["reportable-events"][0]["description"] == "ZZPHI"


def test_a_refusal_tells_field_and_code_and_no_value(irb):
    first, second = irb.push([proposal(1, study="NOWHERE7"), proposal(2)])

    assert (first.outcome, second.outcome) == ("refused", "delivered")
    assert "code unknown_study field studyId Study … is not known" in first.detail


@pytest.mark.parametrize("kind", ["broken", "truncated"])
def test_without_an_answer_nobody_knows_and_the_next_try_finds_what_is_there(
    irb, state, server, kind
):
    server.faults.append(Fault(kind, passes=1))

    lost, waits = irb.push([proposal(1), proposal(2)])

    assert (lost.outcome, waits.outcome) == ("unknown", "later")
    irb.push([proposal(1)])
    assert len(state.proposals["reportable-events"]) == 1


def test_a_protocol_builder_takes_no_proposals(builder):
    with pytest.raises(Misconfigured, match="nothing is written"):
        builder.push([proposal()])
