"""The API from outside: keys, answers, problems, and nothing personal where it does not belong."""

from __future__ import annotations

import base64
import logging

import orjson
import pytest
import structlog
from fastapi import FastAPI
from starlette.routing import Route
from starlette.testclient import TestClient

from hub import filters, keys
from hub.api import errors
from hub.api.app import mount, router
from hub.api.deps import Busy, Deps, Sessions
from hub.api.kept import Kept
from hub.api.records import Records
from hub.database import session
from hub.principal import ADMIN, READ, Principal
from hub.statement import Identifier, Ref, SameAs, Stated

NOW = 1_772_000_500_000_000
PROBLEM = "application/problem+json"
NOBODY = "00000000-0000-7000-8000-000000000000"


def patient(key, *mrns, **fields):
    given = tuple(Identifier("mrn", mrn, "UH") for mrn in mrns)
    return Stated(entity="Participant", key=key, fields=fields, identifiers=given)


def phi(key, **fields):
    return Stated(entity="ParticipantPhi", key=key, fields=fields)


@pytest.fixture
def clock():
    return [NOW]


@pytest.fixture
def app(hub_url, store, keyring, clock, audited):
    made = FastAPI(title="crohub", docs_url=None, redoc_url=None)

    @made.get("/healthz")
    def healthz() -> str:
        return "up"

    @made.get("/fails")
    def fails() -> str:
        raise RuntimeError("ZZPHI went wrong")

    @made.get("/counts/{number}")
    def counts(number: int) -> int:
        return number

    deps = Deps(
        open_session=lambda: session(hub_url, read_only=True),
        keyring=keyring,
        clock=lambda: clock[0],
        saw=lambda *one: audited.append(one),
        embedded=hub_url.startswith("sqlite"),
    )
    sessions = mount(made, deps)
    yield made
    sessions.close()


def key_of(store, *scopes, days=10):
    made = keys.make("test", scopes, now=NOW, days=days)
    with store.transaction():
        keys.put(store, made.row)
    return made.text


def client_of(app, key):
    return TestClient(app, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def client(app, store):
    """With a key that may everything."""
    return client_of(app, key_of(store, ADMIN))


@pytest.fixture
def plain(app, store):
    """With a key that may only read."""
    return client_of(app, key_of(store, READ))


def test_every_route_but_health_needs_a_key(app):
    anonymous = TestClient(app)
    paths = {
        route.path.format(plural="studies", id=NOBODY, number=1)
        for route in app.routes
        if isinstance(route, Route)
    }
    paths |= {"/api/v1/studies", f"/api/v1/studies/{NOBODY}/history", "/api/v1/changes", "/nothing"}

    answers = {path: anonymous.get(path).status_code for path in sorted(paths)}

    assert answers.pop("/healthz") == 200
    assert len(answers) >= 7
    assert set(answers.values()) == {401}
    assert anonymous.post("/api/v1/studies/search").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "Bearer crohub_1_wrong", "Basic eDp5", "Token x", "Bearer ü",
        "Bearer " + "x" * 5000,
    ],
)  # fmt: skip
def test_a_bad_key_is_refused_without_a_word_why(app, header):
    answer = TestClient(app).get("/api/v1/studies", headers={"Authorization": header.encode()})

    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"] == 'Bearer realm="crohub"'
    assert body["code"] == "CROHUB-UNAUTHENTICATED"
    assert "detail" not in body


def test_an_expired_key_opens_nothing(app, store, clock):
    client = client_of(app, key_of(store, READ, days=1))

    before = client.get("/api/v1/studies").status_code
    clock[0] += 2 * keys.DAY

    assert before == 200
    assert client.get("/api/v1/studies").status_code == 401


def test_a_revoked_key_opens_nothing_after_a_few_seconds(app, store, clock):
    key = key_of(store, READ)
    client = client_of(app, key)
    client.get("/api/v1/studies")
    keys.revoke(store, "test", NOW)

    clock[0] += 5_000_000

    assert client.get("/api/v1/studies").status_code == 401


