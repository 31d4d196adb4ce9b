"""The sandbox's FHIR server as an HTTP client sees it."""

from datetime import date, datetime, timedelta

import httpx2
import pytest

from crohub.sandbox.days import play
from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from crohub.sandbox.founding import found, holdings
from crohub.sandbox.world import ZONE

BEGINS = date(2026, 3, 2)
START = datetime(2026, 3, 2, tzinfo=ZONE)
SUBJECTS = "https://cedarmesa.example/studies/END-310/subjects"


def at(hours):
    return START + timedelta(hours=hours)


def patient(id, value, **more):
    numbers = [{"system": "urn:mrn", "value": value}]
    return {"resourceType": "Patient", "id": id, "identifier": numbers} | more


@pytest.fixture
def serve():
    running = []

    def start(store, **settings):
        server = FhirServer(store, lambda: at(10), **settings)
        server.start()
        client = httpx2.Client(base_url=server.url, timeout=5)
        running.append((server, client))
        return server, client

    yield start
    for server, client in running:
        client.close()
        server.stop()


@pytest.fixture
def few(serve):
    """Five patients, the third changed, the fifth deleted."""
    store = FhirStore()
    for number in range(1, 6):
        store.put(patient(f"p{number}", f"{number}"), at(number))
    store.put(patient("p3", "3", active=False), at(6))
    store.delete("Patient", "p5", at(7))
    return serve(store)


def pages(client, path, **params):
    """All entries, following next links verbatim; the number of pages beside them."""
    entries, answers, url = [], 0, path
    while url:
        bundle = client.get(url, params=params if not answers else None).raise_for_status().json()
        answers += 1
        entries += bundle["entry"]
        url = next((x["url"] for x in bundle["link"] if x["relation"] == "next"), "")
    return entries, answers


def ids(entries):
    return [entry["resource"]["id"] for entry in entries]


def test_a_whole_register_can_be_paged_through(serve):
    world, store = found(4, BEGINS), FhirStore()
    for resource in holdings(world):
        store.put(resource, START)
    for event in play(world, BEGINS).events:
        for resource in event.changes:
            store.put(resource, event.at)
    _, client = serve(store)

    entries, answers = pages(client, "ResearchSubject", _count="20", _sort="_lastUpdated")

    found_ids = ids(entries)
    assert len(found_ids) == len(set(found_ids)) == store.counts()["ResearchSubject"]
    assert answers == -(-len(found_ids) // 20)
    times = [datetime.fromisoformat(e["resource"]["meta"]["lastUpdated"]) for e in entries]
    assert times == sorted(times)


def test_a_search_keeps_its_answer_while_data_move_and_the_next_one_has_the_change(few):
    server, client = few
    first = client.get("Patient", params={"_count": 3, "_sort": "_lastUpdated"}).json()
    next_url = first["link"][0]["url"]

    server.store.put(patient("p1", "1", active=False), at(8))

    assert ids(client.get(next_url).json()["entry"]) == ["p3"]
    assert ids(client.get(next_url).json()["entry"]) == ["p3"]
    since = {"_lastUpdated": f"gt{at(7).isoformat()}"}
    assert ids(client.get("Patient", params=since).json()["entry"]) == ["p1"]


def test_a_next_link_that_is_forgotten_is_gone(few):
    server, client = few

    answer = client.get(server.url, params={"_page": "nonsense"})

    assert answer.status_code == 410
    assert answer.json()["issue"][0]["code"] == "expired"


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [("gt", ["p3"]), ("ge", ["p4", "p3"]), ("lt", ["p1", "p2"]), ("le", ["p1", "p2", "p4"]),
     ("", ["p4"])],
)  # fmt: skip
def test_last_updated_is_compared_as_a_time_whatever_its_offset(few, comparison, expected):
    _, client = few
    utc = "2026-03-02T11:00:00Z"  # four in the morning at the institution

    answer = client.get("Patient", params={"_lastUpdated": f"{comparison}{utc}"})

    assert ids(answer.json()["entry"]) == expected


