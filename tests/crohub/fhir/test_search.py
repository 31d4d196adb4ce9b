"""Searching the facade: parameters, pages, includes, parts of resources, and what is refused."""

from __future__ import annotations

import json
import re

import pytest
from starlette.testclient import TestClient

from crohub.fhir.asking import Asked
from crohub.fhir.codes import Codes
from crohub.fhir.kinds import KINDS
from crohub.fhir.searching import Searching
from crohub.fhir.shaping import model
from hub.principal import PHI, READ, Principal
from hub.reader import Reader
from mappings.code_tables import load_codes

R4, R5 = "/fhir/R4", "/fhir/R5"


def body(client, path, **params):
    answer = client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def matches(client, path, **params):
    entries = body(client, path, **params).get("entry", [])
    return [one["resource"] for one in entries if one["search"]["mode"] == "match"]


def names(client, path, **params):
    return [one["identifier"][0]["value"] for one in matches(client, path, **params)]


def issue(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    found = answer.json()
    assert found["resourceType"] == "OperationOutcome"
    return found["issue"][0]


def test_pages_go_on_by_their_links_and_repeat_the_search(plain):
    page = body(plain, f"{R4}/ResearchSubject", _count=3, _sort="-date")
    seen = [one["resource"]["identifier"][0]["value"] for one in page["entry"]]
    links = {one["relation"]: one["url"] for one in page["link"]}
    while "next" in links:
        page = body(plain, links["next"])
        seen += [one["resource"]["identifier"][0]["value"] for one in page["entry"]]
        links = {one["relation"]: one["url"] for one in page["link"]}
        assert "_sort=-date" in links["self"]

    assert seen == [f"S-000{n}" for n in range(7, 0, -1)]


def test_a_page_size_above_the_limit_is_clamped_in_the_link(plain):
    page = body(plain, f"{R4}/ResearchSubject", _count=100_000)

    assert "_count=200" in page["link"][0]["url"]


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        (f"{R4}/ResearchSubject", {"status": "on-study-intervention"}, ["S-0001"]),
        (f"{R4}/ResearchSubject", {"status": "on-study-intervention,on-study", "_count": 2},
         ["S-0001", "S-0003"]),
        (f"{R5}/ResearchSubject", {"subject_state": "on-study-intervention"}, ["S-0001"]),
        (f"{R4}/ResearchSubject", {"date": "ge2026-03-06"}, ["S-0006", "S-0007"]),
        (f"{R4}/ResearchSubject", {"date": "2026-03-02"}, ["S-0002"]),
        (f"{R4}/ResearchSubject", {"date": "lt2026-03-02T10:00:00Z"}, ["S-0001", "S-0002"]),
        (f"{R4}/ResearchSubject", {"date": "sa2026-03-06"}, ["S-0007"]),
        (f"{R4}/ResearchSubject", {"date": "gt2026-03"}, []),
        (f"{R4}/ResearchSubject", {"identifier": "s-0004"}, ["S-0004"]),
        (f"{R4}/ResearchSubject",
         {"identifier": "urn:crohub:identifier:subject_number:ONC-101|S-0004"}, ["S-0004"]),
        (f"{R4}/ResearchSubject",
         {"identifier": "urn:crohub:identifier:subject_number:ONC-999|S-0004"}, []),
        (f"{R4}/ResearchSubject", {"identifier": "https://nobody.example|S-0004"}, []),
        (f"{R4}/Invoice", {"status": "issued"}, ["INV-7"]),
        (f"{R4}/Invoice", {"status": "draft"}, []),
        (f"{R4}/ResearchStudy", {"title": "DRUG a"}, ["NCT99000101"]),
        (f"{R4}/ResearchStudy", {"title:exact": "Drug A in a disease"}, ["NCT99000101"]),
        (f"{R5}/ResearchStudy", {"phase": "phase-2"}, ["NCT99000101"]),
        (f"{R4}/ResearchStudy", {"date": "2026-01"}, ["NCT99000101"]),
        (f"{R4}/ResearchStudy", {"date:missing": "true", "title": "nothing like it"}, []),
        (f"{R4}/Practitioner", {"name": "lee", "active": "true"}, ["1234567893"]),
        (f"{R4}/Organization", {"type": "sponsor"}, ["021NXHR62"]),
    ],
)  # fmt: skip
def test_parameters_find_what_they_say(plain, path, params, expected):
    assert [one.upper() for one in names(plain, path, **params)] == expected


