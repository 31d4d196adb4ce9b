"""OnCore, against the made-up one and against servers that fail."""

from __future__ import annotations

import json
import socket
from urllib.parse import parse_qs

import psutil
import pytest

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.oncore import LISTS, Oncore
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery
from crohub.sandbox.oncore import REST, OncoreState, oncore_server
from crohub.sandbox.web import Fault


@pytest.fixture
def state():
    made = OncoreState()
    for n in (1, 2, 3):
        made.put("protocols", protocolId=n, protocolNo=f"ONC-10{n}", title=f"Trial {n}",
                 protocolStatus="OPEN TO ACCRUAL")  # fmt: skip
        made.put("protocolManagementDetails", protocolId=n, irbNo=f"STUDY0{n}")
        made.put(
            "contacts",
            contactId=70 + n,
            lastName=f"Person{n}",
            firstName="A",
            email=f"p{n}@uh.example",
        )
        made.put("protocolStaff", protocolId=n, contactId=71, role="Principal Investigator")
        made.put("protocolStaff", protocolId=n, contactId=70 + n, role="Study Coordinator")
        made.put("subjectDemographics", subjectDemographicsId=500 + n, mrn=f"70012{n}",
                 subjectSource="OnCore", lastName="ZZPHI", firstName="A", birthDate="1985-02-01",
                 gender="F", ethnicity="Non-Hispanic", race=["White"])  # fmt: skip
        made.put("protocolSubjects", protocolSubjectId=900 + n, protocolId=n, studySite="UH",
                 subjectDemographicsId=500 + n, status="ON STUDY")  # fmt: skip
        made.put("protocolCalendarVisits", calendarVisitId=30 + n, protocolId=n, visitName="C1D1")
        made.put("protocolSubjectVisits", protocolSubjectVisitId=60 + n, protocolId=n,
                 protocolSubjectId=900 + n, calendarVisitId=30 + n, visitDate="2026-03-05",
                 visitStatus="Occurred")  # fmt: skip
    # one person may be on one protocol twice
    made.put("protocolSubjects", protocolSubjectId=910, protocolId=1, studySite="UH",
             subjectDemographicsId=501, status="OFF STUDY")  # fmt: skip
    return made


@pytest.fixture
def server(state):
    with oncore_server(state) as running:
        yield running


@pytest.fixture
def connect(monkeypatch, clock):
    monkeypatch.setenv("ONCORE_SECRET", "made-up")

    def make(url, **more):
        settings = {"client_id": "crohub", "client_secret": "${env:ONCORE_SECRET}", **more}
        return Oncore(base_url=url, **settings).within(clock.world)

    return make


@pytest.fixture
def oncore(server, connect):
    return connect(server.url)


@pytest.fixture
def down(connect):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield connect(f"http://127.0.0.1:{bound.getsockname()[1]}")


def delivery(stream, body, number=1, **target):
    return Delivery(
        id=f"d{number}", stream=stream, body=json.dumps(body).encode(), media="application/json",
        target=target,
    )  # fmt: skip


def names(records):
    return [record.message_key.partition("@")[0] for record in records]


def visit(subject, planned, number=1, protocol=1, **more):
    body = {"protocolSubjectId": subject, "calendarVisitId": planned, **more}
    return delivery("visit", {"protocolId": protocol, **body}, number, protocol=str(protocol))


# -- promises


class TestSubjects(PullPromises):
    ordered = True
    overlaps = True

    @pytest.fixture
    def connector(self, oncore):
        return oncore

    @pytest.fixture
    def stream(self):
        return "protocol_subjects"


class TestDemographics(TestSubjects):
    @pytest.fixture
    def stream(self):
        return "subject_demographics"


class TestCheck(CheckPromises):
    @pytest.fixture
    def connector(self, oncore):
        return oncore


class TestPush(PushPromises):
    @pytest.fixture
    def connector(self, oncore):
        return oncore

    @pytest.fixture
    def deliveries(self):
        return [
            delivery("subject_status", {"status": "OFF STUDY"}, 1, id="901"),
            visit(902, 32, 2, protocol=2, visitStatus="Missed"),
            visit(910, 31, 3, visitStatus="Occurred"),
        ]

    @pytest.fixture
    def there(self, state):
        return lambda: [dict(row) for rows in state.rows.values() for row in rows.values()]


# -- what is read


@pytest.mark.parametrize(
    ("stream", "things"),
    [
        ("protocols", ["1", "2", "3"]),
        ("protocol_management", ["1", "2", "3"]),
        ("protocol_subjects", ["901", "910", "902", "903"]),
        ("calendars", ["31", "32", "33"]),
        ("visits", ["61", "62", "63"]),
        ("contacts", ["71", "72", "73"]),
        ("subject_demographics", ["501", "502", "503"]),
    ],
)
def test_every_list_is_read_for_every_protocol_each_thing_once(oncore, stream, things):
    assert names(oncore.pull(stream, "")) == [f"{stream}/{one}" for one in things]


