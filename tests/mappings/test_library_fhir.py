"""The packaged FHIR mappings: the traps of R4 and R5 beside the cases that the files state."""

import json
from datetime import timedelta

import pytest

from crohub.sandbox.days import play
from crohub.sandbox.founding import found, holdings
from crohub.sandbox.planted import BEGINS
from mappings.code_tables import load_codes
from mappings.collection import load_library

MEDIA = "application/fhir+json"
LIBRARY = load_library(codes=load_codes(), packaged=True)
READER = LIBRARY.reader([name for name in LIBRARY.inbound if name.startswith("fhir/")])


@pytest.fixture
def read(record):
    """What a resource means."""

    def read(resource, said="said"):
        return READER(record(json.dumps(resource), MEDIA, said=said))

    return read


@pytest.fixture
def fields(read):
    """The fields a resource states of its first thing."""
    return lambda resource: read(resource).statements[0].fields


def study(**more):
    return {"resourceType": "ResearchStudy", "id": "s1"} | more


def subject(**more):
    return {"resourceType": "ResearchSubject", "id": "rs1"} | more


def coded(code):
    return {"coding": [{"code": code}]}


def states(meaning):
    return [
        (one.fields["state"], one.fields.get("started_on"))
        for one in meaning.statements
        if one.entity == "EnrollmentState"
    ]


# -- R4 and R5 say different things with the same words


def test_active_is_open_to_accrual_in_r4_and_a_publication_status_in_r5(fields):
    assert fields(study(status="active", arm=[]))["status"] == "open_to_accrual"
    assert "status" not in fields(study(status="active", comparisonGroup=[]))


def test_the_latest_progress_that_is_no_plan_is_the_studys_state(fields):
    progress = [
        {"state": coded("active"), "period": {"start": "2026-02"}},
        {"state": coded("in-review"), "period": {"start": "2025-11"}},
        {"state": coded("completed"), "actual": False, "period": {"start": "2030"}},
    ]

    assert fields(study(status="active", progressStatus=progress))["status"] == "open_to_accrual"


def test_sponsor_and_investigator_are_found_in_both_shapes(fields):
    r4 = study(
        sponsor={"reference": "Organization/o"},
        principalInvestigator={"reference": "Practitioner/p"},
    )
    r5 = study(
        associatedParty=[
            {"role": coded("sponsor"), "party": {"reference": "Organization/o"}},
            {"role": coded("primary-investigator"), "party": {"reference": "Practitioner/p"}},
        ]
    )

    for one in (fields(r4), fields(r5)):
        assert (one["sponsor"].key, one["principal_investigator"].key) == ("o", "p")


def test_a_lead_sponsor_counts_before_a_sponsor_listed_earlier(fields):
    parties = [
        {"role": coded("sponsor"), "party": {"reference": "Organization/second"}},
        {"role": coded("lead-sponsor"), "party": {"reference": "Organization/first"}},
    ]

    assert fields(study(associatedParty=parties))["sponsor"].key == "first"


def test_an_unordered_history_of_states_keeps_every_state_and_no_milestone(read):
    progress = [
        {"subjectState": coded("on-study"), "startDate": "2026-03-01"},
        {"milestone": coded("SignedUp"), "startDate": "2026-04-01"},
        {"subjectState": coded("candidate"), "startDate": "2026-01"},
    ]

    meaning = read(subject(status="active", progress=progress))

    assert meaning.statements[0].fields["state"] == "enrolled"
    assert states(meaning) == [("enrolled", "2026-03-01"), ("prescreened", "2026-01")]


def test_an_r5_subject_without_progress_has_no_state(read):
    meaning = read(subject(status="active", subject={"reference": "Patient/1"}))

    assert "state" not in meaning.statements[0].fields
    assert states(meaning) == []


def test_an_r4_status_is_one_state_without_a_day(read):
    meaning = read(subject(status="screening", individual={"reference": "Patient/1"}))

    assert states(meaning) == [("screening", None)]


