"""Pulling from a FHIR server: paging, cursors, deletes, and what servers get wrong."""

from __future__ import annotations

import gc
import json
import tracemalloc
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from pydantic import ValidationError

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.fhir import Fhir
from connectors.protocol import Pulls, Pushes

_EXAMPLES = Path(__file__).parents[4] / "shared/data/fhir/r4-examples"


def _texts(records) -> list[str]:
    return [record.message_key for record in records]


def _bundle(*entries: str, link: str = "", **top) -> bytes:
    links = json.dumps([{"relation": "next", "url": link}] if link else [])
    more = "".join(f', "{name}": {json.dumps(value)}' for name, value in top.items())
    return (
        f'{{"resourceType": "Bundle", "type": "searchset", "link": {links}{more}, '
        f'"entry": [{", ".join(entries)}]}}'
    ).encode()


def _entry(text: str, mode: str = "match") -> str:
    return f'{{"resource": {text}, "search": {{"mode": "{mode}"}}}}'


def _patient(name: str, minute: int = 0, more: str = "") -> str:
    changed = f"2026-01-01T00:{minute:02}:00Z"
    meta = f'{{"versionId": "1", "lastUpdated": "{changed}"}}'
    return f'{{"resourceType": "Patient", "id": "{name}", "meta": {meta}{more}}}'


@pytest.fixture
def pull(serve, clock):
    """Pulls Patients from a server that gives these replies in turn."""

    def run(*replies, since: str = "", **settings):
        web = serve(list(replies))
        fhir = Fhir(base_url=f"{web.url}/fhir", deletes="never", **settings).within(clock.world)
        return fhir.pull("Patient", since), web

    return run


@pytest.fixture
def fhir(fhir_server, clock):
    return Fhir(base_url=fhir_server.url).within(clock.world)


def test_it_pulls_and_pushes(fhir):
    assert isinstance(fhir, Pulls)
    assert isinstance(fhir, Pushes)


def test_every_resource_comes_once_oldest_change_first(fhir, fhir_server):
    for number in range(8):
        fhir_server.put("Patient", f"p{number}")
    fhir_server.put("Patient", "p0")

    records = list(fhir.pull("Patient", ""))

    assert _texts(records) == [f"Patient/p{n}@1" for n in range(1, 8)] + ["Patient/p0@2"]
    assert {record.media for record in records} == {"application/fhir+json"}
    assert [record.at for record in records] == sorted(record.at for record in records)


def test_a_resource_is_kept_as_the_server_spelled_it(fhir, fhir_server):
    fhir_server.put("Patient", "p", '"dose":  1.10, "name": [{"family": "Ünal"}]')

    (record,) = fhir.pull("Patient", "")

    assert record.body == fhir_server.texts["Patient/p"][2].encode()
    assert b'"dose":  1.10' in record.body


def test_a_pull_may_resume_from_any_record_and_loses_nothing(fhir, fhir_server):
    for number in range(10):
        fhir_server.put("Patient", f"p{number}")
    every = list(fhir.pull("Patient", ""))

    for stopped, record in enumerate(every):
        rest = _texts(fhir.pull("Patient", record.cursor))
        assert set(_texts(every[: stopped + 1]) + rest) == set(_texts(every))


def test_a_second_pull_reads_the_overlap_and_what_is_new(fhir, fhir_server):
    for number in range(10):
        fhir_server.put("Patient", f"p{number}")
    cursor = list(fhir.pull("Patient", ""))[-1].cursor
    fhir_server.put("Patient", "new")

    again = _texts(fhir.pull("Patient", cursor))

    assert again == [f"Patient/p{n}@1" for n in range(4, 10)] + ["Patient/new@1"]