def test_staff_are_known_by_protocol_person_and_role(oncore):
    found = [record.of for record in oncore.pull("protocol_staff", "")]

    assert len(found) == 6
    assert found[:2] == ["1|71|Principal Investigator", "1|71|Study Coordinator"]


def test_unchanged_content_has_an_unchanged_key_and_what_is_missing_has_gone(oncore, state):
    before = {record.of: record.message_key for record in oncore.pull("protocol_subjects", "")}
    state.rows["protocolSubjects"]["902"]["status"] = "OFF STUDY"
    del state.rows["protocolSubjects"]["903"]

    after = {record.of: record.message_key for record in oncore.pull("protocol_subjects", "")}

    assert before.keys() - after.keys() == {"903"}
    assert {of for of in after if after[of] != before[of]} == {"902"}
    assert oncore.is_whole("protocol_subjects")


def test_lists_of_people_are_no_rolls_since_who_is_on_no_protocol_is_still_there(oncore):
    whole = {name for name in LISTS if oncore.is_whole(name)}

    assert whole == LISTS.keys() - {"protocol_management", "contacts", "subject_demographics"}


def test_a_record_is_as_the_answer_spells_it(serve, reply, connect):
    web = serve(answering(reply, protocols=b'[ {"protocolId":1,  "budget":1.10} ]'))

    (record,) = connect(web.url).pull("protocols", "")

    assert record.body == b'{"protocolId":1,  "budget":1.10}'


def test_demographics_are_asked_for_once_a_person_and_at_a_pace(oncore, server, clock):
    list(oncore.pull("subject_demographics", ""))

    asked = [one.path for one in server.asked if "/subjectDemographics/" in one.path]
    assert len(asked) == 3
    assert clock.slept == [0.1] * 6  # seven requests, ten a second


def test_lists_of_a_release_with_other_spellings_are_a_matter_of_settings(server, connect, state):
    oncore = connect(server.url, streams={"visits": {"path": "/protocolCalendarVisits",
                                                     "id": "calendarVisitId"}})  # fmt: skip

    assert names(oncore.pull("visits", "")) == ["visits/31", "visits/32", "visits/33"]


# -- what goes wrong


def answering(reply, **bodies):
    """A server whose lists are `bodies`; those of a protocol may be a function of its number."""

    def answer(asked):
        if asked.path.endswith("/token"):
            return reply(200, b'{"access_token": "T", "expires_in": 3600}')
        body = bodies[asked.path.removeprefix(f"{REST}/").partition("/")[0]]
        made = body(asked) if callable(body) else body
        return made if isinstance(made, type(reply())) else reply(200, made)

    return answer


def test_a_wrong_secret_stops_the_connection_with_oncores_word(server, connect, monkeypatch):
    oncore = connect(server.url)
    monkeypatch.setenv("ONCORE_SECRET", "ZZSECRET")
    oncore = connect(server.url)

    with pytest.raises(Misconfigured, match="invalid_client") as raised:
        list(oncore.pull("protocols", ""))

    assert "ZZSECRET" not in str(raised.value)
    assert "invalid_client" in oncore.check().detail


def test_a_token_that_ends_in_mid_run_is_renewed_once(oncore, server, state):
    server.faults.append(Fault("unauthorized", path=f"{REST}/protocolSubjects", passes=1))

    assert len(list(oncore.pull("protocol_subjects", ""))) == 4
    assert len(state.tokens) == 2


@pytest.mark.parametrize(
    "fault",
    [Fault("throttled", path=REST, passes=2, seconds=7), Fault("broken", path=REST, passes=2),
     Fault("truncated", path=REST, passes=2), Fault("slow", path=REST, passes=2, seconds=0.2)],
)  # fmt: skip
def test_what_passes_by_itself_is_tried_again(oncore, server, clock, fault):
    server.faults.append(fault)

    assert len(list(oncore.pull("protocol_subjects", ""))) == 4
    assert server.faults == []
    assert (7 in clock.slept) is (fault.kind == "throttled")


def test_a_failure_inside_a_200_ends_the_list_and_the_others_are_read(oncore, server):
    body = {"message": "Subject 'ZZPHI' 700123 cannot be shown", "errorType": "SYSTEM"}
    server.faults.append(Fault("failed", path=f"{REST}/protocolSubjects", passes=1, body=body))
    read = []

    with pytest.raises(Refused, match="errorType SYSTEM Subject … … cannot be shown") as raised:
        read.extend(oncore.pull("protocol_subjects", ""))

    assert [record.of for record in read] == ["901", "910", "903"]
    assert "ZZPHI" not in str(raised.value)