@pytest.mark.parametrize("version", [R4, R5])
def test_references_are_followed_from_both_ends(plain, served, version):
    study = served.id("study", "title like 'Drug%'")

    assert len(matches(plain, f"{version}/ResearchSubject", study=study)) == 7
    assert len(matches(plain, f"{version}/ResearchSubject", study=f"ResearchStudy/{study}")) == 7
    whole = f"http://anywhere{version}/ResearchStudy/{study}"
    assert len(matches(plain, f"{version}/Consent", study=whole)) == 1
    page = body(plain, f"{version}/ResearchStudy", _id=study,
                _revinclude="ResearchSubject:study")  # fmt: skip
    kinds = [one["resource"]["resourceType"] for one in page["entry"]]
    assert (kinds[0], kinds.count("ResearchSubject")) == ("ResearchStudy", 7)
    assert {one["search"]["mode"] for one in page["entry"][1:]} == {"include"}


def test_last_updated_tells_what_changed_since(plain):
    every = matches(plain, f"{R4}/ResearchSubject", _sort="_lastUpdated")
    moments = [one["meta"]["lastUpdated"] for one in every]

    assert moments == sorted(moments)
    assert len(matches(plain, f"{R4}/ResearchSubject", _lastUpdated=f"ge{moments[3]}")) == 4
    assert len(matches(plain, f"{R4}/ResearchSubject", _lastUpdated=f"gt{moments[3]}")) == 3
    assert len(matches(plain, f"{R4}/ResearchSubject", _lastUpdated=moments[3])) == 1
    assert len(matches(plain, f"{R4}/ResearchSubject", _lastUpdated="2026-02")) == 7
    assert matches(plain, f"{R4}/ResearchSubject", _lastUpdated="lt2026") == []