def test_the_first_request_says_how_to_sort_and_from_when(fhir, fhir_server):
    fhir_server.put("Patient", "p")

    list(fhir.pull("Patient", "2026-01-01T00:10:00Z"))

    search = fhir_server.requests[-1]
    assert search.query["_lastUpdated"] == ["ge2026-01-01T00:05:00Z"]
    assert search.query["_sort"] == ["_lastUpdated"]
    assert search.query["_count"] == ["200"]
    assert search.headers["accept"] == "application/fhir+json; fhirVersion=4.0"


def test_a_delete_is_told_and_only_once_the_first_pull_has_begun(fhir, fhir_server):
    for name in "abc":
        fhir_server.put("Patient", name)
    fhir_server.delete("Patient", "a")
    first = list(fhir.pull("Patient", ""))
    fhir_server.now += timedelta(hours=1)
    fhir_server.delete("Patient", "b")
    second = list(fhir.pull("Patient", first[-1].cursor))

    gone = [record for record in second if record.said == "gone"]

    assert _texts(first) == ["Patient/b@1", "Patient/c@1"]
    assert _texts(gone)[-1] == "Patient/b@2:gone"
    assert gone[-1].stream == "Patient"
    assert json.loads(gone[-1].body)["request"]["method"] == "DELETE"


def test_a_delete_during_a_long_first_pull_is_not_lost(fhir, fhir_server):
    for number in range(6):
        fhir_server.put("Patient", f"p{number}")
    first = fhir.pull("Patient", "")
    read = [next(first)]
    fhir_server.delete("Patient", "p0")  # behind the reader's back
    fhir_server.now += timedelta(hours=3)
    fhir_server.put("Patient", "late")
    read += list(first)

    second = list(fhir.pull("Patient", read[-1].cursor))

    assert "Patient/p0@2:gone" in _texts(second)


def test_a_deleted_and_restored_resource_is_there_in_the_end(fhir, fhir_server):
    fhir_server.put("Patient", "a")
    cursor = list(fhir.pull("Patient", ""))[-1].cursor
    fhir_server.delete("Patient", "a")
    fhir_server.put("Patient", "a")

    said = [record.said for record in fhir.pull("Patient", cursor)]

    assert said == ["gone", "said"]


def test_a_server_without_history_is_read_without_deletes(fhir, fhir_server):
    fhir_server.history = False
    fhir_server.put("Patient", "a")
    cursor = list(fhir.pull("Patient", ""))[-1].cursor

    list(fhir.pull("Patient", cursor))

    assert not any("_history" in asked.target for asked in fhir_server.requests)


def test_what_comes_on_two_pages_is_one_record(pull, reply):
    # p1 changed while we read: pages moved under us
    link = "?page=2"
    records, web = pull(
        reply(200, _bundle(_entry(_patient("p1")), _entry(_patient("p2", 1)), link=link)),
        reply(200, _bundle(_entry(_patient("p2", 1)), _entry(_patient("p3", 2)))),
    )

    assert _texts(records) == ["Patient/p1@1", "Patient/p2@1", "Patient/p3@1"]
    assert web.asked[1].target == "/fhir/Patient?page=2"


def test_without_a_version_the_content_tells_two_apart(pull, reply):
    plain = '{"resourceType": "Patient", "id": "p"%s}'
    body = _bundle(_entry(plain % ""), _entry(plain % ', "active": true'), _entry(plain % ""))

    keys = _texts(pull(reply(200, body))[0])

    assert len(keys) == 2
    assert all(key.startswith("Patient/p@") for key in keys)


def test_a_list_that_is_cut_off_without_a_next_link_is_not_taken_for_whole(pull, reply):
    body = _bundle(_entry(_patient("p1")), _entry(_patient("p2", 1)), total=3)
    records, _ = pull(reply(200, body), page_size=2)

    read = [next(records), next(records)]

    assert read[-1].cursor == "2026-01-01T00:01:00Z"
    with pytest.raises(Refused, match="2 of 3 matches"):
        next(records)