def test_a_revoked_key_opens_nothing_from_then_on_where_commits_are_noticed(app, store):
    client = client_of(app, key_of(store, READ))

    before = [client.get("/api/v1/studies").status_code for _ in range(2)]
    keys.revoke(store, "test", NOW)

    assert before == [200, 200]
    now = {"sqlite": 401, "postgresql": 200}  # there after a few seconds, as above
    assert client.get("/api/v1/studies").status_code == now[store.dialect]


def test_a_list_shows_each_commit_in_the_next_answer(plain, tell):
    asked = "/api/v1/participants?sort=language"
    shown = []
    for language in ("no", "en", "sv", "no"):
        tell(patient("p", language=language))
        answers = [plain.get(asked) for _ in range(3)]
        assert len({answer.content for answer in answers}) == 1
        assert {answer.headers["cache-control"] for answer in answers} == {"private, no-cache"}
        shown.append([item["language"] for item in answers[0].json()["items"]])

    assert shown == [["no"], ["en"], ["sv"], ["no"]]


def test_each_search_for_a_person_is_reported(client, tell, audited):
    tell(patient("p", "12345"))

    answers = [client.get("/api/v1/participants?identifier=MRN|12345") for _ in range(3)]

    assert [len(answer.json()["items"]) for answer in answers] == [1, 1, 1]
    assert len(audited) == 3


def test_a_list_is_a_page_of_items_and_the_next_cursor(plain, tell):
    for number in range(3):
        tell(patient(f"p{number}", language=str(number)))

    first = plain.get("/api/v1/participants", params={"limit": 2, "sort": "-language"})
    rest = plain.get(
        "/api/v1/participants",
        params={"limit": 2, "sort": "-language", "cursor": first.json()["next"]},
    )

    assert first.headers["content-type"] == "application/json"
    assert [item["language"] for item in first.json()["items"]] == ["2", "1"]
    assert [item["language"] for item in rest.json()["items"]] == ["0"]
    assert rest.json()["next"] is None


def test_a_page_size_beyond_the_most_is_clamped(plain, tell):
    tell(patient("p"))

    for name in ("limit", "_limit"):
        answer = plain.get("/api/v1/participants", params={name: 999999})
        assert (answer.status_code, len(answer.json()["items"])) == (200, 1)


