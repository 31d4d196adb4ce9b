"""The packaged mappings and the hub together: what sources say becomes one record."""

import itertools
import json
from datetime import UTC, datetime

import pytest

from connectors.formats import tables as rows
from connectors.record import Record
from hub import seal, tables
from hub.context import Context
from hub.database import engine, session
from hub.policy import Policy, System
from hub.said import Said
from hub.settle import settle
from mappings.code_tables import load_codes
from mappings.collection import load_library

READER = load_library(codes=load_codes(), packaged=True).reader()
SYSTEMS = {
    name: System(name, role) for name, role in (("ehr", "EHR"), ("adt", "EHR"), ("hr", "HR"))
}
BASE = 1_772_000_000_000_000


@pytest.fixture
def store(tmp_path):
    address = f"sqlite:///{tmp_path / 'hub.db'}"
    made = engine(address)
    tables.metadata.create_all(made)
    made.dispose()
    opened = session(address)
    yield opened
    opened.close()


@pytest.fixture
def tell(store, tmp_path):
    """Maps and settles one message of a system; messages are a second apart."""
    numbers = itertools.count(1)
    clock = itertools.count(BASE, 1_000_000)
    context = Context(
        session=store, keyring=seal.load(tmp_path / "keys.json"), policy=Policy(systems=SYSTEMS),
        clock=lambda: next(clock), chain="test", keeps=True,
    )  # fmt: skip

    def tell(body, system="ehr", media="application/fhir+json", said="said", admission="all"):
        raw = json.dumps(body).encode() if isinstance(body, dict) else body.encode()
        at = datetime(2026, 3, 1, tzinfo=UTC)
        record = Record(stream="s", message_key="1", at=at, body=raw, media=media, said=said)
        seq = next(numbers)
        message = Said(
            seq=seq, system=system, at=BASE + seq * 1_000_000, meaning=READER(record),
            admission=admission,
        )  # fmt: skip
        with store.transaction():
            return settle(context, [message])

    return tell


def patient(id, mrn, **more):
    number = {"type": {"coding": [{"code": "MR"}]}, "value": mrn,
              "system": "https://cedarmesa.example/mrn"}  # fmt: skip
    return {"resourceType": "Patient", "id": id, "identifier": [number]} | more


def appointment(**more):
    return {
        "resourceType": "Appointment", "id": "a1", "status": "booked",
        "participant": [{"actor": {"reference": "Patient/p1"}}],
    } | more  # fmt: skip


def stamped(resource, at, version):
    return resource | {"meta": {"lastUpdated": at, "versionId": version}}


def test_a_deleted_resource_is_withdrawn_and_one_that_comes_back_is_not(tell, store):
    study = {"resourceType": "ResearchStudy", "id": "s1", "title": "ONC-101"}
    deleted = {"request": {"method": "DELETE", "url": "ResearchStudy/s1"},
               "response": {"lastModified": "2026-03-02T00:00:00Z"}}  # fmt: skip

    tell(stamped(study, "2026-03-01T00:00:00Z", "12"))
    tell(deleted, said="gone")
    after_delete = store.one("select title, withdrawn from study")
    tell(stamped(study, "2026-03-03T00:00:00Z", "14"))

    assert after_delete == ("ONC-101", True)
    assert store.one("select title, withdrawn from study") == ("ONC-101", False)


def test_what_a_resource_no_longer_has_is_removed(tell, store):
    tell(patient("p1", "1", gender="female", birthDate="1970"))
    tell(patient("p1", "1", birthDate="1970"))

    assert store.one("select sex, year_of_birth from participant") == (None, 1970)


def test_an_older_version_that_is_read_later_changes_nothing(tell, store):
    tell(stamped(patient("p1", "1", gender="female"), "2026-03-02T00:00:00Z", "2"))
    tell(stamped(patient("p1", "1", gender="male"), "2026-03-01T00:00:00Z", "1"))

    assert store.one("select sex from participant") == ("female",)