def test_subjects_are_found_by_study_patient_identifier_and_status(serve):
    store, world = FhirStore(), found(4, BEGINS)
    for resource in holdings(world):
        store.put(resource, START)
    _, client = serve(store)
    one = next(s for s in world.subjects.values() if s.study == "end310")

    def search(**params):
        return set(ids(pages(client, "ResearchSubject", _count="100", **params)[0]))

    in_study = {s.id for s in world.subjects.values() if s.study == "end310"}
    assert search(study="ResearchStudy/end310") == in_study
    assert one.id in search(patient=f"pat-{one.mrn}") <= in_study
    assert search(identifier=f"{SUBJECTS}|{one.number}") == {one.id}
    assert search(identifier=f"urn:other|{one.number}") == set()
    assert search(study="end310", status="off-study,withdrawn") == {
        s.id for s in world.subjects.values() if s.study == "end310" and s.state == "off-study"
    }


def test_a_search_can_be_posted_so_that_identifiers_stay_out_of_the_address(few):
    _, client = few

    answer = client.post("Patient/_search", data={"identifier": "urn:mrn|2"})

    assert ids(answer.json()["entry"]) == ["p2"]


def test_an_unknown_parameter_is_ignored_and_said_so_beside_the_data(few):
    _, client = few

    bundle = client.get("Patient", params={"shoe-size": "44"}).json()

    assert [entry["search"]["mode"] for entry in bundle["entry"]] == ["match"] * 4 + ["outcome"]
    assert bundle["total"] == 4


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("Patient?_lastUpdated=gtyesterday", 400, "invalid"), ("Patient?_count=0", 400, "invalid"),
     ("Patient?_sort=name", 400, "not-supported"), ("Invoice", 404, "not-supported"),
     ("Patient/none", 404, "not-found"), ("Patient/p5", 410, "deleted")],
)  # fmt: skip
def test_what_cannot_be_answered_is_an_operation_outcome(few, path, status, code):
    _, client = few

    answer = client.get(path)

    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/fhir+json"


def test_history_has_every_version_newest_first_and_deletions_without_a_resource(few):
    _, client = few

    entries, _ = pages(client, "Patient/_history", _count="2")

    methods = [(e["request"]["method"], e["fullUrl"].rpartition("/")[2]) for e in entries]
    assert methods[:2] == [("DELETE", "p5"), ("PUT", "p3")]
    assert [method for method, _ in methods[2:]] == ["POST"] * 5
    assert "resource" not in entries[0]
    assert entries[1]["resource"]["meta"]["versionId"] == "2"


def test_history_since_a_moment_has_only_what_came_later(few):
    _, client = few

    entries, _ = pages(client, "Patient/_history", _since=at(6).isoformat())

    assert [e["request"]["method"] for e in entries] == ["DELETE", "PUT"]
    one, _ = pages(client, "Patient/p3/_history")
    assert [e["resource"]["meta"]["versionId"] for e in one] == ["2", "1"]


def test_reading_with_the_current_tag_brings_nothing_back(few):
    _, client = few
    tag = client.get("Patient/p3").headers["etag"]

    again = client.get("Patient/p3", headers={"If-None-Match": tag})

    assert (tag, again.status_code, again.content) == ('W/"2"', 304, b"")


def test_the_server_says_what_it_can_do(few):
    _, client = few

    statement = client.get("metadata").json()

    kinds = {r["type"] for r in statement["rest"][0]["resource"]}
    assert statement["fhirVersion"] == "4.0.1"
    assert {"ResearchStudy", "ResearchSubject", "Patient", "Consent", "Encounter"} <= kinds


def test_without_the_token_only_metadata_is_open(serve):
    store = FhirStore()
    store.put(patient("p1", "1"), START)
    _, client = serve(store, token="sesame")

    refused = client.get("Patient")
    let_in = client.get("Patient", headers={"Authorization": "Bearer sesame"})

    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get("metadata").status_code == 200
    assert ids(let_in.json()["entry"]) == ["p1"]


