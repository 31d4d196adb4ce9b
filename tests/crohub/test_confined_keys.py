"""A key that is confined to a study or a site sees theirs at every surface and operates nothing;
the command that makes one takes the names that people use."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from crohub import schema, starter
from crohub.app import build
from crohub.confining import Confinement, confinement, known
from crohub.options import Options, places_of
from hub import clock, keys
from hub.changes import START, Wanted
from hub.context import Context
from hub.database import Session
from hub.policy import Policy, System
from hub.principal import ADMIN, OPERATE, PHI, READ, WRITE, Principal
from hub.reader import Reader
from hub.said import Said
from hub.seal import load
from hub.settle import settle
from hub.statement import Identifier, Meaning, Ref, Stated
from pipelines import settings, subscriptions
from pipelines.edge import open_edge
from pipelines.places import Places

NAMES = ("ONC-101", "ONC-102")
HOOKS = "\nwebhooks: {allow: [127.0.0.1], plain: true}\n"
NOBODY = "00000000-0000-7000-8000-000000000000"
WHY = ("--reason", "a test")


def stated(entity: str, key: str, **fields) -> Stated:
    return Stated(entity=entity, key=key, fields=fields)


def trial(name: str):
    """A study with a site, a subject there, who is enrolled, and a document."""
    number = Identifier("local_protocol_no", name, "urn:x:ctms")
    fields = {"title": f"Trial {name}", "acronym": "TWIN", "local_protocol_no": name}
    yield Stated(entity="Study", key=name, fields=fields, identifiers=(number,))
    study, site = Ref("Study", name), Ref("StudySite", f"site {name}")
    yield stated("StudySite", f"site {name}", study=study, site_number="101",
                 organization=Ref("Organization", "north"), status="activated")  # fmt: skip
    yield stated("Participant", f"p {name}", sex="female")
    yield stated("ParticipantPhi", f"p {name}", family_name=f"ZZ {name}")
    yield stated("Enrollment", f"e {name}", study=study, study_site=site, state="enrolled",
                 participant=Ref("Participant", f"p {name}"), subject_number=f"S {name}",
                 enrolled_on="2026-03-01")  # fmt: skip


@dataclass
class Made:
    """A deployment with two studies, and the application that serves it."""

    folder: Path
    app: FastAPI
    store: Session
    places: Places

    def id(self, entity: str, where: str) -> str:
        [(one,)] = self.store.all(f"select id from {entity} where {where}")
        return one

    def study(self, name: str) -> str:
        return self.id("study", f"local_protocol_no = '{name}'")

    def site(self, name: str) -> str:
        return self.id("study_site", f"study_id = '{self.study(name)}'")

    @property
    def reader(self) -> Reader:
        return Reader(self.store, load(self.places.keys), lambda *_: None)

    def client(self, *scopes: str, name: str = "test", **confined) -> TestClient:
        made = keys.make(name, scopes, now=clock.now(), days=1, **confined)
        with self.store.transaction():
            keys.put(self.store, made.row)
        return opened(self.app, made.text)


def opened(app: FastAPI, key: str) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("confined") / "deployment"
    starter.write(folder)
    path = folder / "hub.yaml"
    path.write_text(path.read_text() + HOOKS)
    deployment = settings.load(folder)
    places = places_of(Options(config=folder, data=None), deployment)
    places.make()
    schema.upgrade(places)
    edge = open_edge(places, deployment, fatal=print)
    edge.writer.start()  # of what is exported the audit has to know
    store = places.hub()
    context = Context(
        session=store, keyring=edge.keyring, clock=clock.now, chain="test",
        policy=Policy(systems={"ctms": System("ctms", "CTMS")}),
    )  # fmt: skip
    told = [stated("Organization", "north", name="North"), *trial(NAMES[0]), *trial(NAMES[1])]
    with store.transaction():
        for seq, one in enumerate(told, 1):
            said = Said(seq=seq, system="ctms", at=clock.now(), meaning=Meaning(statements=(one,)))
            settle(context, [said])
    yield Made(folder, build(edge), store, places)
    edge.writer.stop()
    store.close()


@pytest.fixture(scope="module")
def whole(made):
    """With a key that is not confined."""
    return made.client(READ, PHI, OPERATE, name="whole")


@pytest.fixture(scope="module")
def mine(made):
    """With a key that is confined to the first study."""
    return made.client(READ, PHI, OPERATE, name="mine", studies=[made.study(NAMES[0])])


@pytest.fixture(scope="module")
def here(made):
    """With a key that is confined to the first study's site."""
    one = made.study(NAMES[0])
    return made.client(READ, OPERATE, name="here", studies=[one], sites=[made.site(NAMES[0])])