def test_a_total_that_is_an_estimate_stops_nothing(pull, reply):
    body = _bundle(_entry(_patient("p1")), total=1000)

    assert _texts(pull(reply(200, body))[0]) == ["Patient/p1@1"]


def test_an_included_resource_is_a_record_of_its_own_type(pull, reply):
    site = (
        '{"resourceType": "Location", "id": "l", "meta": {"lastUpdated": "2030-01-01T00:00:00Z"}}'
    )
    body = _bundle(_entry(_patient("p", 5)), _entry(site, "include"))

    records = list(pull(reply(200, body))[0])

    assert [record.stream for record in records] == ["Patient", "Location"]
    assert records[-1].cursor == "2026-01-01T00:05:00Z"  # not the site's time


def test_a_warning_of_the_server_becomes_a_note_in_codes(pull, reply):
    issue = {"severity": "warning", "code": "not-supported", "diagnostics": "ZZPHI"}
    warning = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    body = _bundle(_entry(_patient("p")), _entry(warning, "outcome"))

    (record,) = pull(reply(200, body))[0]

    assert record.notes == ("warning: not-supported",)


def test_a_warning_without_data_is_kept_as_a_record(pull, reply):
    warning = '{"resourceType": "OperationOutcome", "id": "w", "issue": []}'

    (record,) = pull(reply(200, _bundle(_entry(warning, "outcome"))))[0]

    assert (record.stream, record.body) == ("OperationOutcome", warning.encode())


def test_one_faulty_resource_does_not_stop_its_page(pull, reply):
    twice = _patient("p2", 1, ', "active": true, "active": false')
    body = _bundle(_entry(_patient("p1")), _entry(twice), _entry(_patient("p3", 2)))

    records = list(pull(reply(200, body))[0])

    assert [bool(record.fault) for record in records] == [False, True, False]
    assert records[1].body == twice.encode()
    assert records[1].fault == "a key that appears twice at /active"


@pytest.mark.parametrize("text", ["{}", '{"resourceType": "Patient"}', "[]", "null", '"x"'])
def test_what_is_no_resource_is_kept_with_its_fault(pull, reply, text):
    (record,) = pull(reply(200, _bundle(_entry(text))))[0]

    assert record.fault
    assert record.body


def test_an_unreadable_page_is_kept_whole_and_the_next_is_read(pull, reply):
    broken = _bundle(_entry(_patient("p1")), link="?page=2", total=10**30)
    records, _ = pull(reply(200, broken), reply(200, _bundle(_entry(_patient("p2")))))

    kept, sound = records

    assert kept.body == broken
    assert kept.fault == "total: an integer beyond 64 bits"
    assert sound.message_key == "Patient/p2@1"


def test_latin_1_that_calls_itself_utf_8_is_kept_whole(pull, reply):
    broken = _bundle(_entry(_patient("p1", 0, ', "x": "Ü"')), link="?p=2")
    broken = broken.decode().encode("latin-1")
    records, _ = pull(reply(200, broken), reply(200, _bundle()))

    (kept,) = records

    assert kept.body == broken
    assert "not UTF-8 at byte" in kept.fault


def test_after_an_unreadable_page_without_next_the_pull_says_so(pull, reply):
    records, _ = pull(reply(200, b'{"resourceType": "Bundle", "entry": ['))

    kept = next(records)

    assert kept.fault
    with pytest.raises(Refused, match="next is unknown"):
        next(records)


def test_a_next_link_to_another_origin_is_refused_with_both_named(pull, reply, serve):
    other = serve(lambda _: reply(200, _bundle()))
    records, web = pull(reply(200, _bundle(_entry(_patient("p")), link=f"{other.url}/?t=ZZ")))

    assert next(records).message_key == "Patient/p@1"
    with pytest.raises(Refused) as refused:
        next(records)

    assert other.url in str(refused.value)
    assert web.url in str(refused.value)
    assert "ZZ" not in str(refused.value)
    assert other.asked == []


