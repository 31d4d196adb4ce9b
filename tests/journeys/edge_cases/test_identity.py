"""Who is who: one person twice on a study, two numbers of one person, a study's new number."""

from __future__ import annotations

from hub.canonical_view import Views
from hub.joining import unmerge

ADA = {"subjectDemographicsId": 501, "mrn": "700123", "birthDate": "1985-02-01"}
FIRST = {"protocolSubjectId": 910, "protocolId": 4711, "subjectDemographicsId": 501,
         "sequenceNo": "101-001", "status": "OFF STUDY", "onStudyDate": "2025-06-01",
         "offStudyDate": "2025-09-01"}  # fmt: skip
AGAIN = {"protocolSubjectId": 955, "protocolId": 4711, "subjectDemographicsId": 501,
         "sequenceNo": "101-014", "status": "ON STUDY", "onStudyDate": "2026-02-12"}  # fmt: skip
ANNA = "PID|1||700123^^^CEDARMESA^MR||BEGAY^ANNA||19850201|F"
ANA = "PID|1||700999^^^CEDARMESA^MR||BEGAY^ANA||19850201|F"


def test_01_one_medical_record_number_enrols_twice_on_one_study(told):
    """Ada left ONC-101 in 2025 and comes back under a new subject number. OnCore has two subjects
    of one person on one protocol, and the hospital registers the second with billing. The hub has
    one person with two enrollments, each with its own number, state and days."""
    told.says("demographics", ADA)
    told.says("subjects", FIRST)
    told.says("subjects", AGAIN)
    told.hl7("CRM^C01", ANNA, "CSR|ONC-101^ACME||CM|101-014^^^ONC-101||20260212")

    [person] = told.found("Participant", "mrn", "700123")
    both = told.all("Enrollment")

    assert {one["participant"]["id"] for one in both} == {person["id"]}
    ctms = [r for r in both if r["provenance"]["state"]["system"] == "ctms"]
    shown = [(r["subject_number"], r["state"], r["off_study_on"]) for r in ctms]
    assert shown == [("101-001", "off_study", "2025-09-01"), ("101-014", "enrolled", None)]
    assert told.findings() == []


def everything(told):
    """What people see of each participant, and who said it; not the versions, which count on."""
    counted = {"version", "recorded_at", "valid_from", "updated_at"}
    return {
        one["id"]: {name: value for name, value in one.items() if name not in counted}
        for one in told.all("Participant", "phi", "identifiers")
    }


def test_02_two_numbers_are_merged_after_an_enrolment_and_parted_again(told):
    """Registration had made two charts of Anna, and it is the younger one that was enrolled. The
    hospital merges them (A40): the enrollment leads to the survivor, and so does later traffic
    with the retired number. It was a mistake: a person parts them, and both are as they were, field
    by field and with their provenance; what came in between about the younger is the younger's."""
    told.hl7("ADT^A04", ANNA)
    told.hl7("ADT^A04", ANA)
    told.hl7("CRM^C01", ANA, "CSR|ONC-101^ACME||CM|101-001^^^ONC-101||20260301")
    before = everything(told)
    [older] = told.found("Participant", "mrn", "700123")
    [younger] = told.found("Participant", "mrn", "700999")
    assert told.one("Enrollment")["participant"]["id"] == younger["id"] != older["id"]

    told.hl7("ADT^A40", ANNA, "MRG|700999^^^CEDARMESA^MR")
    merged = told.one("Participant", "identifiers", "phi")
    assert merged["id"] == older["id"] == told.one("Enrollment")["participant"]["id"]
    assert {i["value"] for i in merged["identifiers"]} == {"700123", "700999"}

    told.word(unmerge, "Participant", younger["id"])
    assert told.one("Enrollment")["participant"]["id"] == younger["id"]
    after = everything(told)
    assert {n: after[younger["id"]][n] for n in before[younger["id"]]} == before[younger["id"]]
    assert after[older["id"]]["phi"] == before[older["id"]]["phi"]
    told.hl7("ADT^A08", ANA.replace("|F", "|M"))
    assert [r["sex"] for r in told.found("Participant", "mrn", "700999")] == ["male"]
    assert [r["sex"] for r in told.found("Participant", "mrn", "700123")] == ["female"]


def protocol(**more):
    return {"protocolId": 4711, "protocolNo": "ONC-101", "title": "A trial of X",
            "protocolStatus": "OPEN TO ACCRUAL", "nctNo": "NCT04990101"} | more  # fmt: skip


def test_04_a_sponsor_renumbers_its_study(told):
    """ACME calls ACM-7 from 10 March on ACM-7/B, and OnCore follows. Messages of both numbers mean
    the one study: the hospital goes on with the old one for weeks. The study shows the new number,
    and until which day it was the old one; who is told of it hears the new one."""
    told.says("protocols", protocol(sponsorProtocolNo="ACM-7"))
    told.day("2026-03-10")
    told.says("protocols", protocol(sponsorProtocolNo="ACM-7/B"))
    told.hl7("CRM^C01", ANNA, "CSR|ACM-7^ACME||CM|101-001^^^ACM-7||20260311")

    [by_old] = told.found("Study", "sponsor_protocol_no", "ACM-7")
    [by_new] = told.found("Study", "sponsor_protocol_no", "ACM-7/B")

    assert by_old["id"] == by_new["id"] == told.one("Enrollment")["study"]["id"]
    numbers = [i["value"] for i in by_new["identifiers"] if i["type"] == "sponsor_protocol_no"]
    assert numbers == ["ACM-7", "ACM-7/B"]
    study = told.one("Study")
    assert told.values(study, "Study", "sponsor_protocol_no") == ["ACM-7", "ACM-7/B"]
    assert told.then(study, "Study", as_of="2026-03-09")["sponsor_protocol_no"] == "ACM-7"
    assert told.story(study, "Study", "sponsor_protocol_no")["since"].startswith("2026-03-10")
    views = Views(told.store, told.context.keyring, "ehr", lambda *_: 0)
    first, *_ = views.now("Study", study["id"]).identifiers("sponsor_protocol_no")
    assert first.value == study["sponsor_protocol_no"] == "ACM-7/B"
