"""The made-up OnCore and IRB and the library agree: what is told lands there and is read back."""

import json

import pytest

from connectors.irb import Irb
from connectors.oncore import Oncore
from connectors.record import Delivery
from crohub.sandbox.irb import IrbState, irb_server
from crohub.sandbox.oncore import OncoreState, oncore_server
from mappings.code_tables import load_codes
from mappings.collection import load_library

LIBRARY = load_library(codes=load_codes(), packaged=True)


@pytest.fixture
def ctms(monkeypatch):
    monkeypatch.setenv("ONCORE_SECRET", "made-up")
    state = OncoreState()
    made = state.put("protocols", protocolNo="ONC-101", title="A Trial", protocolType="Treatment",
                     protocolStatus="OPEN TO ACCRUAL")  # fmt: skip
    protocol = made["protocolId"]
    person = state.put("contacts", lastName="Example", firstName="A", email="a@uh.example")
    state.put("protocolStaff", protocolId=protocol, contactId=person["contactId"], role="PI")
    state.put("protocolInstitutions", protocolId=protocol, institution="UH")
    who = state.put("subjectDemographics", mrn="700123", lastName="Example", firstName="Jo",
                    birthDate="1985-02-01", gender="Female", race=["White"])  # fmt: skip
    state.put("protocolSubjects", protocolId=protocol, studySite="UH", status="CONSENTED",
                        subjectDemographicsId=who["subjectDemographicsId"])  # fmt: skip
    state.put("protocolCalendarVisits", protocolId=protocol, visitName="C1D1", plannedDay=1)
    with oncore_server(state) as server:
        yield state, Oncore(
            base_url=server.url, client_id="crohub", client_secret="${env:ONCORE_SECRET}",
            per_second=1000,
        )  # fmt: skip


@pytest.fixture
def irb(monkeypatch):
    monkeypatch.setenv("IRB_TOKEN", "made-up")
    state = IrbState()
    state.studies["STUDY1"] = {"id": "STUDY1", "name": "ONC-101", "pi": {"employeeId": "E100"}}
    consent = {"name": "ICF", "category": "Consent", "version": "3", "approved": True}
    state.submit("MOD1", id="STUDY1", type="Modification", state="Approved",
                 approvalDate="2026-02-20", documents=[consent])  # fmt: skip
    with irb_server(state) as server:
        auth = {"kind": "bearer", "token": "${env:IRB_TOKEN}"}
        yield state, Irb(base_url=server.url, auth=auth, per_second=1000)


def read(connector, stream, *mappings):
    reader = LIBRARY.reader(mappings)
    meanings = [reader(record) for record in connector.pull(stream, "")]
    assert [meaning.complaints for meaning in meanings] == [()] * len(meanings)
    return [one for meaning in meanings for one in meaning.statements]


def tell(connector, stream, body, **target):
    delivery = Delivery(id=f"{stream}-1", stream=stream, body=json.dumps(body).encode(),
                        media="application/json", target=target)  # fmt: skip
    (receipt,) = connector.push([delivery])
    assert receipt.outcome == "delivered", receipt
    return receipt.native_id


@pytest.mark.parametrize(
    ("stream", "mapping", "entities"),
    [
        ("protocols", "study", ["Study"]),
        ("protocol_staff", "staff", ["StaffAssignment"]),
        ("protocol_institutions", "site", ["StudySite"]),
        ("contacts", "person", ["Person"]),
        ("protocol_subjects", "enrollment", ["Enrollment"]),
        ("subject_demographics", "participant", ["Participant", "ParticipantPhi"]),
        ("calendars", "visit-def", ["VisitDef"]),
    ],
)
def test_what_oncore_has_is_understood(ctms, stream, mapping, entities):
    _, oncore = ctms

    assert [one.entity for one in read(oncore, stream, f"oncore/{mapping}")] == entities


def test_all_that_belongs_together_refers_to_each_other(ctms):
    _, oncore = ctms
    keys = {one.key for stream, name in [("protocols", "study"), ("protocol_institutions", "site"),
                                         ("subject_demographics", "participant")]
            for one in read(oncore, stream, f"oncore/{name}")}  # fmt: skip

    (enrollment,) = read(oncore, "protocol_subjects", "oncore/enrollment")

    referred = {enrollment.fields[name].key for name in ("study", "study_site", "participant")}
    assert referred == keys


def test_a_status_and_a_visit_that_are_told_are_read_back(ctms):
    state, oncore = ctms
    protocol, subject, planned = (
        next(iter(state.rows[name]))
        for name in ("protocols", "protocolSubjects", "protocolCalendarVisits")
    )

    tell(oncore, "subject_status", {"status": "ON STUDY", "onStudyDate": "2026-02-12"}, id=subject)
    visit = {"protocolId": protocol, "protocolSubjectId": subject, "calendarVisitId": planned,
             "visitStatus": "Occurred", "visitDate": "2026-03-05"}  # fmt: skip
    number = tell(oncore, "visit", visit, protocol=protocol)

    (enrollment,) = read(oncore, "protocol_subjects", "oncore/enrollment")
    (read_back,) = read(oncore, "visits", "oncore/visit")
    assert (enrollment.fields["state"], enrollment.fields["enrolled_on"]) == (
        "enrolled",
        "2026-02-12",
    )
    assert (read_back.key, read_back.fields["actual_on"]) == (number, "2026-03-05")
    assert read_back.fields["enrollment"].key == subject


def test_what_an_irb_has_is_understood(irb):
    _, connector = irb

    said = read(connector, "submissions", "irb/submission", "irb/document")
    staff = read(connector, "studies", "irb/study", "irb/staff")

    assert [one.entity for one in said] == ["IrbSubmission", "Document", "DocumentVersion"]
    assert [one.entity for one in staff] == ["Study", "StaffAssignment"]
    assert said[0].fields["study"].key == staff[0].key


def test_a_proposal_changes_no_submission(irb):
    state, connector = irb
    before = json.dumps(state.submissions)

    tell(
        connector,
        "staff_change",
        {"externalId": "h1", "studyId": "STUDY1", "change": "Add"},
        id="h1",
    )

    assert json.dumps(state.submissions) == before
    assert [one["change"] for one in state.proposals["staff-changes"]] == ["Add"]
