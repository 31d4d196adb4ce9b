"""Bulk Data export: jobs, files, deletions, complaints, and where it goes on after a kill."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
import pytest
from pydantic import ValidationError

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.fhir import Fhir
from connectors.promises import PullPromises


def patient(name: str, version: int = 1, **more) -> bytes:
    meta = {"versionId": str(version), "lastUpdated": "2026-02-01T00:00:00Z"}
    return json.dumps({"resourceType": "Patient", "id": name, "meta": meta, **more}).encode()


def deletion(*names: str) -> bytes:
    """A line of a `deleted` file: a Bundle of them."""
    entries = [{"request": {"method": "DELETE", "url": name}} for name in names]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def outcome(severity: str, code: str, **more) -> bytes:
    issue = {"severity": severity, "code": code, **more}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()


@dataclass
class Bulk:
    """Files by member of the manifest; `looks` answers the first looks at each job."""

    reply: Callable
    output: list[list[bytes]] = field(default_factory=list)
    deleted: list[list[bytes]] = field(default_factory=list)
    error: list[list[bytes]] = field(default_factory=list)
    outcome: list[list[bytes]] = field(default_factory=list)
    time: str = "2026-03-01T10:00:00Z"
    token: object = False  # requiresAccessToken
    counts: bool = True
    paged: bool = False
    forgets: bool = True  # a cleared job is 404
    url: str = ""
    files_at: str = ""  # another origin
    looks: list = field(default_factory=list)
    kicked: list = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    broken: dict[str, Callable] = field(default_factory=dict)  # path of a file → its answer
    asked: list = field(default_factory=list)

    def __call__(self, asked):
        self.asked.append(asked)
        path = asked.path.removeprefix("/fhir")
        if path.endswith("$export"):
            return self._kick_off(asked)
        if path.startswith("/jobs/"):
            return self._job(asked, path)
        if path in self.broken:
            return self.broken[path](asked)
        _, _, member, number = path.split("/")
        lines = getattr(self, member)[int(number)]
        return self.reply(200, b"".join(line + b"\n" for line in lines), self._kind("+ndjson"))

    def _kind(self, more: str = "+json") -> dict[str, str]:
        return {"Content-Type": f"application/fhir{more}"}

    def _kick_off(self, asked):
        assert asked.headers["prefer"] == "respond-async"
        self.kicked.append(asked)
        place = f"{self.url}/jobs/{len(self.kicked)}"
        return self.reply(202, b"", {"Content-Location": place})

    def _job(self, asked, path):
        if asked.method == "DELETE":
            self.cleared.append(path)
            return self.reply(202)
        if self.forgets and path.partition("?")[0] in self.cleared:
            return self.reply(404, outcome("error", "not-found"))
        if self.looks:
            return self.looks.pop(0)(asked)
        return self.reply(200, json.dumps(self.manifest(asked)).encode())

    def manifest(self, asked) -> dict:
        kicked = self.kicked[int(asked.path.rpartition("/")[2]) - 1]
        if kicked.query.get("_since") == [self.time]:  # nothing has happened since
            return {"transactionTime": self.time, "output": []}
        said = {"transactionTime": self.time, "request": "x", "requiresAccessToken": self.token}
        for member in ("output", "deleted", "error", "outcome"):
            said[member] = [
                {"type": "Patient", "url": f"{self.files_at or self.url}/files/{member}/{number}"}
                | ({"count": len(lines)} if self.counts else {})
                for number, lines in enumerate(getattr(self, member))
            ]
        if self.paged and "page" not in asked.query:
            said["output"] = said["output"][:1]
            said["link"] = [{"relation": "next", "url": f"{self.url}{asked.path[5:]}?page=2"}]
        elif self.paged:
            said |= {"output": said["output"][1:], "deleted": [], "error": [], "outcome": []}
        return said


@pytest.fixture
def server(serve, reply):
    made = Bulk(reply)
    made.url = f"{serve(made).url}/fhir"
    return made


@pytest.fixture
def fhir(server, clock):
    def make(auth=None, http=None, base="", **export):
        settings = {"base_url": base or server.url, "streams": {"Patient": {"export": export}}}
        settings |= {"auth": auth or {"kind": "none"}, "http": http or {}}
        return Fhir.model_validate(settings).within(clock.world)

    return make


def _keys(records) -> list[str]:
    return [record.message_key for record in records]


def _three_files(server) -> list[str]:
    server.output = [[patient(f"p{f}{n}") for n in range(4)] for f in range(3)]
    return [f"Patient/p{f}{n}@1" for f in range(3) for n in range(4)]


class TestExportPull(PullPromises):
    ordered = False

    @pytest.fixture
    def connector(self, fhir, server):
        _three_files(server)
        server.deleted = [[deletion("Patient/a", "Patient/b"), deletion("Patient/c")]]
        return fhir()

    @pytest.fixture
    def stream(self):
        return "Patient"

    @pytest.fixture
    def down(self, fhir, serve):
        web = serve(lambda _: None)
        return fhir(base=f"{web.url}/fhir")


# -- the job


def test_an_export_is_asked_for_waited_for_read_and_cleared_away(fhir, server, clock, reply):
    expected = _three_files(server)
    server.looks = [
        lambda _: reply(202, headers={"X-Progress": "30% done", "Retry-After": "20"}),
        lambda _: reply(202),
        lambda _: reply(202),
    ]

    records = list(fhir().pull("Patient", ""))

    assert _keys(records) == expected
    assert clock.slept == [20, 1, 2]
    assert server.kicked[0].query == {"_type": ["Patient"]}
    assert server.kicked[0].headers["accept"].startswith("application/fhir+json")
    assert server.asked[-1].method == "DELETE"
    assert server.cleared == ["/jobs/1"]


def test_the_next_export_begins_where_this_one_shows(fhir, server):
    _three_files(server)
    cursor = list(fhir().pull("Patient", ""))[-1].cursor

    list(fhir().pull("Patient", cursor))

    assert cursor == "2026-03-01T10:00:00Z"
    assert server.kicked[1].query["_since"] == ["2026-03-01T10:00:00Z"]


def test_a_stream_that_was_searched_goes_on_as_an_export(fhir, server):
    list(fhir().pull("Patient", "2026-02-01T10:00:00Z|2026-02-03T00:00:00Z"))

    assert server.kicked[0].query["_since"] == ["2026-02-01T10:00:00Z"]


def test_parameters_may_travel_as_a_resource(fhir, server):
    fhir_ = fhir(
        level="group",
        group="g1",
        by_post=True,
        types=["Patient", "Encounter"],
        params={"_typeFilter": ["Encounter?status=planned"]},
    )

    list(fhir_.pull("Patient", "2026-02-01T00:00:00Z"))

    asked = server.kicked[0]
    assert (asked.method, asked.path) == ("POST", "/fhir/Group/g1/$export")
    assert json.loads(asked.body) == {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueString": "Patient"},
            {"name": "_type", "valueString": "Encounter"},
            {"name": "_since", "valueInstant": "2026-02-01T00:00:00Z"},
            {"name": "_typeFilter", "valueString": "Encounter?status=planned"},
        ],
    }


def test_a_job_that_takes_longer_is_waited_for_by_the_next_pull(fhir, server, clock, reply):
    expected = _three_files(server)
    server.looks = [lambda _: reply(202, headers={"Retry-After": "120", "X-Progress": "9 %"})] * 3
    connector = fhir(wait=300)

    with pytest.raises(TryLater, match=r"at work \(9 %\)") as later:
        list(connector.pull("Patient", ""))
    records = list(connector.pull("Patient", ""))

    assert later.value.after == 120
    assert clock.slept == [120, 120]
    assert len(server.kicked) == 1
    assert _keys(records) == expected


@pytest.mark.parametrize("status", [500, 503])
def test_a_job_that_failed_is_not_looked_at_again_and_asked_for_anew(fhir, server, reply, status):
    _three_files(server)
    server.looks = [lambda _: reply(status, outcome("fatal", "exception", diagnostics="ZZPHI"))]
    connector = fhir()

    with pytest.raises(Refused, match=r"the job failed \(fatal: exception\)") as failed:
        list(connector.pull("Patient", ""))
    looked = sum(asked.path.startswith("/fhir/jobs/") for asked in server.asked)
    records = list(connector.pull("Patient", ""))

    assert looked == 1
    assert "ZZPHI" not in str(failed.value)
    assert (len(server.kicked), len(records)) == (2, 12)


def test_a_look_that_fails_in_passing_is_repeated(fhir, server, reply):
    _three_files(server)
    server.looks = [
        lambda _: reply(500, outcome("error", "transient")),
        lambda _: reply(502),
        lambda _: reply(429, headers={"Retry-After": "7"}),
    ]

    assert len(list(fhir().pull("Patient", ""))) == 12
    assert len(server.kicked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [(200, {}, "expected 202"), (202, {}, "Content-Location"), (404, {}, "HTTP 404")],
)
def test_a_server_that_does_not_export_is_told(serve, reply, fhir, status, headers, says):
    web = serve(lambda _: reply(status, b"{}", headers))

    with pytest.raises(Refused, match=says):
        list(fhir(base=f"{web.url}/fhir").pull("Patient", ""))


def test_a_busy_server_is_given_its_time_before_a_job_begins(serve, reply, fhir):
    web = serve(lambda _: reply(429, headers={"Retry-After": "600"}))

    with pytest.raises(TryLater) as later:
        list(fhir(base=f"{web.url}/fhir").pull("Patient", ""))

    assert later.value.after == 600


@pytest.mark.parametrize(
    "manifest",
    [
        b"[]",
        b'{"output": []}',
        b'{"transactionTime": "yesterday"}',
        b'{"transactionTime": "2026-01-01T00:00:00Z", "output": {}}',
        b'{"transactionTime": "2026-01-01T00:00:00Z", "output": [{"type": "Patient"}]}',
        b'{"transactionTime": "2026-01-01T00:00:00Z", "output": [7]}',
        b'{"transactionTime": "2026-01-01T00:00:00Z", "link": "next"}',
        b"<html>",
    ],
)
def test_a_manifest_that_is_none_is_refused_whole(fhir, server, reply, manifest):
    server.looks = [lambda _: reply(200, manifest)]

    with pytest.raises(Refused):
        list(fhir().pull("Patient", ""))


def test_a_manifest_may_have_pages(fhir, server):
    expected = _three_files(server)
    server.paged = True

    assert _keys(fhir().pull("Patient", "")) == expected


def test_pages_of_a_manifest_in_a_circle_are_refused(fhir, server, reply):
    said = {"transactionTime": server.time, "link": [{"relation": "next", "url": "/fhir/jobs/1"}]}
    server.looks = [lambda _: reply(200, json.dumps(said).encode())] * 3

    with pytest.raises(Refused, match="circle"):
        list(fhir().pull("Patient", ""))


# -- what the files say


def test_a_resource_is_kept_as_the_line_spells_it(fhir, server):
    line = b'{"resourceType": "Patient",  "id": "p", "dose": 1.10, "name": "\xc3\x9cnal"}'
    server.output = [[line]]

    (record,) = fhir().pull("Patient", "")

    assert record.body == line
    assert record.media == "application/fhir+json"
    assert record.at.isoformat() == "2026-03-01T10:00:00+00:00"  # it has no time of its own


def test_deletions_come_first_and_are_said_to_be_gone(fhir, server):
    since = "2026-02-01T00:00:00Z"
    server.output = [[patient("p1")]]
    server.deleted = [[deletion("Patient/a", "Encounter/e"), deletion("Patient/b")]]

    *gone, last = fhir().pull("Patient", since)

    assert (last.message_key, last.said) == ("Patient/p1@1", "said")
    assert _keys(gone) == [f"Patient/{name}@since {since}:gone" for name in "ab"]
    assert {record.said for record in gone} == {"gone"}
    assert json.loads(gone[0].body) == {"request": {"method": "DELETE", "url": "Patient/a"}}


def test_a_thing_deleted_again_later_is_told_again(fhir, server):
    server.deleted = [[deletion("Patient/a")]]
    first = list(fhir().pull("Patient", "2026-02-01T00:00:00Z"))
    again = list(fhir().pull("Patient", "2026-02-01T00:00:00Z"))

    later = list(fhir().pull("Patient", first[-1].cursor))

    assert _keys(first) == _keys(again) != _keys(later)


@pytest.mark.parametrize("member", ["error", "outcome"])
def test_what_the_server_complains_of_is_kept(fhir, server, member):
    setattr(server, member, [[outcome("error", "not-found"), outcome("information", "suppressed")]])
    server.output = [[patient("p")]]

    _, failed, noted = fhir().pull("Patient", "")

    assert {failed.stream, noted.stream} == {"OperationOutcome"}
    assert failed.fault == "the server did not export something: error: not-found"
    assert (noted.fault, noted.notes) == ("", ("information: suppressed",))


@pytest.mark.parametrize(
    "line",
    [b"not json", b'{"resourceType": "Patient"}', b"[]", b'{"a": 1, "a": 2}', b"\xff\xfe", b"{"],
)
@pytest.mark.parametrize("member", ["output", "deleted"])
def test_a_line_that_cannot_be_understood_is_kept_and_the_next_is_read(fhir, server, line, member):
    good = deletion if member == "deleted" else patient
    setattr(server, member, [[good("Patient/1"), line, good("Patient/2")]])

    records = list(fhir().pull("Patient", ""))

    assert [bool(record.fault) for record in records] == [False, True, False]
    assert records[1].body == line
    assert records[-1].cursor == server.time


def test_the_same_line_in_two_files_is_one_record(fhir, server):
    server.output = [[patient("p1")], [patient("p1"), patient("p2")]]

    assert _keys(fhir().pull("Patient", "")) == ["Patient/p1@1", "Patient/p2@1"]


def test_a_packed_file_is_unpacked(fhir, server, reply):
    server.output = [[patient("p1"), patient("p2")]]
    packed = gzip.compress(b"\n".join(server.output[0]))
    server.broken["/files/output/0"] = lambda _: reply(200, packed, {"Content-Encoding": "gzip"})

    assert len(list(fhir().pull("Patient", ""))) == 2


def test_blank_lines_and_a_missing_last_line_end_are_no_lines(fhir, server, reply):
    server.output = [[patient("p1"), patient("p2")]]
    text = b"\n" + patient("p1") + b"\r\n\n" + patient("p2")
    server.broken["/files/output/0"] = lambda _: reply(200, text)

    assert len(list(fhir().pull("Patient", ""))) == 2


# -- where it goes on


def test_a_kill_behind_any_record_loses_and_doubles_nothing(fhir, server):
    expected = _three_files(server)
    server.deleted = [[deletion("Patient/a", "Patient/b"), deletion("Patient/c")]]
    server.error = [[outcome("error", "not-found")]]
    every = list(fhir().pull("Patient", "2026-02-01T00:00:00Z"))
    server.cleared.clear()

    for stopped in range(1, len(every) + 1):
        run = fhir().pull("Patient", "2026-02-01T00:00:00Z")
        before = [next(run) for _ in range(stopped)]
        run.close()
        after = list(fhir().pull("Patient", before[-1].cursor)) if stopped < len(every) else []
        server.cleared.clear()
        twice = set(_keys(before)) & set(_keys(after))
        assert set(_keys(before)) | set(_keys(after)) == set(_keys(every)), stopped
        # what one line says together may come again, with the same key and body
        assert twice <= {"Patient/a@since 2026-02-01T00:00:00Z:gone"}, stopped
    assert len(expected) + 4 == len(every)


def test_a_resumed_export_reads_only_what_is_left(fhir, server):
    _three_files(server)
    run = fhir().pull("Patient", "")
    before = [next(run) for _ in range(6)]
    run.close()
    server.asked.clear()

    after = list(fhir().pull("Patient", before[-1].cursor))

    assert len(after) == 6
    assert len(server.kicked) == 1
    read = [asked.path for asked in server.asked if "/files/" in asked.path]
    assert read == ["/fhir/files/output/1", "/fhir/files/output/2"]


@pytest.mark.parametrize("change", ["forgotten", "another time", "other files", "failed"])
def test_a_job_that_is_not_what_it_was_is_asked_for_again(fhir, server, reply, change):
    expected = _three_files(server)
    run = fhir().pull("Patient", "2026-02-01T00:00:00Z")
    cursor = [next(run) for _ in range(6)][-1].cursor
    run.close()
    if change == "forgotten":
        server.cleared.append("/jobs/1")
    elif change == "another time":
        server.time = "2026-03-01T11:00:00Z"
    elif change == "other files":
        server.output.pop()
        server.output.pop()
        server.output += [[patient(f"p{f}{n}") for n in range(4)] for f in (1, 2)]
        server.deleted = [[deletion("Patient/z")]]  # every file has moved on by one
    else:
        server.looks = [lambda _: reply(500, outcome("fatal", "processing"))]

    after = list(fhir().pull("Patient", cursor))

    assert server.kicked[-1].query["_since"] == ["2026-02-01T00:00:00Z"]
    assert _keys(after)[-12:] == expected
    assert after[-1].cursor == server.time


def test_files_that_are_signed_anew_at_each_look_are_the_same_files(fhir, server, serve, reply):
    _three_files(server)
    plain = server.manifest

    def manifest(asked):
        said = plain(asked)
        for one in said["output"]:
            one["url"] += f"?signature={len(server.asked)}"
        return said

    server.manifest = manifest
    run = fhir().pull("Patient", "")
    cursor = [next(run) for _ in range(6)][-1].cursor
    run.close()

    assert len(list(fhir().pull("Patient", cursor))) == 6
    assert len(server.kicked) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_has_its_export_asked_for_again(fhir, server, reply, status):
    expected = _three_files(server)
    server.forgets = False
    server.broken["/files/output/1"] = lambda _: reply(status)
    connector, records = fhir(), []

    with pytest.raises(TryLater, match="asked for again"):
        records.extend(connector.pull("Patient", ""))
    server.broken.clear()
    after = list(connector.pull("Patient", records[-1].cursor))

    assert _keys(records) == expected[:4]
    assert len(server.kicked) == 2
    assert _keys(after) == expected


def test_a_file_that_is_shorter_than_promised_is_not_taken_for_whole(fhir, server, reply):
    _three_files(server)
    short = b"\n".join(server.output[2][:2])
    server.broken["/files/output/2"] = lambda _: reply(200, short)
    records = []

    with pytest.raises(TryLater, match="2 of 4 lines"):
        records.extend(fhir().pull("Patient", ""))

    assert len(records) == 10
    assert records[-1].cursor.startswith("{")


def test_a_line_that_breaks_off_is_read_again_by_the_next_pull(fhir, server, reply):
    expected = _three_files(server)
    whole = b"".join(line + b"\n" for line in server.output[1])
    cut = {"Content-Length": str(len(whole))}
    server.broken["/files/output/1"] = lambda _: reply(200, iter([whole[:150]]), cut)
    connector, records = fhir(), []

    with pytest.raises(TryLater):
        records.extend(connector.pull("Patient", ""))
    server.broken.clear()
    after = list(connector.pull("Patient", records[-1].cursor))

    assert _keys(records) + _keys(after) == expected
    assert len(server.kicked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "waited"), [(429, {"Retry-After": "7"}, 7.0), (500, {}, 0.5)]
)
def test_a_file_that_cannot_be_had_now_is_asked_for_again(
    fhir, server, reply, clock, status, headers, waited
):
    expected, whole = _three_files(server), b"".join(line + b"\n" for line in server.output[1])
    answers = iter([reply(status, b"{}", headers), reply(200, whole)])
    server.broken["/files/output/1"] = lambda _: next(answers)

    assert _keys(fhir().pull("Patient", "")) == expected
    assert clock.slept == [waited]


def test_a_file_that_comes_slowly_is_read_to_its_end(fhir, server, reply):
    expected, whole = _three_files(server), b"".join(line + b"\n" for line in server.output[1])

    def slowly():
        yield whole[:150]
        time.sleep(0.2)
        yield whole[150:]

    server.broken["/files/output/1"] = lambda _: reply(200, slowly())

    assert _keys(fhir().pull("Patient", "")) == expected


def test_an_export_is_refused_to_whom_the_server_does_not_know(fhir, server, reply, serve):
    stranger = serve(lambda _: reply(401, outcome("error", "login")))

    with pytest.raises(Misconfigured, match="login"):
        list(fhir(base=stranger.url).pull("Patient", ""))


def test_an_export_of_nothing_says_nothing(fhir, server):
    assert list(fhir().pull("Patient", "")) == []
    assert server.cleared == ["/jobs/1"]


# -- whom our token is shown


@pytest.mark.parametrize(("needs", "sent"), [(True, True), (False, False)])
def test_files_get_the_token_only_when_they_want_it(fhir, server, monkeypatch, needs, sent):
    monkeypatch.setenv("T", "t1")
    _three_files(server)
    server.token = needs

    list(fhir(auth={"kind": "bearer", "token": "${env:T}"}).pull("Patient", ""))

    files = [asked for asked in server.asked if "/files/" in asked.path]
    assert {"authorization" in asked.headers for asked in files} == {sent}
    assert all("authorization" in asked.headers for asked in server.kicked)


def test_a_token_that_ends_between_two_files_is_renewed(fhir, server, reply, clock, monkeypatch):
    monkeypatch.setenv("S", "s")
    expected = _three_files(server)
    server.token, plain, made = True, server.__class__.__call__, []

    def answer(asked):
        if asked.path.endswith("/token"):
            made.append(f"t{len(made)}")
            return reply(200, json.dumps({"access_token": made[-1], "expires_in": 3600}).encode())
        if asked.headers.get("authorization") != f"Bearer {made[-1]}":
            return reply(401)
        if "/files/output/0" in asked.path:
            made.append("revoked")
        return plain(server, asked)

    monkeypatch.setattr(Bulk, "__call__", lambda self, asked: answer(asked))
    auth = {"kind": "oauth2", "client_id": "c", "client_secret": "${env:S}"}

    records = list(fhir(auth=auth | {"token_url": f"{server.url}/token"}).pull("Patient", ""))

    assert _keys(records) == expected
    assert made == ["t0", "revoked", "t2"]


def test_a_file_on_another_origin_is_refused_with_both_named(fhir, server, serve, reply):
    other = serve(lambda _: reply(200))
    _three_files(server)
    server.files_at = other.url

    with pytest.raises(Refused, match="expected the origin") as refused:
        list(fhir().pull("Patient", ""))

    assert other.url in str(refused.value)
    assert other.asked == []


@pytest.mark.parametrize("needs", [True, False, None])
def test_files_may_lie_where_a_person_says(fhir, server, serve, reply, monkeypatch, needs):
    monkeypatch.setenv("T", "t1")
    _three_files(server)
    other = serve(lambda asked: reply(200, b"\n".join(server.output[int(asked.path[-1])])))
    server.files_at, server.token = other.url, needs

    auth = {"kind": "bearer", "token": "${env:T}"}
    records = list(fhir(auth=auth, file_origins=[other.url]).pull("Patient", ""))

    assert len(records) == 12
    assert {"authorization" in asked.headers for asked in other.asked} == {needs is True}


@pytest.mark.parametrize("where", ["job", "next", "cursor"])
def test_no_other_address_may_lead_elsewhere(fhir, server, serve, reply, where):
    other = serve(lambda _: reply(200, b"{}"))
    web, cursor = server.url, ""
    if where == "job":
        web = f"{serve(lambda _: reply(202, headers={'Content-Location': other.url})).url}/fhir"
    elif where == "next":
        link = [{"relation": "next", "url": other.url}]
        said = json.dumps({"transactionTime": server.time, "link": link}).encode()
        server.looks = [lambda _: reply(200, said)]
    else:
        place = {"since": "", "job": other.url, "time": "x", "part": 0, "file": "", "line": 0}
        cursor = json.dumps(place)

    with pytest.raises(Refused, match="origin"):
        list(fhir(base=web).pull("Patient", cursor))

    assert other.asked == []


# -- settings, size


@pytest.mark.parametrize(
    "cursor", ["{}", '{"since": ""}', "[1]", '{"since":"","job":1,"time":"","part":"x"}']
)
def test_a_foreign_cursor_is_told(fhir, cursor):
    with pytest.raises(Misconfigured, match="none of ours"):
        list(fhir().pull("Patient", cursor))


@pytest.mark.parametrize(
    "export", [{"level": "group"}, {"group": "g"}, {"level": "group", "group": "a/b"}]
)
def test_a_group_goes_with_its_level(fhir, export):
    with pytest.raises(ValidationError):
        fhir(**export)


def test_memory_does_not_grow_with_the_number_of_lines(fhir, server, reply):
    server.output, server.counts = [[]], False
    connector, process = fhir(), psutil.Process()

    def lines(count):
        for start in range(0, count, 100):
            yield b"".join(patient(f"p{n}") + b"\n" for n in range(start, start + 100))

    def most(count):
        """The memory of this process at its highest while so many lines are read."""
        server.broken["/files/output/0"] = lambda _: reply(200, lines(count))
        found = 0
        for number, _ in enumerate(connector.pull("Patient", ""), 1):
            if number % 1000 == 0:
                found = max(found, process.memory_info().rss)
        assert number == count
        return found

    small, large = most(25_000), most(100_000)  # the first fills what is remembered of doubles

    assert large - small < 20 << 20  # kept, the lines alone would be 13 MB and the records 80