def test_a_list_that_cannot_be_read_is_kept_and_the_pull_ends_with_an_error(oncore, server):
    server.faults.append(Fault("failed", path=f"{REST}/protocolSubjects", passes=1, body="no list"))
    read = []

    with pytest.raises(Refused, match="1 of its lists not read"):
        read.extend(oncore.pull("protocol_subjects", ""))

    assert [(record.body, bool(record.fault)) for record in read if not record.of] == [
        (b'"no list"', True)
    ]
    assert len(read) == 4


def test_an_address_that_is_wrong_for_every_protocol_is_given_up(serve, reply, connect):
    wrong = reply(404, b'{"message": "no such thing", "errorType": "NOT_FOUND"}')
    many = json.dumps([{"protocolId": n} for n in range(50)]).encode()
    web = serve(answering(reply, protocols=many, protocolStaff=wrong))

    with pytest.raises(Refused, match="5 of its lists not read"):
        list(connect(web.url).pull("protocol_staff", ""))


def test_a_server_that_is_down_in_mid_run_ends_it(oncore, server):
    server.faults += [Fault("broken", path=f"{REST}/protocolSubjects", passes=1)] * 1
    server.faults += [Fault("broken", path=f"{REST}/protocolSubjects") for _ in range(8)]

    with pytest.raises(TryLater):
        list(oncore.pull("protocol_subjects", ""))


def test_a_list_that_shifts_while_it_is_read_names_no_thing_twice(oncore, state):
    run = oncore.pull("protocol_subjects", "")
    read = [next(run), next(run)]
    moved = state.rows["protocolSubjects"].pop("901")
    state.put("protocolSubjects", **{**moved, "protocolId": 1})
    del state.rows["protocols"]["3"]
    read += run

    assert len({record.of for record in read}) == len(read) == 4


def test_an_element_without_its_number_makes_the_list_no_roll(serve, reply, connect):
    web = serve(answering(reply, protocols=b'[{"title": "x"}, {"protocolId": 2}]'))

    first, second = connect(web.url).pull("protocols", "")

    assert (first.of, second.of) == ("", "2")
    assert "no id" in first.fault


