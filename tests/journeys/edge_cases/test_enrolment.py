"""How an enrollment goes on: consent again, another site, a record the EDC deleted, the arm."""

from __future__ import annotations

import pytest

from hub import repository
from hub.history import history
from hub.model.spec import entities
from hub.principal import READ, Forbidden, Principal
from hub.query import View

PID = "PID|1||700123^^^CEDARMESA^MR||BEGAY^ANNA||19850201|F"
CTI = "CTI|ONC-101^ACME"
ADA = {"subjectDemographicsId": 501, "mrn": "700123", "birthDate": "1985-02-01"}


def subject(**more):
    return {"protocolSubjectId": 901, "protocolId": 4711, "subjectDemographicsId": 501,
            "studySite": "Cedar Mesa", "sequenceNo": "101-001", "status": "ON STUDY",
            "consentDate": "2026-02-01", "onStudyDate": "2026-02-12"} | more  # fmt: skip


def form(number, status, day, version):
    """The document with the signed form, and what the segment CON says of it."""
    return (
        f"TXA|1|CONSENT|AP|{day}||||||||{number}^DOCS|||||LA",
        f"CON|1|RES|{version}|ICF||||||W|{status}||{day}090000-0700|{day}",
    )


def test_03_consent_is_withdrawn_and_given_again_on_a_new_form_version(told):
    """Anna signs version 2, takes it back three weeks later, and signs version 3 in April. These
    are two consents: the first stays withdrawn with its day, the second holds. In the CTMS she is
    withdrawn and then consented again, and nobody calls that an illegal step."""
    told.says("demographics", ADA)
    told.hl7("MDM^T02", PID, CTI, *form("D-500", "A", "20260301", "2.0"))
    told.says("subjects", subject(status="CONSENTED"))
    told.day("2026-03-22")
    told.hl7("MDM^T08", PID, CTI, *form("D-500", "X", "20260322", "2.0"))
    told.says("subjects", subject(status="WITHDRAWN"))
    told.day("2026-04-06")
    told.hl7("MDM^T02", PID, CTI, *form("D-611", "A", "20260406", "3.0"))
    told.says("subjects", subject(status="CONSENTED"))

    first, second = sorted(told.all("Consent"), key=lambda one: one["form_version"])
    assert (first["status"], first["withdrawn_on"]) == ("withdrawn", "2026-03-22")
    assert (second["status"], second["withdrawn_on"]) == ("obtained", None)
    assert first["form_version"] == "2.0"
    assert first["signed_at"].startswith("2026-03-01")
    assert first["participant"] == second["participant"]
    enrolled = told.one("Enrollment")
    assert told.values(enrolled, "Enrollment", "state") == ["consented", "withdrawn", "consented"]
    assert told.then(enrolled, "Enrollment", as_of="2026-04-01")["state"] == "withdrawn"
    assert told.then(first, "Consent", as_of="2026-03-21")["status"] == "obtained"
    assert told.findings() == []


def test_05_a_subject_moves_to_another_site_and_keeps_its_number(told):
    """Anna moves to Flagstaff on 10 March and goes on there. Her enrollment is the same, under the
    same number; where she was on which day is asked of the past, and of the versions since when."""
    told.says("subjects", subject())
    told.day("2026-03-10")
    told.says("subjects", subject(studySite="Flagstaff"))

    now = told.one("Enrollment")
    sites = {one["id"] for one in told.all("StudySite")}
    before = told.then(now, "Enrollment", as_of="2026-03-09")

    assert (now["subject_number"], before["subject_number"]) == ("101-001", "101-001")
    assert sites == {now["study_site"]["id"], before["study_site"]["id"]}
    assert now["study_site"]["id"] != before["study_site"]["id"]
    assert len(told.values(now, "Enrollment", "study_site")) == 2
    since = told.story(now, "Enrollment", "study_site")["since"]
    assert since.startswith("2026-03-10")
    assert now["state"] == "enrolled"


def row(**more):
    return [{"record_id": "7", "icf_date": "2026-02-28", "enrollment_date": "2026-03-04"} | more]


DELETED = {"timestamp": "2026-03-20 10:00", "username": "mlopez", "action": "Delete record 7",
           "details": "", "record": "7"}  # fmt: skip


def test_16_a_record_is_deleted_in_the_edc_and_only_its_log_says_so(told):
    """A data manager deletes record 7. REDCap does not tell: the record is just not in the next
    export, and a line of the log is all there is. The enrollment is marked withdrawn with its last
    values and its history; nothing is erased, and if the record is made again it stands again."""
    told.says("redcap", row())
    told.day("2026-03-20")
    told.says("redcap_log", DELETED, said="gone")

    gone = told.one("Enrollment")
    assert (gone["withdrawn"], gone["state"], gone["enrolled_on"]) == (
        True,
        "enrolled",
        "2026-03-04",
    )
    assert told.one("Participant")["withdrawn"]
    assert told.one("Consent")["withdrawn"]
    assert told.then(gone, "Enrollment", as_of="2026-03-19")["withdrawn"] is False
    told.day("2026-03-21")
    told.says("redcap", row(enrollment_date="2026-03-05"))

    back = told.one("Enrollment")
    assert (back["id"], back["withdrawn"], back["enrolled_on"]) == (gone["id"], False, "2026-03-05")


def test_16_what_the_edc_deleted_stays_where_another_system_still_has_it(told):
    """The CTMS knows the subject by the same number: its word stands when REDCap's is gone."""
    told.numbers = {"subject_number_of": "", "ctms_no_of": "ONCORE"}
    told.says("subjects", subject())
    told.says("redcap", row(ctms_no="901"))
    assert told.one("Enrollment")["state"] == "enrolled"
    told.says("redcap_log", DELETED, said="gone")

    assert told.one("Enrollment")["withdrawn"] is False


ARM = "ZZARM-PEMBRO"
RANDOMISED = f"CSR|ONC-101^ACME||CM|101-001^^^ONC-101||20260301|||20260228|Y|20260302|{ARM}^{ARM}"
MONITOR = Principal(name="monitor", scopes=frozenset({READ}))


def test_21_the_arm_arrives_in_csr_12_and_stays_sealed(told):
    """The registration that goes to billing carries the arm in CSR-12. The hub keeps it where no
    reader comes by chance: not in the record, its history or the change feed, nor readable in the
    store. Whoever may not be unblinded is refused, and whoever may is noted before the answer."""
    told.hl7("CRM^C01", PID, RANDOMISED)
    one = told.one("Enrollment")
    enrollment = entities()["Enrollment"]

    assert one["randomised_on"] == "2026-03-02"
    assert ARM not in str(one)
    assert ARM not in str(history(told.reader, MONITOR, enrollment, one["id"], view=View()).items)
    for asking in (repository.get, lambda *given: history(*given[:-1], view=given[-1])):
        with pytest.raises(Forbidden):
            asking(told.reader, MONITOR, enrollment, one["id"], View(include=frozenset({"arm"})))
    assert told.seen == []
    assert arm_is_nowhere(told.store)

    opened = told.one("Enrollment", "arm")
    assert opened["arm"]["arm_assigned"] == ARM
    assert told.seen == [("EnrollmentArm", "system")]


def arm_is_nowhere(store) -> bool:
    tables = ("enrollment", "enrollment_arm", "assertion", "version", "xref", "audit", "finding")
    return not any(ARM in str(row) or ARM.encode() in b"".join(
        bytes(cell) for cell in row if isinstance(cell, bytes | memoryview))
        for table in tables for row in store.all(f"select * from {table}"))  # fmt: skip