def test_a_person_is_found_by_number_in_the_address_and_in_a_body(client, plain, tell):
    tell(patient("p", "12345", sex="female"), patient("q", "777", sex="male"))

    in_address = client.get("/api/v1/participants?identifier=MRN|12345").json()
    in_body = client.post("/api/v1/participants/search", json={"identifiers": ["mrn|12345"]}).json()
    as_object = client.post(
        "/api/v1/participants/search?fields=sex",
        json={"identifiers": [{"type": "MRN", "value": "12345", "assigner": "UH"}]},
    ).json()
    refused = plain.get("/api/v1/participants?identifier=MRN|12345")

    assert in_address["items"][0]["sex"] == "female"
    assert in_body == in_address
    assert [item["sex"] for item in as_object["items"]] == ["female"]
    assert (refused.status_code, refused.json()["code"]) == (403, "CROHUB-FORBIDDEN")


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b'{"identifiers": ["mrn|1"]', "application/json", 400, "CROHUB-JSON-SYNTAX"),
        (b'{"identifiers": ["mrn|1"]} x', "application/json", 400, "CROHUB-JSON-SYNTAX"),
        (b'{"identifiers": [], "identifiers": []}', "application/json", 400,
         "CROHUB-JSON-DUPLICATE"),
        (b'{"identifiers": [NaN]}', "application/json", 400, "CROHUB-JSON-NUMBER"),
        (b'{"identifiers": [99999999999999999999]}', "application/json", 400,
         "CROHUB-JSON-NUMBER"),
        (b"\xff\xfe", "application/json", 400, "CROHUB-JSON-SYNTAX"),
        (b"[" * 40_000, "application/json", 400, "CROHUB-JSON-DEPTH"),
        (b'{"identifiers": [{"type": "mrn", "value": "\\ud800"}]}', "application/json", 400,
         "CROHUB-BAD-VALUE"),
        (b'{"identifiers": ["ZZPHI"]}', "application/json", 400, "CROHUB-BAD-VALUE"),
        (b'{"identifiers": ["mrn|1"], "ZZPHI": 1}', "application/json", 422, "CROHUB-INVALID"),
        (b'{"identifiers": []}', "application/json", 422, "CROHUB-INVALID"),
        (b'{"identifiers": [1]}', "application/json", 422, "CROHUB-INVALID"),
        (b'{"identifiers": [{"type": "mrn", "value": 7}]}', "application/json", 422,
         "CROHUB-INVALID"),
        (b"[]", "application/json", 422, "CROHUB-INVALID"),
        (b" " * 70_000, "application/json", 413, "CROHUB-TOO-LARGE"),
        (b"identifiers=1", "application/x-www-form-urlencoded", 415, "CROHUB-MEDIA-TYPE"),
    ],
)  # fmt: skip
def test_a_body_that_can_be_misread_is_refused(client, body, media, status, code):
    answer = client.post(
        "/api/v1/participants/search", content=body, headers={"Content-Type": media}
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "ZZPHI" not in answer.text


def test_a_compressed_body_is_refused(client):
    answer = client.post(
        "/api/v1/participants/search",
        content=b"{}",
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert answer.status_code == 415


def test_one_record_has_its_version_as_its_tag(plain, tell):
    tell(patient("p", sex="female"))
    one = plain.get("/api/v1/participants").json()["items"][0]
    address = f"/api/v1/participants/{one['id']}"

    answer = plain.get(address)
    known = plain.get(address, headers={"If-None-Match": 'W/"7", W/"1"'})
    tell(patient("p", sex="male"))
    changed = plain.get(address, headers={"If-None-Match": 'W/"1"'})

    assert answer.json() == one
    assert answer.headers["etag"] == 'W/"1"'
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", 'W/"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')


def test_a_merged_id_leads_to_the_record_it_became(plain, tell):
    tell(patient("A", "1", sex="female"))
    tell(patient("B", "2", sex="male"))
    kept, lost = (item["id"] for item in plain.get("/api/v1/participants").json()["items"])
    tell(SameAs(entity="Participant", kept="A", retired="B"))

    answer = plain.get(f"/api/v1/participants/{lost}", headers={"If-None-Match": 'W/"1"'})

    assert (answer.status_code, answer.json()["id"]) == (200, kept)
    assert answer.headers["content-location"] == f"/api/v1/participants/{kept}"


def test_history_and_a_record_of_another_day_are_read_by_their_addresses(plain, tell):
    tell(patient("p", language="no"))
    tell(patient("p", language="en"))
    address = f"/api/v1/participants/{plain.get('/api/v1/participants').json()['items'][0]['id']}"

    told = plain.get(f"{address}/history?limit=1&provenance=true").json()
    rest = plain.get(f"{address}/history", params={"cursor": told["next"]}).json()
    then = plain.get(f"{address}?as_of=2026-02-25T06:13:21Z")
    local = plain.get(f"{address}?as_of=2026-02-25T08:13:21+02:00")
    before = plain.get(f"{address}?as_of=2020-01-01")
    unread = plain.get(f"{address}?known_at=ZZPHI")

    assert told["items"][0]["changed"] == {"language": "no"}
    assert told["items"][0]["provenance"]["language"]["system"] == "ehr"
    assert [item["changed"]["language"] for item in rest["items"]] == ["en"]
    assert then.json()["language"] == local.json()["language"] == "no"
    assert "etag" not in then.headers
    assert before.status_code == 404
    assert (unread.status_code, unread.json()["code"]) == (400, "CROHUB-BAD-VALUE")


def test_personal_data_need_the_scope_are_reported_with_purpose_and_never_cached(
    client, plain, tell, audited
):
    tell(patient("p", "1", sex="female"), phi("p", family_name="Nyström"))
    one = plain.get("/api/v1/participants").json()["items"][0]["id"]
    address = f"/api/v1/participants/{one}?include=phi"

    refused = plain.get(address)
    before = list(audited)
    answer = client.get(address, headers={"X-Purpose": "visit reminder"})

    assert refused.status_code == 403
    assert before == []
    assert answer.json()["phi"]["family_name"] == "Nyström"
    assert answer.headers["cache-control"] == "no-store"
    [(kind, ids, principal)] = audited
    assert (kind, ids, principal.purpose) == ("ParticipantPhi", [one], "visit reminder")


def test_the_feed_the_findings_and_the_decisions_are_read(plain, tell):
    tell(patient("p", sex="female"))

    feed = plain.get("/api/v1/changes?limit=1").json()
    again = plain.get("/api/v1/changes", params={"since": feed["next"]}).json()

    assert [item["changed"] for item in feed["items"]] == [{"sex": "female"}]
    assert (again["items"], again["next"]) == ([], feed["next"])
    assert plain.get("/api/v1/findings?open=any").json() == {"items": [], "next": None}
    assert plain.get("/api/v1/decisions").json() == {"items": [], "next": None}
    for path in ("changes?since=ZZPHI", "findings?open=maybe", "decisions?ZZPHI=1"):
        answer = plain.get(f"/api/v1/{path}")
        assert (answer.status_code, "ZZPHI" in answer.text) == (400, False)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/wards", 404),
        ("/api/v1/participant-phi", 404),
        ("/api/v1/enrollment-arms", 404),
        (f"/api/v1/studies/{NOBODY}", 404),
        ("/api/v1/studies/..%2f..%2fetc%2fpasswd", 404),
        ("/api/v1/studies/%00", 404),
        ("/api/v1/studies/" + "9" * 4000, 404),
        ("/api/v1/studies/0000000０-0000-7000-8000-000000000000", 404),
        (f"/api/v1/studies/{NOBODY}/history", 404),
        (f"/api/v1/studies/{NOBODY}?sort=id", 400),
        ("/api/v1/studies?bogus=1", 400),
        ("/api/v1/studies?title=%ff", 400),
        ("/api/v1/studies?" + "&".join(["status=completed"] * 101), 400),
        ("/api/v1/studies?title=" + "x" * 20_000, 414),
        ("/api/v1/studies/x/y/z", 404),
        ("/counts/ZZPHI", 422),
    ],
)
def test_what_cannot_be_found_or_read_is_a_problem(client, path, status):
    answer = client.get(path)

    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert set(body) <= {"type", "title", "status", "code", "detail", "instance"}
    assert body["code"].startswith("CROHUB-")
    assert "ZZPHI" not in answer.text