@pytest.fixture(scope="module")
def nothing(made):
    """With a key that is confined to no study at all."""
    return made.client(READ, PHI, OPERATE, name="nothing", studies=[])


def ids(client, plural, **asked):
    answer = client.get(f"/api/v1/{plural}", params=asked)
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["items"]}


KINDS = ("studies", "study-sites", "enrollments", "participants")


@pytest.mark.parametrize("plural", KINDS)
def test_a_list_a_record_and_an_export_are_of_its_study_only(made, whole, mine, here, plural):
    every, own = ids(whole, plural), ids(mine, plural)
    [other] = every - own

    assert (len(every), len(own)) == (2, 1)
    assert ids(here, plural) == own
    for way in ("", "/history", "/provenance", "?include=labels", "?as_of=2030-01-01"):
        assert whole.get(f"/api/v1/{plural}/{other}{way}").status_code == 200, way
        for client in (mine, here):
            assert client.get(f"/api/v1/{plural}/{other}{way}").status_code == 404, way
    assert ids(mine, plural, as_of="2030-01-01") == own
    rows = mine.get(f"/api/v1/{plural}/export").text.splitlines()
    assert {json.loads(row)["id"] for row in rows} == own


def test_what_is_personal_is_opened_of_its_own_study_only(whole, mine):
    shown = [client.get("/api/v1/participants?include=phi").text for client in (whole, mine)]

    assert [re.findall(r"ZZ (ONC-\d+)", text) for text in shown] == [[*NAMES], [NAMES[0]]]


def test_places_belong_to_no_study_and_are_shown(mine, here):
    assert len(ids(mine, "organizations")) == len(ids(here, "organizations")) == 1


@pytest.mark.parametrize("view", ["study_overview", "site_status", "participant_tracker"])
def test_a_view_has_the_rows_of_its_study(made, whole, mine, view):
    address, names = f"/views/ctms/{view}", ("study_id", "study")

    def studies(client, **asked):
        answer = client.get(address, params=asked)
        assert answer.status_code == 200, answer.text
        return {one["study_id"] for one in answer.json()["items"]}

    assert studies(whole) == {made.study(name) for name in NAMES}
    assert studies(mine) == {made.study(NAMES[0])}
    assert studies(mine, study=NAMES[1]) == set()
    told = mine.get(address, params={"format": "ndjson", "fields": names[0]}).text
    assert {json.loads(row)["study_id"] for row in told.splitlines()} == {made.study(NAMES[0])}


def test_a_view_of_the_whole_is_not_for_a_part(whole, mine, here):
    assert whole.get("/views/croms/credentials").status_code == 200
    assert mine.get("/views/croms/credentials").status_code == 403
    assert here.get("/views/ctms/study_overview").status_code == 403  # its sums are of every site
    assert len(here.get("/views/ctms/site_status").json()["items"]) == 1


def test_the_feed_tells_of_its_study(whole, mine):
    told = [
        {(one["entity"], one["id"]) for one in client.get("/api/v1/changes").json()["items"]}
        for client in (whole, mine)
    ]

    kinds = ("Study", "StudySite", "Enrollment", "Participant", "ParticipantPhi")
    counts = [{kind: sum(one[0] == kind for one in part) for kind in kinds} for part in told]
    assert counts == [dict.fromkeys(kinds, 2), dict.fromkeys(kinds, 1)]
    assert told[1] < told[0]


@pytest.mark.parametrize("version", ["R4", "R5"])
@pytest.mark.parametrize("type_", ["ResearchStudy", "ResearchSubject"])
def test_the_facade_shows_its_study(whole, mine, version, type_):
    address = f"/fhir/{version}/{type_}"
    every, own = (
        {one["resource"]["id"] for one in client.get(address).json()["entry"]}
        for client in (whole, mine)
    )
    [other] = every - own

    assert (len(every), len(own)) == (2, 1)
    assert mine.get(f"{address}/{other}").status_code == 404
    assert whole.get(f"{address}/{other}").status_code == 200


def test_a_study_goes_out_only_where_it_is_ones_own(made, mine):
    own, other = (mine.get(f"/api/v1/studies/{made.study(n)}/export?as=odm") for n in NAMES)

    assert (own.status_code, other.status_code) == (200, 404)