def test_a_summary_has_what_fhir_counts_to_it_and_says_that_it_is_a_part(plain):
    [study] = matches(plain, f"{R4}/ResearchStudy", title="Drug", _summary="true")
    counted = body(plain, f"{R4}/ResearchSubject", _summary="count")
    [named] = matches(plain, f"{R4}/ResearchStudy", title="Drug", _elements="title")

    assert "description" not in study
    assert study["title"]
    assert study["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert (counted["total"], "entry" in counted) == (7, False)
    assert set(named) == {"resourceType", "id", "meta", "status", "_status", "title"}


def test_who_holds_the_version_gets_no_body(plain, served):
    path = f"{R4}/ResearchStudy/{served.id('study')}"
    first = plain.get(path)

    again = plain.get(path, headers={"If-None-Match": first.headers["etag"]})
    other = plain.get(path, headers={"If-None-Match": 'W/"1-x"'})

    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


def test_a_patient_is_shown_to_whom_it_may_be_and_the_audit_knows(plain, client, served):
    served.audited.clear()

    assert issue(plain.get(f"{R4}/Patient"), 403)["code"] == "forbidden"
    assert issue(plain.get(f"{R4}/ResearchSubject?_include=ResearchSubject:patient"), 403)
    assert served.audited == []
    [anna] = matches(client, f"{R4}/Patient", identifier="https://cedarmesa.example/mrn|123453")
    assert anna["name"][0] == {"use": "official", "family": "Example3", "given": ["Anna", "B", "C"]}
    assert anna["birthDate"] == "1985-02-14"
    assert {kind for kind, _, _ in served.audited} == {
        "ParticipantPhi",
        "Participant by identifier",
    }


def test_a_search_in_the_body_keeps_numbers_out_of_addresses(client):
    answer = client.post(f"{R4}/Patient/_search", data={"identifier": "123453", "_count": "1"})

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert [e["resource"]["name"][0]["family"] for e in answer.json()["entry"]] == ["Example3"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"identifier=%ff", "application/x-www-form-urlencoded", 400),
        (b"identifier=1", "text/plain", 415),
        (b"x" * 20_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_a_body_that_is_no_search_is_refused(client, content, kind, status):
    answer = client.post(f"{R4}/Patient/_search", content=content, headers={"content-type": kind})

    issue(answer, status)


def test_a_personal_number_finds_nobody_for_whom_it_may_not(plain):
    said = issue(plain.get(f"{R4}/Patient?identifier=123453"), 403)

    assert "phi.read" in said["diagnostics"]


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        ("ResearchStudy?color=red", 400, "invalid", "expected one of: identifier, status, title"),
        ("ResearchStudy?status=open", 400, "invalid", "in-review"),
        ("ResearchStudy?_sort=color", 400, "invalid", "_id, _lastUpdated, date"),
        ("ResearchStudy?_include=ResearchStudy:color", 400, "invalid", "ResearchStudy:sponsor"),
        ("ResearchStudy?_summary=some", 400, "invalid", "count"),
        ("ResearchStudy?_count=few", 400, "invalid", "a whole number"),
        ("ResearchStudy?_cursor=x", 400, "invalid", "cursor"),
        ("ResearchStudy?date=soon", 400, "invalid", "date"),
        ("ResearchStudy?date=2026-02-30", 400, "invalid", "date"),
        ("ResearchStudy?date=ap2026", 400, "invalid", "eq, ge"),
        ("ResearchStudy?_lastUpdated=9999", 400, "invalid", "a date or moment"),
        ("ResearchStudy?_lastUpdated=9999-12-31", 400, "invalid", "a date or moment"),
        ("ResearchStudy?_lastUpdated=soon", 400, "invalid", "eq, ge, gt"),
        ("ResearchStudy?identifier=a%7C", 400, "invalid", "system|value"),
        ("ResearchStudy?title=%00", 400, "invalid", "printable"),
        ("ResearchStudy?_id=" + "a," * 300, 400, "invalid", "at most 200"),
        ("Provenance/assertion-999999999999999999", 404, "not-found", "no such record"),
        ("Provenance/assertion-%D9%A3", 404, "not-found", "no such record"),
        ("Provenance?target=Patient/x", 400, "invalid", "expected one of"),
        ("Patient/_search", 404, "not-found", "no such record"),
        ("ResearchStudy?title:above=x", 400, "invalid", "title:exact"),
        ("ResearchStudy?_format=xml", 406, "not-supported", "application/fhir+json"),
        ("ResearchSubject?study=Patient/1", 400, "invalid", "ResearchStudy/id"),
        ("Observation", 404, "not-found", "ResearchStudy"),
        ("ResearchStudy/x", 404, "not-found", "no such record"),
        ("ResearchStudy/00000000-0000-7000-8000-000000000000", 404, "not-found", "no such"),
        ("Provenance", 400, "invalid", "target"),
    ],
)
def test_what_cannot_be_answered_is_said_as_an_outcome(plain, path, status, code, words):
    said = issue(plain.get(f"{R4}/{path}"), status)

    assert said["code"] == code
    assert words in said["diagnostics"]


def test_the_rest_of_the_server_fails_in_fhir_s_words_only_below_the_facade(served, plain):
    anonymous = TestClient(served.app)

    assert issue(anonymous.get(f"{R4}/ResearchStudy"), 401)["code"] == "login"
    assert issue(plain.delete(f"{R5}/ResearchStudy"), 405)["code"] == "not-supported"
    assert issue(plain.get("/fhir/R3/ResearchStudy"), 404)["code"] == "not-found"
    assert issue(plain.get(f"{R4}/ResearchStudy?x={'y' * 9000}"), 414)["code"] == "too-long"
    assert anonymous.get("/api/v1/studies").headers["content-type"] == "application/problem+json"
    assert anonymous.get(f"{R4}/metadata").status_code == 200


def test_provenance_says_who_said_it(plain, served):
    study = served.id("study", "title like 'Drug%'")

    told = matches(plain, f"{R4}/Provenance", target=f"ResearchStudy/{study}")
    beside = body(plain, f"{R5}/ResearchStudy", _id=study, _revinclude="Provenance:target")

    assert {one["target"][0]["reference"] for one in told} == {f"ResearchStudy/{study}"}
    assert told[0]["agent"][0]["who"]["display"] == "ctms (CTMS)"
    alone = plain.get(f"{R4}/Provenance/{told[0]['id']}").json()
    assert alone == told[0]
    kinds = [one["resource"]["resourceType"] for one in beside["entry"]]
    assert kinds == ["ResearchStudy", "Provenance"]