def test_a_verb_that_a_route_does_not_know_is_a_problem(client):
    answer = client.delete("/api/v1/studies")

    assert (answer.status_code, answer.json()["code"]) == (405, "CROHUB-METHOD")
    assert "GET" in answer.headers["allow"]


def test_a_failure_nobody_foresaw_shows_and_logs_no_word_of_it(client, caplog):
    with structlog.testing.capture_logs() as logged, caplog.at_level(logging.DEBUG):
        answer = client.get("/fails")

    assert (answer.status_code, answer.json()["code"]) == (500, "CROHUB-INTERNAL")
    [entry] = logged
    assert entry["instance"] == answer.json()["instance"]
    assert (entry["error"], "test_api.py" in entry["place"]) == ("RuntimeError", True)
    for text in (answer.text, repr(logged), caplog.text):
        assert "ZZPHI" not in text
        assert "Traceback" not in text


def test_a_patients_name_never_leaves_by_an_error_or_a_log_line(client, plain, tell, caplog):
    tell(patient("p", "ZZPHI77", sex="female"), phi("p", family_name="ZZPHI"))
    one = plain.get("/api/v1/participants").json()["items"][0]["id"]
    asked = [
        "/api/v1/participants", "/api/v1/changes", f"/api/v1/participants/{one}?provenance=true",
        f"/api/v1/participants/{one}/history", "/api/v1/participants?include=identifiers",
        "/api/v1/participants?family_name=ZZPHI", "/api/v1/participants?sort=family_name",
        "/api/v1/participants?identifier=ZZPHI|ZZPHI", "/api/v1/participants?cursor=ZZPHI",
        "/api/v1/participants?include=phi", "/api/v1/findings",
        "/api/v1/participants?identifier=MRN|ZZPHI77",
    ]  # fmt: skip

    with structlog.testing.capture_logs() as logged, caplog.at_level(logging.DEBUG):
        texts = [plain.get(path).text for path in asked]
        seen = client.get("/api/v1/participants?include=phi,identifiers").text

    ours = [record.getMessage() for record in caplog.records if record.name != "httpx2"]
    assert "ZZPHI77" in seen
    assert [text for text in texts if "ZZPHI" in text] == []
    assert "ZZPHI" not in repr(logged) + repr(ours)