def test_next_links_in_a_circle_are_refused(pull, reply):
    page = reply(200, _bundle(_entry(_patient("p")), link="?p=1"))
    records, _ = pull(page, page, page, page)

    with pytest.raises(Refused, match="circle"):
        list(records)


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_forgotten_page_resumes_from_the_cursor(pull, reply, status):
    records, _ = pull(reply(200, _bundle(_entry(_patient("p", 7)), link="?p=2")), reply(status))

    read = next(records)

    with pytest.raises(TryLater, match="resumes from its cursor"):
        next(records)
    assert read.cursor == "2026-01-01T00:07:00Z"


def test_a_type_the_server_does_not_know_is_refused(pull, reply):
    with pytest.raises(Refused, match="404"):
        list(pull(reply(404))[0])


def test_a_busy_server_is_waited_for_in_the_middle_of_paging(pull, reply, clock):
    records, _ = pull(
        reply(200, _bundle(_entry(_patient("p1")), link="?p=2")),
        reply(429, headers={"Retry-After": "9"}),
        reply(200, _bundle(_entry(_patient("p2", 1)))),
    )

    assert _texts(records) == ["Patient/p1@1", "Patient/p2@1"]
    assert clock.slept == [9.0]


def _outcome(severity: str, code: str) -> bytes:
    issue = {"severity": severity, "code": code, "diagnostics": "ZZPHI Doe"}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (200, "transient", TryLater),
        (200, "throttled", TryLater),
        (409, "lock-error", TryLater),
        (200, "processing", Refused),
        (400, "invalid", Refused),
        (422, "too-costly", Refused),
        (200, "login", Misconfigured),
        (503, "invalid", TryLater),
        (401, "invalid", Misconfigured),
    ],
)
def test_an_outcome_says_what_to_do_next_also_with_status_200(
    serve, reply, clock, status, code, error
):
    web = serve(lambda _: reply(status, _outcome("error", code)))
    fhir = Fhir(base_url=web.url, deletes="never").within(clock.world)

    with pytest.raises(error) as raised:
        list(fhir.pull("Patient", ""))

    assert "ZZPHI" not in str(raised.value)
    assert error is not Refused or code in str(raised.value)


def test_a_sign_in_page_is_for_a_person(pull, reply):
    page = reply(200, b"<html>Sign in</html>", {"Content-Type": "text/html; charset=utf-8"})

    with pytest.raises(Misconfigured, match="web page"):
        list(pull(page)[0])


def test_a_search_by_personal_values_is_posted(pull, reply):
    params = {"birthdate": "ge1970-01-01", "_tag": ["a", "b"]}
    records, web = pull(reply(200, _bundle()), streams={"Patient": {"params": params}})

    list(records)

    assert (web.asked[0].method, web.asked[0].target) == ("POST", "/fhir/Patient/_search")
    assert b"birthdate=ge1970-01-01&_tag=a&_tag=b" in web.asked[0].body


def test_other_parameters_travel_in_the_address(pull, reply):
    params = {"_include": "ResearchSubject:study"}
    records, web = pull(reply(200, _bundle()), streams={"Patient": {"params": params}})

    list(records)

    assert web.asked[0].query["_include"] == ["ResearchSubject:study"]


def test_a_server_that_says_it_did_not_sort_moves_the_cursor_at_the_end_only(pull, reply):
    def page(name: str, minute: int, link: str = "") -> bytes:
        links = [{"relation": "self", "url": "Patient?_count=200"}]
        links += [{"relation": "next", "url": link}] if link else []
        body = json.loads(_bundle(_entry(_patient(name, minute))))
        return json.dumps({**body, "link": links}).encode()

    records, _ = pull(reply(200, page("a", 3, "?p=2")), reply(200, page("b", 9)), since="")

    assert [record.cursor for record in records] == ["", "2026-01-01T00:09:00Z"]