def test_entered_in_error_and_not_registered_are_said_as_such(fields):
    assert fields(subject(status="entered-in-error"))["state"] == "entered_in_error"
    assert fields(subject(status="not-registered"))["state"] is None


# -- references


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("Patient/1", "1"),
        ("Patient/1/_history/3", "1"),
        ("https://ehr.example.org/fhir/Patient/1", "1"),
        ("#p1", None),
        ("urn:uuid:0b1f5e3a-0000-4000-8000-000000000000", None),
        ("Patient?identifier=mrn|1", None),
        ("Group/1", None),
    ],
)
def test_only_a_reference_to_the_type_is_a_key(fields, reference, key):
    found = fields(subject(individual={"reference": reference})).get("participant")

    assert (found and found.key) == key


def test_appointment_and_encounter_of_one_id_are_two_things(read):
    keys = [
        read({"resourceType": kind, "id": "7"}).statements[0].key
        for kind in ("Appointment", "Encounter")
    ]

    assert keys == ["Appointment/7", "Encounter/7"]


# -- people


def test_the_next_of_kin_is_not_the_patient(read):
    resource = {
        "resourceType": "Patient", "id": "1",
        "contact": [{"name": {"family": "Kin"}, "telecom": [{"system": "phone", "value": "5"}],
                     "address": {"city": "Elsewhere"}}],
    }  # fmt: skip

    phi = read(resource).statements[1].fields

    assert phi == {}


@pytest.mark.parametrize(
    ("names", "family"),
    [
        ([{"family": "A"}, {"use": "official", "family": "B"}], "B"),
        ([{"use": "old", "family": "A"}, {"family": "B"}], "B"),
        ([{"use": "official", "family": "A", "period": {"end": "2020"}}, {"family": "B"}], "B"),
        ([{"use": "nickname", "family": "A"}, {"use": "usual", "family": "B"}], "B"),
        ([{"use": "old", "family": "A"}], "A"),
        ({"family": "A"}, "A"),
    ],
)
def test_the_name_that_is_meant_is_taken(read, names, family):
    patient = {"resourceType": "Patient", "id": "1", "name": names}

    assert read(patient).statements[1].fields["family_name"] == family


def test_a_number_of_unknown_kind_is_a_finding_that_shows_its_system_and_not_the_number(read):
    patient = {
        "resourceType": "Patient", "id": "1",
        "identifier": [{"system": "https://x.example/ids", "value": "ZZPHI"}],
    }  # fmt: skip

    meaning = read(patient)

    assert meaning.statements[0].identifiers == ()
    assert [(one.rule, one.found) for one in meaning.complaints] == [
        ("unmapped-code", "https://x.example/ids")
    ]
    assert "ZZPHI" not in repr(meaning.complaints)


def test_a_date_of_death_says_that_the_patient_died(fields):
    patient = {"resourceType": "Patient", "id": "1"}

    assert fields(patient | {"deceasedDateTime": "2026-03"})["deceased"] is True
    assert fields(patient | {"deceasedBoolean": False})["deceased"] is False
    assert "deceased" not in fields(patient)


# -- visits and consents


@pytest.mark.parametrize(
    ("encounter", "planned", "actual"),
    [
        ({"status": "planned", "period": {"start": "2026-03-01T09:00:00Z"}}, "2026-03-01", None),
        ({"status": "finished", "period": {"start": "2026-03-01T09:00:00Z"}}, None, "2026-03-01"),
        ({"status": "completed", "plannedStartDate": "2026-02-28T09:00:00Z",
          "actualPeriod": {"start": "2026-03-01T09:00:00Z"}}, "2026-02-28", "2026-03-01"),
        ({"status": "cancelled", "period": {"start": "2026-03-01"}}, "2026-03-01", None),
    ],
)  # fmt: skip
def test_a_plan_is_not_a_visit_that_took_place(fields, encounter, planned, actual):
    found = fields({"resourceType": "Encounter", "id": "1"} | encounter)

    assert (found.get("scheduled_at") or "")[:10] == (planned or "")
    assert found.get("actual_on") == actual


