"""Systems described by settings alone, pulled from servers on loopback."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml
from pydantic import ValidationError

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.protocol import Pulls
from connectors.rest import Rest

_HERE = Path(__file__).parent
_REGISTRY = Path(__file__).parents[4] / "shared/data/registry/clinicaltrials-gov-v2"


def _keys(records) -> list[str]:
    return [record.message_key for record in records]


@pytest.fixture
def rest(serve, clock):
    """A system with one stream, `things`, that answers with these replies."""

    def make(answer, top=None, **stream):
        web = serve(answer)
        stream = {"path": "/things", "records": "items", "id": "id", **stream}
        settings = {"base_url": web.url, "streams": {"things": stream}, **(top or {})}
        return Rest.model_validate(settings).within(clock.world), web

    return make


def test_it_pulls(rest, reply):
    system, _ = rest([reply()])

    assert isinstance(system, Pulls)


def test_an_element_is_kept_as_the_answer_spells_it(rest, reply):
    body = b'{"items": [ {"id": 7, "dose": 1.10} , {"id":"x"}], "more": true}'
    system, _ = rest([reply(200, body)])

    first, second = system.pull("things", "")

    assert first.body == b'{"id": 7, "dose": 1.10}'
    assert first.media == "application/json"
    assert first.message_key.startswith("things/7@")
    assert second.body == b'{"id":"x"}'


def test_the_same_content_has_the_same_key_and_other_content_another(rest, reply):
    body = b'{"items": [{"id": 1, "a": 1}, {"id": 1, "a": 2}, {"id": 1, "a": 1}]}'
    system, _ = rest([reply(200, body), reply(200, body)])

    once = _keys(system.pull("things", ""))

    assert len(set(once)) == len(once) == 2
    assert _keys(system.pull("things", "")) == once


def test_a_version_of_the_system_is_part_of_the_key(rest, reply):
    system, _ = rest([reply(200, b'{"items": [{"id": 1, "v": 3}]}')], version="v")

    assert _keys(system.pull("things", "")) == ["things/1@3"]


def test_behind_an_expression_an_element_is_written_anew_with_every_digit(rest, reply):
    body = b'{"items": [{"id": 1, "on": true, "dose": 1.10}, {"id": 2, "on": false}]}'
    system, _ = rest([reply(200, body)], records="items[?on]")

    (record,) = system.pull("things", "")

    assert record.body == b'{"id":1,"on":true,"dose":1.10}'


@pytest.mark.parametrize(
    ("records", "body"),
    [
        ("@", b'[{"id": 1}]'),
        ("@", b'{"id": 1}'),
        ("d.results", b'{"d": {"results": [{"id": 1}], "x": 1}}'),
        ("data", b'{"data": {"id": 1}}'),
    ],
)
def test_the_list_may_lie_anywhere(rest, reply, records, body):
    system, _ = rest([reply(200, body)], records=records)

    (record,) = system.pull("things", "")

    assert record.body == b'{"id": 1}'


@pytest.mark.parametrize("body", [b'{"items": []}', b'{"items": null}'])
def test_an_empty_list_is_no_fault(rest, reply, body):
    system, _ = rest([reply(200, body)])

    assert list(system.pull("things", "")) == []


def test_an_element_without_id_is_kept_with_its_fault(rest, reply):
    system, _ = rest([reply(200, b'{"items": [{"id": null}, {"id": 2}]}')])

    first, second = system.pull("things", "")

    assert "no id at 'id'" in first.fault
    assert second.fault == ""


def test_one_faulty_element_does_not_stop_its_page(rest, reply):
    system, _ = rest([reply(200, b'{"items": [{"id": 1, "a": 1, "a": 2}, {"id": 2}]}')])

    first, second = system.pull("things", "")

    assert first.fault == "a key that appears twice at /a"
    assert second.fault == ""


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"items": [', b'{"other": []}', b'{"items": "x"}', b'{"items": \xe9}']
)
def test_an_unreadable_page_is_kept_whole_and_the_pull_says_so(rest, reply, body):
    system, _ = rest([reply(200, body)])
    run = system.pull("things", "")

    kept = next(run)

    assert kept.body == body
    assert kept.fault
    with pytest.raises(Refused, match="unreadable page"):
        next(run)


def test_what_changed_is_asked_for_with_the_overlap(rest, reply):
    system, web = rest(
        lambda _: reply(200, b'{"items": []}'),
        since={"param": "changed", "value": "ge{since}", "overlap": 60},
    )

    list(system.pull("things", "2026-03-01T12:00:00Z"))
    list(system.pull("things", ""))

    assert web.asked[0].query == {"changed": ["ge2026-03-01T11:59:00Z"]}
    assert web.asked[1].query == {}


@pytest.mark.parametrize(
    ("grain", "written"),
    [("date", "2026-03-01"), ("seconds", "1772366100"), ("milliseconds", "1772366100000")],
)
def test_systems_write_their_times_in_other_ways(rest, reply, grain, written):
    since = {"param": "s", "grain": grain}
    system, web = rest(
        lambda _: reply(200, b'{"items": []}'), since=since, timezone="Pacific/Honolulu"
    )

    list(system.pull("things", "2026-03-01T12:00:00Z"))

    assert web.asked[0].query == {"s": [written]}


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ('"2026-03-01T08:00:00+01:00"', datetime(2026, 3, 1, 7, tzinfo=UTC)),
        ('"2026-03-01T08:00:00"', datetime(2026, 3, 1, 7, tzinfo=UTC)),
        ('"2026-03-01 08:00:00"', datetime(2026, 3, 1, 7, tzinfo=UTC)),
        ('"2004-05"', datetime(2004, 4, 30, 22, tzinfo=UTC)),
        ("1772366400", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_a_time_without_offset_is_the_systems_local_time(rest, reply, said, at):
    body = f'{{"items": [{{"id": 1, "t": {said}}}]}}'.encode()
    system, _ = rest([reply(200, body)], modified="t", timezone="Europe/Vienna")

    (record,) = system.pull("things", "")

    assert record.at == at


def test_an_unreadable_time_counts_as_the_time_of_the_answer(rest, reply):
    date = {"Date": "Sun, 01 Mar 2026 09:00:00 GMT"}
    system, _ = rest([reply(200, b'{"items": [{"id": 1, "t": "soon"}]}', date)], modified="t")

    (record,) = system.pull("things", "")

    assert (record.at, record.cursor) == (datetime(2026, 3, 1, 9, tzinfo=UTC), "")


def _page(*days: int, more: bool = False) -> bytes:
    items = [{"id": day, "t": f"2026-01-{day:02}T00:00:00Z"} for day in days]
    return json.dumps({"items": items, "token": "next" if more else None}).encode()


_BY_TOKEN = {"kind": "page_token", "token": "token", "token_param": "page"}


def test_the_cursor_of_an_unsorted_system_moves_at_the_end_of_the_run(rest, reply):
    replies = [reply(200, _page(5, 3, more=True)), reply(200, _page(4))]
    system, _ = rest(replies, modified="t", pager=_BY_TOKEN)

    cursors = [record.cursor for record in system.pull("things", "")]

    assert cursors == ["", "", "2026-01-05T00:00:00Z"]


def test_the_cursor_of_a_sorted_system_moves_with_each_page(rest, reply):
    replies = [reply(200, _page(1, 2, more=True)), reply(200, _page(3))]
    system, _ = rest(replies, modified="t", pager=_BY_TOKEN, ordered=True)

    cursors = [record.cursor for record in system.pull("things", "")]

    assert cursors == ["", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]


def test_an_empty_last_page_still_moves_the_cursor(rest, reply):
    replies = [reply(200, _page(3, 1)), reply(200, _page())]
    system, _ = rest(replies, modified="t", pager={"kind": "offset"})

    assert [r.cursor for r in system.pull("things", "")] == ["", "2026-01-03T00:00:00Z"]


def test_a_pull_that_breaks_off_between_pages_resumes_without_loss(rest, reply):
    up = [True]

    def answer(asked):
        since = int(asked.query.get("from", ["2026-01-01"])[0][-2:])
        days = [day for day in range(1, 10) if day >= since]
        skip = int(asked.query.get("page", ["0"])[0])
        if skip and not up[0]:
            return reply(500)
        items = [{"id": d, "t": f"2026-01-{d:02}"} for d in days[skip : skip + 3]]
        token = skip + 3 if skip + 3 < len(days) else None
        return reply(200, json.dumps({"items": items, "token": token}).encode())

    since = {"param": "from", "grain": "date", "overlap": 86400}
    system, _ = rest(answer, modified="t", since=since, pager=_BY_TOKEN, ordered=True)
    read = []

    up[0] = False
    with pytest.raises(TryLater):
        read.extend(system.pull("things", ""))
    run = system.pull("things", "")
    read += [next(run), next(run), next(run)]
    up[0] = True
    rest_of_it = _keys(system.pull("things", read[-1].cursor))

    ids = {key.partition("@")[0] for key in _keys(read) + rest_of_it}
    assert ids == {f"things/{day}" for day in range(1, 10)}


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_forgotten_page_token_resumes_from_the_cursor(rest, reply, status):
    system, _ = rest([reply(200, _page(1, more=True)), reply(status)], pager=_BY_TOKEN)

    with pytest.raises(TryLater, match="resumes from its cursor"):
        list(system.pull("things", ""))


def test_pages_in_a_circle_are_refused(rest, reply):
    body = b'{"items": [{"id": 1}], "next": "/things"}'
    system, _ = rest(lambda _: reply(200, body), pager={"kind": "next_link", "link": "next"})

    with pytest.raises(Refused, match="circle"):
        list(system.pull("things", ""))


def test_a_next_link_to_another_origin_is_refused(rest, reply, serve):
    other = serve(lambda _: reply(200, b'{"items": []}'))
    body = json.dumps({"items": [{"id": 1}], "next": other.url}).encode()
    system, _ = rest([reply(200, body)], pager={"kind": "next_link", "link": "next"})

    with pytest.raises(Refused, match=other.url):
        list(system.pull("things", ""))

    assert other.asked == []


_FAILURE = {"when": "responseStatus == 'FAILURE'", "code": "errors[0].type", "later": ["LIMIT"]}


@pytest.mark.parametrize(("code", "error"), [("LIMIT", TryLater), ("INVALID", Refused)])
def test_a_200_that_says_no_is_no_success(rest, reply, code, error):
    body = {"responseStatus": "FAILURE", "errors": [{"type": code, "message": "ZZPHI"}]}
    system, _ = rest(lambda _: reply(200, json.dumps(body).encode()), failure=_FAILURE)

    with pytest.raises(error, match=code) as raised:
        list(system.pull("things", ""))

    assert "ZZPHI" not in str(raised.value)


def test_some_systems_are_asked_by_post(rest, reply):
    replies = [reply(200, _page(1, more=True)), reply(503), reply(200, _page(2))]
    system, web = rest(replies, method="POST", params={"q": "a b"}, pager=_BY_TOKEN)

    list(system.pull("things", ""))

    assert {(asked.method, asked.target) for asked in web.asked} == {("POST", "/things")}
    assert parse_qs(web.asked[-1].body.decode()) == {"q": ["a b"], "page": ["next"]}


def test_an_unknown_stream_is_told_with_those_there_are(rest, reply):
    system, _ = rest([reply()])

    with pytest.raises(Misconfigured, match="configured: things"):
        list(system.pull("thing", ""))


def test_a_foreign_cursor_is_told(rest, reply):
    system, _ = rest([reply()])

    with pytest.raises(Misconfigured, match="cursor"):
        list(system.pull("things", "abc"))


def test_check_asks_for_the_first_page(rest, reply):
    good, _ = rest([reply(200, b'{"items": []}')])
    wrong, _ = rest([reply(200, b'{"data": []}')])
    down, _ = rest(lambda _: reply(503))

    assert good.check().ok
    assert not wrong.check().ok
    assert "503" in down.check().detail


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"headers": {"Authorization": "Bearer abc"}}, "auth"),
        ({"auth": {"kind": "bearer", "token": "abc"}}, "never as its value"),
        ({"auth": {"kind": "magic"}}, "magic"),
        ({"streams": {}}, "at least 1"),
        ({"streams": {"s": {"path": "/x?y=1", "id": "id"}}}, "path"),
        ({"streams": {"s": {"path": "/x", "id": "id["}}}, "no JMESPath"),
        ({"streams": {"s": {"path": "/x", "id": "id", "timezone": "Mars"}}}, "no time zone"),
        (
            {"streams": {"s": {"path": "/x", "id": "id", "since": {"param": "a", "value": "b"}}}},
            "since",
        ),
    ],
)
def test_wrong_settings_are_told(change, says):
    stream = {"path": "/x", "id": "id"}

    with pytest.raises(ValidationError, match=says):
        Rest.model_validate({"base_url": "https://h.example", "streams": {"s": stream}, **change})


class _Registry:
    """Studies as ClinicalTrials.gov serves them: pages of one, and each by its number."""

    def __init__(self, reply, studies: list[dict], texts: dict[str, bytes]) -> None:
        self.reply, self.studies, self.texts = reply, studies, texts

    def __call__(self, asked):
        if asked.path.startswith("/studies/"):
            return self.reply(200, self.texts[asked.path.rpartition("/")[2]])
        at = int(asked.query.get("pageToken", ["0"])[0])
        page = {"studies": self.studies[at : at + 1]}
        if at + 1 < len(self.studies):
            page["nextPageToken"] = str(at + 1)
        return self.reply(200, json.dumps(page).encode())


def _profile(url: str) -> Rest:
    text = (_HERE / "clinicaltrials.yaml").read_text().replace("${BASE}", url)
    return Rest.model_validate(yaml.safe_load(text))


def _study(number: str, day: str) -> dict:
    return {
        "protocolSection": {
            "identificationModule": {"nctId": number},
            "statusModule": {"lastUpdatePostDateStruct": {"date": day}},
        }
    }


def test_clinicaltrials_gov_is_a_profile(serve, reply):
    studies = [_study("NCT00000001", "2025-04-10"), _study("NCT00000002", "2014-05")]
    web = serve(_Registry(reply, studies, {}))

    records = list(_profile(web.url).pull("studies", ""))
    list(_profile(web.url).pull("studies", records[-1].cursor))

    assert [key.partition("@")[0] for key in _keys(records)] == [
        "studies/NCT00000001",
        "studies/NCT00000002",
    ]
    assert records[-1].cursor == "2025-04-10T04:00:00Z"
    asked = web.asked[2].query
    assert asked["filter.advanced"] == ["AREA[LastUpdatePostDate]RANGE[2025-04-09,MAX]"]
    assert asked["pageSize"] == ["100"]


@pytest.mark.skipif(not _REGISTRY.exists(), reason="../shared/data is not there")
def test_real_studies_come_from_the_list_and_one_by_one(serve, reply):
    (listed,) = _REGISTRY.glob("studies_*.json")
    singles = {path.name.split("_")[1]: path.read_bytes() for path in _REGISTRY.glob("study_*")}
    web = serve(_Registry(reply, json.loads(listed.read_text())["studies"], singles))

    many = list(_profile(web.url).pull("studies", ""))
    (one,) = _profile(web.url).pull("study", "")

    assert {key.partition("@")[0] for key in _keys(many)} == {
        "studies/NCT00184067",
        "studies/NCT03934567",
    }
    assert one.body == singles["NCT00184067"].strip()
    assert one.at == datetime(2014, 5, 21, tzinfo=UTC)
    assert b'"2004-05"' in one.body


def test_a_whole_list_names_its_things_and_is_read_from_its_beginning(rest, reply):
    page = b'{"items": [{"id": 7, "on": "2026-01-01T00:00:00Z"}, {"nobody": 1}]}'
    system, web = rest([reply(200, page)] * 2, whole=True, modified="on")

    records = list(system.pull("things", ""))

    assert (system.is_whole("things"), system.is_whole("others")) == (True, False)
    assert [(one.of, one.cursor) for one in records] == [("7", ""), ("", "")]
    assert _keys(system.pull("things", "2026-01-01T00:00:00Z")) == _keys(records)
    assert web.asked[0].target == web.asked[1].target


def test_a_whole_list_is_held_against_its_own_length(rest, reply):
    pager = {"kind": "offset", "limit": 2, "total": "total"}
    pages = [
        reply(200, b'{"total": %d, "items": [{"id": %d}, {"id": %d}]}' % said)
        for said in ((4, 1, 2), (4, 3, 4), (4, 1, 2), (3, 3, 4))
    ]
    system, _ = rest(pages, whole=True, total="total", pager=pager)

    assert len(list(system.pull("things", ""))) == 4
    shifted = system.pull("things", "")
    with pytest.raises(TryLater, match="4 things came of a list of 3 then 4"):
        list(shifted)


def test_only_a_whole_list_has_a_length(rest):
    with pytest.raises(ValidationError, match="whole list"):
        rest([], total="total")


# -- what a vendor's profile needs


def test_a_since_parameter_takes_the_place_of_its_namesake_and_a_link_is_followed_with_get(
    rest, reply
):
    pages = [
        reply(200, b'{"items": [{"id": 1}], "next": "/things/next?page=2"}'),
        reply(200, b'{"items": [{"id": 2}]}'),
    ]
    since = {"param": "q", "value": "all after '{since}'", "grain": "fine_instant", "overlap": 60}
    system, web = rest(
        pages,
        method="POST",
        params={"q": "all"},
        since=since,
        pager={"kind": "next_link", "link": "next"},
    )

    assert len(list(system.pull("things", "2026-01-01T00:01:00Z"))) == 2
    assert parse_qs(web.asked[0].body.decode()) == {"q": ["all after '2026-01-01T00:00:00.000Z'"]}
    assert [(one.method, one.path, one.query) for one in web.asked[1:]] == [
        ("GET", "/things/next", {"page": ["2"]})
    ]


def test_a_failure_inside_a_next_page_means_that_the_page_is_forgotten(rest, reply):
    pages = [
        reply(200, b'{"items": [{"id": 1}], "next": "/things/next?page=2"}'),
        reply(200, b'{"status": "no"}'),
    ]
    system, _ = rest(
        pages, pager={"kind": "next_link", "link": "next"}, failure={"when": "status == 'no'"}
    )

    pulled = system.pull("things", "")
    assert next(pulled).message_key.startswith("things/1@")
    with pytest.raises(TryLater, match="resumes from its cursor"):
        next(pulled)


def test_a_code_for_which_a_person_must_act_is_misconfigured(rest, reply):
    failure = {"when": "code", "code": "code", "setup": ["NO_ACCESS"]}
    system, _ = rest([reply(200, b'{"code": "NO_ACCESS"}')], failure=failure)

    with pytest.raises(Misconfigured, match="NO_ACCESS"):
        list(system.pull("things", ""))


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ({"X-Left": "9"}, [2.0]),
        ({"X-Left": "10"}, []),
        ({"X-Left": "many"}, []),
        ({}, []),
        ({"X-Left": "500", "X-Held": "3500"}, [3.5]),
        ({"X-Left": "0", "X-Held": "90000000"}, [60.0]),
    ],
)
def test_requests_slow_down_before_the_system_makes_them(rest, reply, clock, headers, slept):
    pages = [
        reply(200, b'{"items": [{"id": 1}], "next": "/things?page=2"}', headers),
        reply(200, b'{"items": [{"id": 2}]}', headers),
    ]
    throttle = {"remaining": "X-Left", "reserve": 10, "delayed": "X-Held"}
    system, _ = rest(
        pages, {"http": {"throttle": throttle}}, pager={"kind": "next_link", "link": "next"}
    )

    assert len(list(system.pull("things", ""))) == 2
    assert clock.slept == slept