@pytest.mark.parametrize("cursor", ["yesterday", "2026-01-01", "2026-01-01T00:00:00Z|x"])
def test_a_foreign_cursor_is_told(fhir, cursor):
    with pytest.raises(Misconfigured, match="cursor"):
        list(fhir.pull("Patient", cursor))


@pytest.mark.parametrize("stream", ["patient", "../x", "Patient?x=1", ""])
def test_a_stream_is_a_resource_type(fhir, stream):
    with pytest.raises(Misconfigured, match="resource type"):
        list(fhir.pull(stream, ""))


def test_check_names_the_version_and_the_product(fhir):
    health = fhir.check()

    assert (health.ok, health.version) == (True, "4.0.1")
    assert "Loopback" in health.detail


def test_check_tells_of_another_version(fhir_server):
    health = Fhir(base_url=fhir_server.url, fhir_version="R5").check()

    assert not health.ok
    assert "4.0.1" in health.detail
    assert "5.0" in health.detail


def test_check_answers_for_a_server_that_is_down(serve, clock):
    web = serve(lambda _: None)

    health = Fhir(base_url=web.url).within(clock.world).check()

    assert not health.ok
    assert "no answer" in health.detail


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://user:pw@ehr.example/fhir", "auth"),
        ("https://ehr.example/fhir?key=1", "parameters"),
        ("ftp://ehr.example/", "http"),
        ("ehr.example/fhir", "address"),
    ],
)
def test_an_address_is_checked_with_the_settings(address, says):
    with pytest.raises(ValidationError, match=says):
        Fhir(base_url=address)


@pytest.mark.skipif(not _EXAMPLES.exists(), reason="../shared/data is not there")
def test_the_r4_examples_of_hl7_arrive_as_they_are(pull, reply):
    texts = [path.read_text("utf-8").strip() for path in sorted(_EXAMPLES.glob("*.json"))]

    records = list(pull(reply(200, _bundle(*map(_entry, texts))))[0])

    assert len(records) == 182
    assert [record.body.decode() for record in records] == texts
    assert {record.fault for record in records} == {""}


def test_memory_does_not_grow_with_the_number_of_pages(serve, reply, clock):
    filler = ', "text": "' + "x" * 2000 + '"'

    def answer(asked):
        page = int(asked.query.get("p", ["0"])[0])
        entries = [_entry(_patient(f"p{page}-{n}", 0, filler)) for n in range(100)]
        return reply(200, _bundle(*entries, link=f"?p={page + 1}" if page < 30 else ""))

    web = serve(answer)
    fhir = Fhir(base_url=web.url, deletes="never").within(clock.world)
    tracemalloc.start()
    count, early, late = 0, 0, 0
    for count, _ in enumerate(fhir.pull("Patient", ""), start=1):
        if count == 1000:
            tracemalloc.reset_peak()
        if count == 1500:
            early = tracemalloc.get_traced_memory()[1]
    late = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 3100
    assert late - early < 1_500_000  # the keys seen; the bodies alone are 3.4 MB


def test_a_hundred_thousand_resources_go_through_with_flat_memory(serve, reply, clock):
    filler = f', "text": "{"x" * 200}"'

    def answer(asked):
        page = int(asked.query.get("p", ["0"])[0])
        entries = [_entry(_patient(f"p{page}-{n}", 0, filler)) for n in range(500)]
        return reply(200, _bundle(*entries, link=f"?p={page + 1}" if page < 199 else ""))

    fhir = Fhir(base_url=serve(answer).url, deletes="never").within(clock.world)
    held, number, process = [], 0, psutil.Process()
    for number, _ in enumerate(fhir.pull("Patient", ""), start=1):
        if number in (30_000, 100_000):  # the first fills what is remembered of doubles
            gc.collect()
            held.append(process.memory_info().rss)

    assert number == 100_000
    assert held[1] - held[0] < 8 << 20  # kept, the bodies alone would be 22 MB
