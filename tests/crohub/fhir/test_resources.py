"""Every resource in both versions: valid, and with the words that people trust."""

from __future__ import annotations

import importlib

import pytest

from crohub.fhir.kinds import KINDS
from crohub.fhir.shaping import PACKAGES

VERSIONS = ("R4", "R5")
NATIVE = "urn:crohub:native"


def found(client, version, query):
    answer = client.get(f"/fhir/{version}/{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def resources(client, version, query):
    return [entry["resource"] for entry in found(client, version, query).get("entry", [])]


def required_codes(model, body):
    """Elements whose code is none of those that FHIR allows: fhir.resources lets them pass."""
    for field in model.model_fields.values():
        extra = field.json_schema_extra or {}
        value = body.get(field.alias)
        if extra.get("element_required") and extra.get("enum_values") and isinstance(value, str):
            yield field.alias, value, value in extra["enum_values"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("type_", KINDS)
def test_what_is_shown_is_valid_and_read_alone_is_the_same(client, version, type_):
    shown = resources(client, version, type_)
    assert shown, "the story has one of each"
    module = importlib.import_module(f"{PACKAGES[version]}.{type_.lower()}")

    for body in shown:
        getattr(module, type_).model_validate(body)
        assert all(ok for _, _, ok in required_codes(getattr(module, type_), body)), body
        alone = client.get(f"/fhir/{version}/{type_}/{body['id']}")
        assert alone.json() == body
        assert alone.headers["etag"] == f'W/"{body["meta"]["versionId"]}"'


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bundle_is_valid_too(client, version):
    body = found(client, version, "ResearchSubject?_include=ResearchSubject:study&_total=accurate")
    module = importlib.import_module(f"{PACKAGES[version]}.bundle")

    module.Bundle.model_validate(body)
    assert body["total"] == 7
    assert {entry["search"]["mode"] for entry in body["entry"]} == {"match", "include"}


def test_a_study_says_in_r4_what_r4_has_words_for(client, served):
    [study] = resources(client, "R4", "ResearchStudy?identifier=NCT99000101")

    assert study["status"] == "active"
    assert {"url": NATIVE, "valueString": "OPEN TO ACCRUAL"} in study["_status"]["extension"]
    assert study["sponsor"]["display"] == "Acme Bio"
    assert study["period"] == {"start": "2026-01"}
    assert study["site"][0]["display"] == "Cedar Mesa"
    assert {one["system"] for one in study["identifier"]} == {
        "https://clinicaltrials.gov", "urn:crohub:identifier:sponsor_protocol_no:ACME",
    }  # fmt: skip


def test_where_fhir_has_no_word_it_gets_a_weaker_one_and_the_canonical_stands_beside(client):
    [study] = resources(client, "R4", "ResearchStudy?title=idea")
    [subject] = resources(client, "R4", "ResearchSubject?identifier=S-0002")

    assert (study["status"], subject["status"]) == ("in-review", "candidate")
    assert [one["valueCode"] for one in _told(study) if "valueCode" in one] == ["concept"]
    assert _told(subject)[1] == {"url": NATIVE, "valueString": "CONSENTED"}


def test_a_state_that_nobody_said_is_not_guessed(client):
    [study] = resources(client, "R4", "ResearchStudy?title=heard")

    assert "status" not in study
    assert [one["valueCode"] for one in _told(study)] == ["unknown"]


def _told(resource):
    return resource["_status"]["extension"]


def test_in_r5_the_status_is_the_publication_s_and_progress_tells_the_state(client):
    [study] = resources(client, "R5", "ResearchStudy?progress-status-state=active")
    [subject] = resources(client, "R5", "ResearchSubject?subject_state=on-study-intervention")

    [period] = study["progressStatus"]
    assert (study["status"], period["state"]["coding"][0]["code"]) == ("active", "active")
    assert period["period"] == {"start": "2026-02-01"}
    assert [party["role"]["coding"][0]["code"] for party in study["associatedParty"]] == [
        "lead-sponsor", "primary-investigator",
    ]  # fmt: skip
    [state] = subject["progress"]
    assert state["subjectState"]["text"] == "ON TREATMENT"
    assert {one["code"] for one in state["subjectState"]["coding"]} == {
        "on-study-intervention", "on_treatment",
    }  # fmt: skip


def test_an_amount_keeps_its_digits(client):
    answer = client.get("/fhir/R4/Invoice")

    assert b'"totalGross":{"value":3825.00,"currency":"USD"}' in answer.content
    [line] = answer.json()["entry"][0]["resource"]["lineItem"]
    assert line["chargeItemCodeableConcept"] == {"text": "C1D1 less holdback"}


def test_an_appointment_says_which_of_its_times_nobody_said(client):
    by_name = {one["serviceType"][0]["text"]: one for one in resources(client, "R4", "Appointment")}

    assert by_name["C1D1"]["start"] == "2026-03-10T08:30:00-07:00"
    assert "end" not in by_name["C1D8"]
    assert by_name["C1D8"]["_end"]["extension"][0]["valueCode"] == "unknown"
    assert by_name["C1D15"]["requestedPeriod"] == [{"start": "2026-03-24"}]
    assert "C2D1" not in by_name, "a visit that is only due is no appointment"


def test_what_is_only_expected_is_no_document(client):
    [document] = resources(client, "R4", "DocumentReference")

    assert (document["status"], document["docStatus"]) == ("current", "final")
    assert document["content"][0]["attachment"]["title"] == "Consent form 3.0"


def test_whoever_has_no_name_here_is_called_by_their_number(plain):
    [consent] = resources(plain, "R4", "Consent")
    subject = resources(plain, "R5", "ResearchSubject?identifier=S-0003")[0]["subject"]

    assert (consent["patient"]["display"], subject["display"]) == ("S-0001", "S-0003")


def test_the_arm_is_nowhere(client, served):
    assert served.store.all("select id from enrollment_arm where arm_assigned is not null")

    for version in VERSIONS:
        text = client.get(f"/fhir/{version}/ResearchSubject").text
        assert "Example" not in text
        assert "ZZSECRETARM" not in text


def test_what_fhir_cannot_say_is_told_and_the_others_are_shown(client, served, monkeypatch):
    from dataclasses import replace

    def write(record, scene):
        made = KINDS["Organization"].write(record, scene)
        return made | ({"active": "perhaps"} if record["name"] == "Acme Bio" else {})

    broken = {**KINDS, "Organization": replace(KINDS["Organization"], write=write)}
    monkeypatch.setattr("crohub.fhir.routes.KINDS", broken)

    body = found(client, "R4", "Organization")
    modes = [(one["search"]["mode"], one["resource"]) for one in body["entry"]]
    acme = served.id("organization", "name = 'Acme Bio'")
    alone = client.get(f"/fhir/R4/Organization/{acme}")

    assert [mode for mode, _ in modes] == ["match", "outcome"]
    assert f"Organization/{acme} cannot be said in FHIR R4: active" in str(modes[1][1])
    assert alone.status_code == 500
    assert alone.json()["issue"][0]["details"]["coding"][0]["code"] == "CROHUB-NO-FHIR"