def test_sql_in_a_value_is_only_a_value(plain, tell, store):
    tell(patient("p", language="no"))

    answer = plain.get("/api/v1/participants", params={"language": "x' or 1=1; drop table study"})

    assert answer.json()["items"] == []
    assert store.one("select count(*) from study") == (0,)


def test_the_description_names_every_field_and_filter(client):
    description = client.get("/openapi.json").json()

    parameters = {p["name"] for p in description["paths"]["/api/v1/studies"]["get"]["parameters"]}
    assert {"status", "start_on__ge", "title__contains", "sort", "include"} <= parameters
    study = description["components"]["schemas"]["StudyWithSealed"]["properties"]
    assert {"title", "version", "identifiers"} <= study.keys()
    assert "family_name" in description["components"]["schemas"]["ParticipantPhi"]["properties"]
    assert "/counts/{number}" in description["paths"]
    _references_resolve(description)


def _references_resolve(description):
    text = orjson.dumps(description).decode()
    for piece in text.split('"#/components/schemas/')[1:]:
        assert piece.partition('"')[0] in description["components"]["schemas"]


def test_the_documentation_opens_in_a_browser_without_the_internet(app, client, store):
    password = base64.b64encode(f"me:{key_of(store, READ)}".encode()).decode()

    asked = TestClient(app).get("/docs")
    page = TestClient(app).get("/docs", headers={"Authorization": f"Basic {password}"})

    assert asked.headers["www-authenticate"] == 'Basic realm="crohub"'
    assert (page.status_code, page.text) == (200, client.get("/docs").text)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "/api/v1/participant-visits" in page.text
    assert "://" not in page.text.replace("http://www.w3.org", "")
    assert "<script" not in page.text


def test_a_session_that_failed_is_not_used_again_and_a_full_house_is_said(hub_url, store):
    opened = []

    def open_one():
        opened.append(session(hub_url, read_only=True))
        return opened[-1]

    sessions = Sessions(open_one, most=1, patience=0.01)
    with pytest.raises(ZeroDivisionError), sessions.reading():
        1 / 0  # noqa: B018
    with sessions.reading() as first:
        assert first.one("select 1") == (1,)
        with pytest.raises(Busy), sessions.reading():
            pass
    with sessions.reading() as second:
        assert second is first

    sessions.close()
    assert len(opened) == 2


def test_a_session_for_reading_cannot_write(hub_url, store):
    sessions = Sessions(lambda: session(hub_url, read_only=True), most=1)

    with pytest.raises(Exception, match=r"read-?only"), sessions.reading() as reading:
        reading.run("delete from study")