def test_a_patient_that_another_replaced_leads_to_it_and_says_nothing_more_of_it(tell, store):
    tell(patient("p1", "1", gender="female", active=True))
    tell(patient("p2", "2", gender="male", active=True))
    link = [{"type": "replaced-by", "other": {"reference": "Patient/p1"}}]

    tell(patient("p2", "2", active=False, link=link))
    tell(patient("p1", "1", gender="female", active=True))

    rows = store.all("select sex, active, superseded_by is null from participant")
    assert [row[:2] for row in rows if row[2]] == [("female", True)]


def test_hl7_and_fhir_speak_of_one_patient_by_the_number_of_one_authority(tell, store):
    adt = (
        "MSH|^~\\&|HIS|CEDARMESA|||20260301||ADT^A08|1|P|2.5.1\r"
        "PID|1||40000037^^^CEDARMESA^MR||BEGAY^ADA||19700301|F\r"
    )

    tell(patient("p1", "40000037", gender="female"))
    tell(adt, system="adt", media="hl7v2")

    assert store.one("select count(*) from participant") == (1,)


def test_an_encounter_and_its_appointment_are_one_visit(tell, store):
    encounter = {
        "resourceType": "Encounter", "id": "e1", "status": "finished",
        "subject": {"reference": "Patient/p1"}, "period": {"start": "2026-03-09T09:05:00Z"},
        "appointment": [{"reference": "Appointment/a1"}],
    }  # fmt: skip

    tell(appointment(start="2026-03-09T09:00:00Z"))
    tell(encounter)

    rows = store.all(
        "select status, scheduled_at, actual_on from participant_visit where superseded_by is null"
    )
    assert rows == [("completed", "2026-03-09T09:00:00Z[+00:00]", "2026-03-09")]


def test_an_appointment_of_somebody_in_no_study_is_held_until_there_is_a_link(tell, store):
    subject = {"resourceType": "ResearchSubject", "id": "rs1", "status": "screening",
               "individual": {"reference": "Patient/p1"}}  # fmt: skip

    held = tell(appointment(), admission="known_only")
    privacy = tell(
        {"resourceType": "Consent", "id": "c1", "scope": {"coding": [{"code": "treatment"}]},
         "patient": {"reference": "Patient/p1"}}, admission="known_only",
    )  # fmt: skip
    linked = tell(subject, admission="known_only")

    assert held.done == []
    assert privacy.versions == 0
    assert {digest for digest, _ in held.held} & set(linked.born)


def test_a_roster_and_a_practitioner_with_one_work_address_are_one_person(tell, store):
    practitioner = {
        "resourceType": "Practitioner", "id": "E101", "name": [{"family": "Calloway"}],
        "telecom": [{"system": "email", "value": "E101@cedarmesa.example", "use": "work"}],
    }  # fmt: skip
    row = "employee_id,email,family_name,department\r\nE101,e101@cedarmesa.example,Calloway,ONC\r\n"

    tell(practitioner)
    tell(row, system="hr", media=rows.MEDIA)

    assert store.all("select family_name, department from person") == [("Calloway", "ONC")]


def test_an_employee_who_comes_back_has_no_last_day(tell, store):
    head = "employee_id,status,left_on\r\n"

    tell(head + "E1,terminated,2026-03-06\r\n", system="hr", media=rows.MEDIA)
    tell(head + "E1,active,\r\n", system="hr", media=rows.MEDIA)

    assert store.one("select employment_status, left_on from person") == ("active", None)


def test_a_role_in_the_roster_finds_the_study_by_its_registry_number(tell, store):
    number = {"system": "http://clinicaltrials.gov", "value": "NCT99000101"}
    study = {
        "resourceType": "ResearchStudy",
        "id": "s1",
        "title": "ONC-101",
        "identifier": [number],
    }
    row = "employee_id,study_nct,study_role\r\nE1,NCT99000101,PI\r\n"

    tell(row, system="hr", media=rows.MEDIA)
    tell(study)

    found = store.all(
        "select s.title, a.role from staff_assignment a join study s on s.id = a.study_id"
    )
    assert found == [("ONC-101", "pi")]