def test_a_finding_about_a_person_in_another_study_is_not_shown(made, whole, mine):
    """The person is one of those whom all may see."""
    everyone = made.id("organization", "name = 'North'")
    columns = "id, digest, rule, entity, entity_id, field, place, found, expected, seq, opened_at"
    with made.store.transaction():
        for n, study in enumerate((made.study(NAMES[0]), made.study(NAMES[1]), None)):
            row = (f"f{n}", bytes([n]) * 16, "r", "Organization", everyone, "", "", "x", "y", 1, 1)
            made.store.run(
                f"insert into finding({columns}, study_id) values({', '.join('?' * 12)})",
                (*row, study),
            )

    found = [[one["id"] for one in c.get("/api/v1/findings?rule=r").json()["items"]]
             for c in (whole, mine)]  # fmt: skip

    assert found == [["f0", "f1", "f2"], ["f0", "f2"]]


def operations(app):
    """Every way to operate the hub: method and path."""
    paths = app.openapi()["paths"]
    for path, ways in paths.items():
        is_own = path.startswith(("/ops/subscriptions", "/api/v1/subscriptions"))
        if path.startswith(("/ops", "/metrics")) and not is_own:
            for method in ways.keys() & {"get", "post", "put", "delete"}:
                yield method.upper(), path.format(seq=1, one="x", name="x", do="pause")


def test_it_operates_nothing(made, mine, here):
    """Neither is anything shown that is about all: messages, deliveries, questions, counts."""
    ways = list(operations(made.app))

    assert len(ways) >= 15
    for client in (mine, here):
        for method, path in ways:
            answer = client.request(method, path, json={} if method != "GET" else None)
            assert answer.status_code == 403, (method, path, answer.text)


def test_no_route_makes_a_key(made):
    assert [path for path in made.app.openapi()["paths"] if "key" in path.lower()] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/studies"),
        ("PATCH", "/api/v1/studies/{id}"),
        ("DELETE", "/api/v1/studies/{id}"),
        ("POST", "/api/v1/studies/{id}/merge"),
        ("POST", "/api/v1/studies/{id}/override"),
        ("POST", "/api/v1/decisions"),
        ("GET", "/api/v1/decisions"),
        ("POST", "/api/v1/findings/{id}/sign-off"),
    ],
)
def test_it_changes_not_even_its_own_study(made, mine, method, path):
    address = path.format(id=made.study(NAMES[0]))

    answer = mine.request(method, address, json={} if method != "GET" else None)

    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("confined", ["", "studies", "sites"])
def test_the_page_of_the_whole_is_not_for_a_part(made, confined):
    part = {"studies": [made.study(NAMES[0])], "sites": [made.site(NAMES[0])]}
    key = keys.make(
        "looker", (READ,), now=clock.now(), **{n: part[n] for n in part if n == confined}
    )
    with made.store.transaction():
        keys.put(made.store, key.row)

    page = TestClient(made.app, cookies={"crohub_key": key.text}).get("/").text

    assert ("may not look at the hub as a whole" in page) is bool(confined)
    assert ("Connections" in page) is not bool(confined)


@pytest.fixture
def wide(made):
    """The id of a subscription to all studies, by a key called twin."""
    maker = Principal(name="key:twin", scopes=frozenset({READ, OPERATE}))
    found = subscriptions.make(
        load(made.places.keys), maker, name="n", url="http://127.0.0.1:1/", wanted=Wanted(),
        since=START, now=clock.now(),
    )  # fmt: skip
    with made.store.transaction():
        subscriptions.put(made.store, found.row)
    yield found.row["id"]
    made.store.run("delete from subscription")
    made.store.run("delete from api_key where name = 'twin'")


def test_a_name_gives_no_part_in_what_a_wider_key_subscribed_to(made, wide):
    path = f"/api/v1/subscriptions/{wide}"
    twin = made.client(READ, OPERATE, name="twin", studies=[made.study(NAMES[0])])

    assert twin.get(path).status_code == 404
    assert twin.get("/api/v1/subscriptions").json()["items"] == []
    assert twin.post(f"{path}/rotate", json={"reason": "mine now"}).status_code == 404
    assert made.client(READ, name="twin").get(path).status_code == 200


def test_a_subscription_does_not_outlive_its_key_by_a_narrower_one(made, wide):
    made.client(READ, OPERATE, name="twin", studies=[made.study(NAMES[0])])
    found = subscriptions.find(made.store, wide)

    assert "opens nothing any more" in subscriptions.fault(made.store, found, clock.now())
    made.client(READ, name="twin")
    assert subscriptions.fault(made.store, found, clock.now()) == ""