@pytest.mark.parametrize(
    "change",
    [{"client_secret": "plain"}, {"per_second": 0}, {"api_path": "x"},
     {"streams": {"visits": {"of": "nowhere"}}}, {"streams": {"protocols": {"colour": "red"}}},
     {"writes": {"new": {"make": "/x"}}}],
)  # fmt: skip
def test_wrong_settings_are_told(connect, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        connect("https://oncore.example.edu", **change)


def test_a_hundred_thousand_records_pass_in_little_memory(serve, reply, connect, clock):
    protocols = json.dumps([{"protocolId": n} for n in range(200)]).encode()

    def subjects(asked):
        (protocol,) = parse_qs(asked.target.partition("?")[2])["protocolId"]
        rows = [
            {"protocolSubjectId": f"{protocol}-{n}", "protocolId": protocol} for n in range(500)
        ]
        return json.dumps(rows).encode()

    run = connect(serve(answering(reply, protocols=protocols, protocolSubjects=subjects)).url).pull(
        "protocol_subjects", ""
    )
    next(run)
    here = psutil.Process()
    began, most = here.memory_info().rss, 0
    for count, _ in enumerate(run, start=2):
        if count % 5_000 == 0:
            most = max(most, here.memory_info().rss)

    assert count == 100_000
    assert most - began < 40_000_000  # with the server, which is this process too


# -- what is written


def test_a_status_is_changed_and_what_else_stands_there_stays(oncore, state):
    said = delivery("subject_status", {"status": "OFF STUDY"}, id="901")

    first, again = oncore.push([said]), oncore.push([said])

    assert [(one.outcome, one.detail, one.native_id) for one in (*first, *again)] == [
        ("delivered", "changed", "901"), ("delivered", "it is so already", "901"),
    ]  # fmt: skip
    assert state.rows["protocolSubjects"]["901"] == {
        "protocolSubjectId": 901, "protocolId": 1, "studySite": "UH", "subjectDemographicsId": 501,
        "status": "OFF STUDY",
    }  # fmt: skip


def test_a_visit_that_took_place_is_made_once_and_then_changed(oncore, state):
    told = [visit(910, 31, 1, visitStatus="Missed"), visit(910, "31", 2, visitStatus="Occurred")]

    made, changed = oncore.push(told)

    assert (made.detail, changed.detail) == ("made", "changed")
    assert made.native_id == changed.native_id
    rows = [row for row in state.rows["protocolSubjectVisits"].values()
            if row["protocolSubjectId"] == 910]  # fmt: skip
    assert [row["visitStatus"] for row in rows] == ["Occurred"]


@pytest.mark.parametrize(
    ("stream", "body", "target", "table"),
    [
        ("irb_review", {"protocolId": 1, "irbReviewNo": "MOD1", "reviewType": "Modification"},
         {"protocol": "1"}, "protocolReviews"),
        ("credential", {"contactId": 71, "credentialType": "GCP", "credentialNo": "C1"},
         {"contact": "71"}, "contactCredentials"),
    ],
)  # fmt: skip
def test_reviews_and_credentials_are_made_once(oncore, state, stream, body, target, table):
    oncore.push([delivery(stream, body, 1, **target), delivery(stream, body, 2, **target)])

    (row,) = state.rows[table].values()
    assert row.items() >= body.items()


def test_what_was_made_between_our_look_and_our_write_is_no_failure(serve, reply, connect):
    looks = []
    exists = b'{"message": "Visit 31 of 910 already exists", "errorType": "DUPLICATE"}'

    def visits(asked):
        if asked.method == "POST":
            return reply(400, exists)
        looks.append(asked)
        there = [{"protocolSubjectVisitId": 7, "protocolSubjectId": 910, "calendarVisitId": 31}]
        return json.dumps(there if len(looks) > 1 else []).encode()

    web = serve(answering(reply, protocolSubjectVisits=visits))
    (receipt,) = connect(web.url).push([visit(910, 31)])

    assert (receipt.outcome, receipt.native_id) == ("delivered", "7")
    assert receipt.detail == "it already exists"


def test_a_subject_that_is_not_there_is_not_made(oncore, state):
    (receipt,) = oncore.push([delivery("subject_status", {"status": "OFF STUDY"}, id="999")])

    assert (receipt.outcome, len(state.rows["protocolSubjects"])) == ("refused", 4)


def test_all_subjects_that_are_named_become_one_persons(oncore, state):
    said = delivery("subject_person", {"subjectDemographicsId": "507"}, id="901,902,903")

    first, again = oncore.push([said]), oncore.push([said])

    assert [(one.outcome, one.detail) for one in (*first, *again)] == [
        ("delivered", "changed"), ("delivered", "it is so already"),
    ]  # fmt: skip
    rows = state.rows["protocolSubjects"]
    assert {str(rows[key]["subjectDemographicsId"]) for key in ("901", "902", "903")} == {"507"}
    assert str(rows["910"]["subjectDemographicsId"]) == "501"


def test_of_several_subjects_one_that_is_not_there_is_told(oncore):
    said = delivery("subject_person", {"subjectDemographicsId": "501"}, id="901,999")

    (receipt,) = oncore.push([said])

    assert receipt.outcome == "refused"
    assert "not there" in receipt.detail


def test_a_refusal_tells_field_and_code_and_no_value(oncore):
    wrong = delivery("demographics", {"lastName": ""}, id="501")

    first, second = oncore.push([wrong, delivery("subject_status", {"status": "X"}, 2, id="901")])

    assert (first.outcome, second.outcome) == ("refused", "delivered")
    assert "field lastName" in first.detail
    assert "errorType REQUIRED" in first.detail
    assert "ZZPHI" not in first.detail


@pytest.mark.parametrize("kind", ["broken", "truncated"])
def test_without_an_answer_nobody_knows_and_the_next_try_finds_what_is_there(
    oncore, state, server, kind
):
    server.faults.append(Fault(kind, path=f"{REST}/protocolSubjectVisits", passes=1))

    lost, waits = oncore.push([visit(910, 31, 1), visit(902, 31, 2)])

    assert (lost.outcome, waits.outcome) == ("unknown", "later")
    oncore.push([visit(910, 31, 1)])
    assert (
        sum(r["protocolSubjectId"] == 910 for r in state.rows["protocolSubjectVisits"].values())
        == 1
    )


@pytest.mark.parametrize("number", ["", "..", "."])
def test_a_target_that_names_nothing_reaches_no_address(oncore, server, number):
    (receipt,) = oncore.push([delivery("subject_status", {"status": "X"}, id=number)])

    assert receipt.outcome == "refused"
    assert server.asked == []


def test_a_target_leads_nowhere_else(oncore, server):
    oncore.push([delivery("subject_status", {"status": "X"}, id="../protocols/1")])

    assert {one.method for one in server.asked[1:]} == {"GET"}


def test_two_that_are_the_same_are_for_a_person(oncore, state):
    for _ in range(2):
        state.put("protocolSubjectVisits", protocolId=1, protocolSubjectId=910, calendarVisitId=31)

    (receipt,) = oncore.push([visit(910, 31, visitStatus="Occurred")])

    assert receipt.outcome == "refused"
    assert "a person must decide" in receipt.detail


def test_what_nobody_writes_stops_the_connection(oncore):
    with pytest.raises(Misconfigured, match="subject_status"):
        oncore.push([delivery("nonsense", {})])