@pytest.mark.parametrize("version", ["R4", "R5"])
def test_the_statement_names_what_the_facade_takes(client, served, version):
    stated = client.get(f"/fhir/{version}/metadata").json()
    model(version, "CapabilityStatement").model_validate(stated)
    assert stated["fhirVersion"] == {"R4": "4.0.1", "R5": "5.0.0"}[version]
    some = {"date": "2026", "token": "x", "reference": served.id("study"), "string": "x"}
    for resource in stated["rest"][0]["resource"]:
        for param in resource["searchParam"]:
            value = some[param["type"]]
            answer = client.get(
                f"/fhir/{version}/{resource['type']}", params={param["name"]: value}
            )
            if answer.status_code != 200:  # a code there is none of: then it names those there are
                assert "expected" in answer.json()["issue"][0]["diagnostics"], answer.text
                assert "expected one of: identifier" not in answer.text, "a parameter is unknown"
        for link in resource.get("searchRevInclude", []):
            assert body(client, f"/fhir/{version}/{resource['type']}", _revinclude=link, _count=1)
        for link in resource.get("searchInclude", []):
            assert body(client, f"/fhir/{version}/{resource['type']}", _include=link)


def test_a_merged_record_is_found_under_its_other_id(plain, served):
    [(old, new)] = served.store.all(
        "select id, superseded_by from organization where superseded_by is not null"
    )

    moved = plain.get(f"{R4}/Organization/{old}", follow_redirects=False)

    assert (moved.status_code, moved.headers["location"].rpartition("/")[2]) == (301, new)
    assert plain.get(f"{R4}/Organization/{old}").json()["id"] == new
    assert old not in plain.get(f"{R4}/Organization").text


def test_what_nobody_stands_by_any_more_is_gone(plain, served):
    gone = served.id("location", "withdrawn")

    assert issue(plain.get(f"{R4}/Location/{gone}"), 410)["code"] == "deleted"
    assert gone not in plain.get(f"{R4}/Location").text


def test_who_is_confined_to_a_study_sees_nothing_of_another(served):
    other = served.id("study", "title = 'Only an idea'")
    mine = Principal(name="x", scopes=frozenset({READ}), studies=frozenset({other}))
    reader = Reader(
        session=served.store, keyring=None, saw=lambda *_: pytest.fail("nothing is opened")
    )
    searching = Searching(reader, mine, Codes(load_codes()), "R4")

    def shown(type_, **more):
        return searching.page(KINDS[type_], Asked(**more)).matches

    assert [one["id"] for one in shown("ResearchStudy")] == [other]
    assert shown("ResearchSubject") == []
    assert shown("Appointment") == []
    assert searching.one(KINDS["ResearchStudy"], served.id("study", "title like 'Drug%'")) == (
        None, None,
    )  # fmt: skip
    beside = Asked(revincludes=["ResearchSubject:study"])
    assert searching.page(KINDS["ResearchStudy"], beside).included == []


def test_what_is_too_much_beside_a_page_is_said(plain, monkeypatch):
    monkeypatch.setattr("crohub.fhir.searching._INCLUDED", 2)

    page = body(plain, f"{R4}/ResearchStudy?title=Drug&_revinclude=ResearchSubject:study")
    modes = [entry["search"]["mode"] for entry in page["entry"]]

    assert modes == ["match", "include", "include", "outcome"]
    assert "search ResearchSubject instead" in str(page["entry"][-1])


def test_postgresql_gives_the_same(client, on_postgres):
    other, _ = on_postgres.client(READ, PHI)
    asked = [f"{version}/{type_}?_total=accurate" for version in (R4, R5) for type_ in KINDS]
    asked += [f"{R4}/ResearchSubject?_count=3&_sort=-date", f"{R4}/Patient?identifier=123453",
              f"{R4}/ResearchSubject?date=ge2026-03-06&_summary=count",
              f"{R4}/Appointment?date=ge2026-03-11", f"{R4}/ResearchStudy?title=DRUG",
              f"{R4}/ResearchStudy?identifier=nobody"]  # fmt: skip

    for path in asked:
        mine, theirs = body(client, path), body(other, path)
        assert mine.get("total") == theirs.get("total"), path
        assert shown(mine) == shown(theirs), path


def shown(page):
    """The resources of a page as they are beside ids, which differ with each store."""
    kept = []
    for entry in page.get("entry", []):
        text = json.dumps({k: v for k, v in entry["resource"].items() if k not in ("id", "meta")})
        kept.append(re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "id", text))
    return kept