class Speaking:
    """Says for whom a request speaks, since keys cannot be given grants to single studies yet."""

    def __init__(self, app, whom):
        self.app, self.whom = app, whom

    async def __call__(self, scope, receive, send):
        scope.setdefault("state", {})["principal"] = self.whom[0]
        await self.app(scope, receive, send)


def speaker(name, *scopes, **grants):
    return Principal(name=name, scopes=frozenset(scopes), **grants)


@pytest.fixture
def whom():
    """For whom the requests of `other` speak: at first for one who may see no study of ours."""
    return [speaker("x", READ, studies=frozenset({NOBODY}))]


@pytest.fixture
def other(hub_url, keyring, whom):
    deps = Deps(
        open_session=lambda: session(hub_url, read_only=True),
        keyring=keyring, clock=lambda: NOW, saw=lambda *_: None,
    )  # fmt: skip
    sessions = Sessions(deps.open_session, 1, embedded=hub_url.startswith("sqlite"))
    app = FastAPI()
    app.include_router(router(Records(deps, sessions, Kept(sessions.watch))))
    app.add_middleware(Speaking, whom=whom)
    errors.install(app)
    yield TestClient(app)
    sessions.close()


def test_a_study_of_others_does_not_exist(tell, client, other):
    tell(Stated(entity="Study", key="A", fields={"title": "A"}))
    tell(Stated(entity="StudyArm", key="a", fields={"study": Ref("Study", "A"), "name": "arm"}))
    one = client.get("/api/v1/studies").json()["items"][0]["id"]

    lists = [other.get(f"/api/v1/{plural}").json()["items"] for plural in ("studies", "study-arms")]
    theirs = other.get(f"/api/v1/studies/{one}")
    none = other.get(f"/api/v1/studies/{NOBODY}")

    assert lists == [[], []]
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert theirs.json() | {"instance": ""} == none.json() | {"instance": ""}


def test_callers_with_other_grants_share_no_answer(tell, other, whom):
    for key in ("A", "B"):
        tell(Stated(entity="Study", key=key, fields={"title": key}))

    def titles():
        answer = other.get("/api/v1/studies?sort=title")
        return [item["title"] for item in answer.json().get("items", [])] or answer.status_code

    whom[:] = [speaker("all", READ)]
    first = other.get("/api/v1/studies?sort=title").json()["items"][0]["id"]
    asked = [
        (speaker("all", READ), ["A", "B"]),
        (speaker("one", READ, studies=frozenset({first})), ["A"]),
        (speaker("none", READ, studies=frozenset({NOBODY})), 200),
        (speaker("mute"), 403),
        (speaker("admin", ADMIN), ["A", "B"]),
    ]

    for _ in range(2):
        for principal, expected in (*asked, *reversed(asked)):
            whom[:] = [principal]
            assert (principal.name, titles()) == (principal.name, expected)


def test_a_page_links_to_the_next_one_with_the_size_that_counts(plain, tell, monkeypatch):
    monkeypatch.setattr(filters, "LARGEST", 2)
    for number in range(5):
        tell(patient(f"p{number}", language="no"))

    asked, pages = "/api/v1/participants?language=no&limit=999999&sort=-id", []
    while asked:
        answer = plain.get(asked)
        pages.append([item["id"] for item in answer.json()["items"]])
        link = answer.headers.get("link", "")
        assert bool(link) == (answer.json()["next"] is not None)
        assert not link or ("limit=2&" in link and link.endswith('; rel="next"'))
        asked = link.partition(">")[0].removeprefix("<")
    searched = plain.get("/api/v1/participants?fields=language&limit=2")

    assert [len(one) for one in pages] == [2, 2, 1]
    assert len({one for page in pages for one in page}) == 5
    assert "fields=language" in searched.headers["link"]