def test_now_and_then_a_request_is_put_off(serve):
    _, client = serve(FhirStore(), hiccup_every=3)

    answers = [client.get("Patient") for _ in range(6)]

    assert [a.status_code for a in answers] == [200, 200, 429, 200, 200, 503]
    assert {a.headers.get("retry-after") for a in answers} == {None, "1"}


def test_a_conditional_create_makes_one_and_finds_it_the_second_time(few):
    server, client = few
    body = patient("ignored", "77")
    once = {"If-None-Exist": "identifier=urn:mrn|77"}

    first = client.post("Patient", json=body, headers=once)
    second = client.post("Patient", json=body, headers=once)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"] != "ignored"
    assert first.headers["location"].endswith(f"/Patient/{first.json()['id']}/_history/1")
    assert [(p.condition, p.status) for p in server.pushed] == [
        ("identifier=urn:mrn|77", 201),
        ("identifier=urn:mrn|77", 200),
    ]
    assert server.pushed[0].body["identifier"] == body["identifier"]


def test_a_conditional_update_creates_then_updates(few):
    server, client = few
    where = {"identifier": "urn:mrn|78"}

    first = client.put("Patient", params=where, json=patient("x", "78"))
    second = client.put("Patient", params=where, json=patient("x", "78", active=True))

    assert [first.status_code, second.status_code] == [201, 200]
    assert second.headers["etag"] == 'W/"2"'
    version = server.store.read("Patient", first.json()["id"])
    assert version.resource["active"] is True


def test_a_condition_that_fits_two_is_refused(few):
    server, client = few
    server.store.put(patient("twin", "1"), at(9))

    answer = client.put("Patient", params={"identifier": "urn:mrn|1"}, json=patient("x", "1"))

    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (412, "multiple-matches")
    assert server.pushed == []


def test_a_condition_that_cannot_be_checked_is_refused_and_not_taken_as_true(few):
    _, client = few

    answer = client.put("Patient", params={"shoe-size": "44"}, json=patient("x", "1"))

    assert answer.status_code == 412


def test_an_update_of_an_old_version_is_refused(few):
    _, client = few

    stale = client.put("Patient/p3", json=patient("p3", "3"), headers={"If-Match": 'W/"1"'})
    right = client.put("Patient/p3", json=patient("p3", "3"), headers={"If-Match": 'W/"2"'})

    assert (stale.status_code, right.status_code) == (412, 200)


def test_a_write_can_ask_for_no_body_in_return(few):
    _, client = few

    answer = client.put("Patient/p9", json=patient("p9", "9"), headers={"Prefer": "return=minimal"})

    assert (answer.status_code, answer.content) == (201, b"")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"resourceType": "Location", "id": "p1"}', 400),
     (b'{"resourceType": "Patient", "id": "p2"}', 400)],
)  # fmt: skip
def test_a_body_that_is_not_the_resource_is_refused_whole(few, body, status):
    server, client = few

    assert client.put("Patient/p1", content=body).status_code == status
    assert server.store.read("Patient", "p1").number == 1


def test_the_servers_clock_is_in_the_header_of_every_answer(few):
    _, client = few

    dates = {client.get(path).headers["date"] for path in ("metadata", "Patient", "Patient/none")}

    assert dates == {"Mon, 02 Mar 2026 17:00:00 GMT"}


def test_time_never_goes_back_in_the_store():
    store = FhirStore()
    store.put(patient("p1", "1"), at(5))

    late = store.put(patient("p2", "2"), at(3))

    assert late.at == at(5)


def test_the_address_of_a_server_that_does_not_run_is_an_error():
    with pytest.raises(RuntimeError, match="call start"):
        _ = FhirServer(FhirStore(), lambda: START).url