def test_an_empty_list_opens_nothing(made, nothing):
    one = made.study(NAMES[0])
    paths = [f"/api/v1/{plural}" for plural in (*KINDS, "organizations", "changes", "findings")]
    paths += [f"/api/v1/studies/{one}", "/api/v1/studies/export", "/views/ctms/study_overview"]
    paths += ["/fhir/R4/ResearchStudy", f"/api/v1/studies/{one}/export?as=odm", "/ops/overview"]

    answers = {path: nothing.get(path).status_code for path in paths}

    assert set(answers.values()) == {403}, answers


@pytest.fixture
def key(made, crohub):
    """The command, on this deployment."""
    return lambda *words: crohub("key", *words, "--config", made.folder)


def test_the_command_confines_to_what_people_name(made, key):
    """By the study's number and the site's number in it; the list says so, and the audit."""
    said = key("create", "cra", "--study", "ONC-101", "--site", "101", *WHY, "--json")
    study, site = made.study(NAMES[0]), made.site(NAMES[0])
    confined = {
        "studies": [{"id": study, "name": "ONC-101"}],
        "sites": [{"id": site, "name": "site 101"}],
    }

    assert said.code == 0, said.err
    assert "opens ONC-101; site 101 only" in said.err
    assert said.json | confined == said.json
    [listed] = [one for one in key("list", "--json").json if one["name"] == "cra"]
    assert listed | confined | {"confined_to": "ONC-101; site 101"} == listed
    assert "ONC-101; site 101" in key("list").out
    [(detail,)] = made.store.all("select detail from audit where action = 'key' and object = 'cra'")
    assert json.loads(detail) | confined == json.loads(detail)
    client = opened(made.app, said.json["key"])
    assert ids(client, "enrollments") == {made.id("enrollment", "subject_number = 'S ONC-101'")}
    assert ids(client, "studies") == {study}


@pytest.mark.parametrize("name", ["ONC-102", "Trial ONC-102", "local_protocol_no|ONC-102", "{id}"])
def test_a_study_has_several_names(made, name):
    study = made.study(NAMES[1])

    found = confinement(made.reader, [name.format(id=study)], [])

    assert (found.studies, found.sites) == ({study: "ONC-102"}, None)


def test_a_site_alone_confines_to_its_study_too(made):
    found = confinement(made.reader, [], [made.site(NAMES[1])])

    assert found.studies == {made.study(NAMES[1]): "ONC-102"}
    assert found.sites == {made.site(NAMES[1]): "site 101"}


def test_no_name_confines_to_nothing_and_a_stored_empty_list_says_so(made):
    assert confinement(made.reader, [], []) == Confinement()
    assert known(made.reader, frozenset(), None).said() == "nothing"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--study", "ONC-9"), "there is no such study; expected its number, acronym, title"),
        (("--study", ""), "there is no such study"),
        (("--study", NOBODY), "there is no such study"),
        (("--study", "colour|7"), "--study 'colour|7': "),
        (("--study", "TWIN"), "several are called so; expected the id of one: .*ONC-101.*ONC-102"),
        (("--study", "ONC-101", "--study", "ONC-9"), "'ONC-9': there is no such study"),
        (("--study", "ONC-101", "--site", "7"), "there is no such site; expected the number"),
        (("--site", "101"), "several are called so; .*site 101 of ONC-101.*site 101 of ONC-102"),
        (("--site", "North"), "several are called so"),
        (("--study", "ONC-101", "--scope", WRITE), f"cannot have {WRITE}.*expected some of {READ}"),
        (("--study", "ONC-101", "--scope", ADMIN), f"cannot have {ADMIN}"),
    ],
)  # fmt: skip
def test_what_is_named_wrongly_is_refused_with_what_was_expected(made, key, words, says):
    said = key("create", "wrong", *words, *WHY)

    assert said.code == 2
    assert re.search(says, said.err.replace("\n", " ")), said.err
    assert said.out == ""
    assert made.store.all("select 1 from api_key where name = 'wrong'") == []


def test_a_site_of_another_study_is_none_of_it(made, key):
    said = key("create", "wrong", "--study", "ONC-101", "--site", made.site(NAMES[1]), *WHY)

    assert said.code == 2
    assert "there is no such site" in said.err
