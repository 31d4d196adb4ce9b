"""The packaged ClinicalTrials.gov mapping: what the registry leaves open stays open."""

import json

import pytest

from mappings.code_tables import load_codes
from mappings.collection import load_library

LIBRARY = load_library(codes=load_codes(), packaged=True)
READER = LIBRARY.reader(["registry/clinicaltrials-gov"])


@pytest.fixture
def read(record):
    """What a study with these modules means."""

    def read(**modules):
        section = {"identificationModule": {"nctId": "NCT99000101"}} | modules
        return READER(record(json.dumps({"protocolSection": section}), "application/json"))

    return read


def of(meaning, entity):
    return [one for one in meaning.statements if one.entity == entity]


def test_what_is_no_study_says_nothing(record):
    assert (
        READER(record('{"studies": [], "nextPageToken": "x"}', "application/json")).statements == ()
    )


@pytest.mark.parametrize("said", ["2004", "2004-05", "2004-05-17"])
def test_a_date_is_as_precise_as_the_sponsor_was(read, said):
    [study] = read(statusModule={"startDateStruct": {"date": said}}).statements

    assert study.fields["start_on"] == said


@pytest.mark.parametrize(
    ("info", "fields"),
    [
        ({"count": 5, "type": "ACTUAL"}, {"actual_enrolment": 5, "enrolled_count_kind": "actual"}),
        ({"count": 5, "type": "ESTIMATED"},
         {"target_enrolment": 5, "enrolled_count_kind": "estimated"}),
        ({"count": 0, "type": "ACTUAL"}, {"actual_enrolment": 0, "enrolled_count_kind": "actual"}),
        ({"count": 5}, {}),
    ],
)  # fmt: skip
def test_a_count_is_a_plan_or_a_fact(read, info, fields):
    [study] = read(designModule={"enrollmentInfo": info}).statements

    assert study.fields == fields


@pytest.mark.parametrize(
    ("phases", "phase"),
    [
        (["PHASE1", "PHASE2"], "1_2"),
        (["EARLY_PHASE1"], "early_phase_1"),
        (["NA"], "na"),
        ([], None),
    ],
)
def test_two_phases_are_one(read, phases, phase):
    [study] = read(designModule={"phases": phases}).statements

    assert study.fields.get("phase") == phase


@pytest.mark.parametrize(
    ("said", "flag"), [("RANDOMIZED", True), ("NON_RANDOMIZED", False), ("NA", None)]
)
def test_allocation_says_whether_participants_are_randomised(read, said, flag):
    [study] = read(designModule={"designInfo": {"allocation": said}}).statements

    assert study.fields.get("randomised") is flag


def test_a_status_not_verified_is_not_known_and_a_new_one_is_a_finding(read):
    unverified = read(statusModule={"overallStatus": "UNKNOWN"})
    new = read(statusModule={"overallStatus": "PAUSED"})

    assert unverified.statements[0].fields == {"status_native": "UNKNOWN", "status": None}
    assert new.statements[0].fields == {"status_native": "PAUSED", "status": None}
    assert [(one.rule, one.found) for one in new.complaints] == [("unmapped-code", "PAUSED")]


def test_a_site_stays_the_same_when_its_status_and_the_order_change(read):
    first, second = {"facility": "A", "city": "X"}, {"facility": "B", "city": "X"}

    before = read(contactsLocationsModule={"locations": [first, second]})
    after = read(contactsLocationsModule={"locations": [second, first | {"status": "RECRUITING"}]})

    keys = [{one.key for one in of(meaning, "StudySite")} for meaning in (before, after)]
    assert keys[0] == keys[1] == {"NCT99000101|A|X", "NCT99000101|B|X"}


def test_a_study_without_an_investigator_has_none(read):
    desk = {"name": "Desk", "role": "CONTACT"}
    contacts = {
        "overallOfficials": [{"name": "B. Vance", "role": "STUDY_CHAIR"}],
        "locations": [{"facility": "A", "contacts": [desk]}],
    }

    meaning = read(contactsLocationsModule=contacts)

    assert "principal_investigator" not in meaning.statements[0].fields
    assert "principal_investigator" not in of(meaning, "StudySite")[0].fields
    assert [one.fields["role"] for one in of(meaning, "StaffAssignment")] == ["other"]


def test_one_name_on_two_studies_is_two_records(record):
    def body(nct):
        section = {
            "identificationModule": {"nctId": nct},
            "contactsLocationsModule": {
                "overallOfficials": [{"name": "J. Lee", "role": "PRINCIPAL_INVESTIGATOR"}]
            },
        }
        return json.dumps({"protocolSection": section})

    keys = {
        person.key
        for nct in ("NCT99000101", "NCT99000204")
        for person in of(READER(record(body(nct), "application/json")), "Person")
    }

    assert keys == {"NCT99000101|J. Lee", "NCT99000204|J. Lee"}


def test_coordinates_of_the_town_are_not_the_sites(read):
    site = {"facility": "A", "city": "X", "geoPoint": {"lat": 1.5, "lon": 2.5}}

    [location] = of(read(contactsLocationsModule={"locations": [site]}), "Location")

    assert location.fields.keys() == {"name", "city"}