def test_an_appointment_makes_no_enrollment(read):
    appointment = {
        "resourceType": "Appointment", "id": "1", "status": "booked",
        "participant": [{"actor": {"reference": "Patient/1"}}],
    }  # fmt: skip

    assert [one.entity for one in read(appointment).statements] == ["ParticipantVisit"]


@pytest.mark.parametrize(
    ("title", "version"),
    [
        ("ONC-101 consent v2", "2"),
        ("Consent, version 2.1", "2.1"),
        ("Consent (Version 3)", "3"),
        ("Consent 2024", None),
        ("Consent for arm V", None),
    ],
)
def test_a_form_has_the_version_that_its_title_says_it_has(fields, title, version):
    consent = {
        "resourceType": "Consent", "id": "1", "scope": coded("research"),
        "sourceAttachment": {"title": title},
    }  # fmt: skip

    assert fields(consent).get("form_version") == version


@pytest.mark.parametrize(
    ("consent", "speaks"),
    [
        ({"scope": coded("research")}, True),
        ({"scope": coded("treatment"), "category": [coded("npp")]}, False),
        ({"category": [coded("research")]}, True),
        ({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy"}]},
         True),
        ({}, False),
    ],
)  # fmt: skip
def test_only_a_consent_to_research_speaks(read, consent, speaks):
    meaning = read({"resourceType": "Consent", "id": "1"} | consent)

    assert bool(meaning.statements) is speaks


# -- what is no more


def entry(url, **response):
    return {"request": {"method": "DELETE", "url": url}, "response": response}


@pytest.mark.parametrize(
    ("url", "gone"),
    [
        ("Patient/1", {("Participant", "1"), ("ParticipantPhi", "1")}),
        ("https://ehr.example.org/fhir/ResearchStudy/9/_history/4", {("Study", "9")}),
        ("Encounter/5", {("ParticipantVisit", "Encounter/5")}),
        ("PractitionerRole/5", {("StaffAssignment", "PractitionerRole/5")}),
        ("ChargeItem/5", {("Charge", "5")}),
        ("Observation/5", set()),
    ],
)
def test_a_delete_of_the_history_is_gone(read, url, gone):
    meaning = read(entry(url, lastModified="2026-03-01T00:00:00Z"), said="gone")

    assert {(one.entity, one.key) for one in meaning.statements} == gone
    assert {one.at for one in meaning.statements} <= {"2026-03-01T00:00:00Z[+00:00]"}
    assert meaning.complaints == ()


# -- odd bodies


@pytest.mark.parametrize("kind", ["Patient", "ResearchStudy", "ResearchSubject", "Consent",
                                  "Appointment", "Encounter", "Practitioner", "Organization",
                                  "Location", "PractitionerRole", "ChargeItem"])  # fmt: skip
def test_a_resource_whose_elements_have_odd_shapes_is_still_read(read, kind):
    odd = {
        "name": 5, "telecom": "x", "address": [None, 3], "identifier": {"value": {"a": 1}},
        "status": ["a"], "participant": "x", "associatedParty": {"role": 3}, "progress": "x",
        "site": "x", "arm": 4, "extension": "x", "sourceAttachment": 7, "period": "x", "link": 1,
        "communication": "x", "scope": coded("research"), "location": "x", "type": {},
    }  # fmt: skip

    meaning = read({"resourceType": kind, "id": "1"} | odd)

    assert meaning.statements


# -- the sandbox is a counterpart that speaks R4 as hospitals do


def test_the_sandbox_is_read_without_a_complaint(read):
    world = found(7, BEGINS)
    resources = list(holdings(world))
    for day in range(3):
        events = play(world, BEGINS + timedelta(days=day)).events
        resources += [resource for event in events for resource in event.changes]

    complaints = {
        (resource["resourceType"], one.rule, one.place, one.found)
        for resource in resources
        for one in read(resource).complaints
    }

    assert complaints == set()
    assert len(resources) > 100
