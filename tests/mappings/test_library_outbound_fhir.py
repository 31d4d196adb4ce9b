"""What a FHIR server is told of studies and visits, and what is understood when it says it back."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import pytest

from connectors.record import Record
from hub.model.participant_visit import STATUSES
from hub.model.study import STATES
from hub.statement import Identifier
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.outbound import Wait, outbound
from mappings.setting import Setting

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)
STUDY, VISIT = "fhir/research-study", "fhir/appointment"


@dataclass
class Shown:
    """A record as a pipeline would show it."""

    fields: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    ids: list = field(default_factory=list)
    key: str | None = None

    def get(self, name):
        return self.fields.get(name)

    def follow(self, step):
        return self.refs.get(step)

    def identifiers(self, type):
        return [one for one in self.ids if one.type == type]

    def native_key(self):
        return self.key


def study(key=None, **changes):
    fields = {
        "title": "A trial of two doses", "status": "open_to_accrual", "phase": "2_3",
        "start_on": "2026-01-05", "description": "Made up.",
    }  # fmt: skip
    refs = {
        "sponsor": Shown(key="org1"), "principal_investigator": Shown(key="E101"),
    }  # fmt: skip
    numbers = [
        Identifier("sponsor_protocol_no", "ONC-101", "CEDARMESA"),
        Identifier("nct", "NCT99000101"),
    ]
    return Shown(fields | changes, refs, numbers, key)


def visit(key=None, patient="pat-1", **changes):
    fields = {
        "status": "scheduled", "visit_type": "Cycle 1 Day 8", "reason": "dosing",
        "scheduled_at": "2026-03-09T16:00Z[-07:00]",
        "scheduled_end_at": "2026-03-09T17:30Z[-07:00]",
    }  # fmt: skip
    arm = Shown({"arm_assigned": "ZZARM"})
    refs = {
        "participant": Shown(key=patient), "study": Shown(key="onc101"),
        "enrollment": Shown({}, {"EnrollmentArm": arm}, key="rs1"),
    }  # fmt: skip
    return Shown(fields | changes, refs, [Identifier("appointment_no", "7", "CEDARMESA")], key)


def say(name, view):
    mapping = outbound(LIBRARY.outbound[name], Setting(codes=CODES))
    return mapping.render(view, delivery_id="D1", now=NOW)


def wants(name, view, before=None):
    return outbound(LIBRARY.outbound[name], Setting(codes=CODES)).wants(view, before)


def read_back(name, delivery):
    """What the inbound mapping understands when the server says it back."""
    body = {"id": "x1", **orjson.loads(delivery.body), "meta": {"lastUpdated": "2026-03-01T13:00Z"}}
    reader = LIBRARY.reader([name])
    record = Record(
        stream=delivery.stream, message_key="k", at=NOW,
        body=orjson.dumps(body), media=delivery.media,
    )  # fmt: skip
    return {one.entity: one for one in reader(record).statements}


def test_a_server_that_does_not_know_the_study_finds_it_by_its_protocol_number():
    delivery = say(STUDY, study())

    assert delivery.stream == "ResearchStudy"
    assert delivery.target == {
        "method": "update", "type": "ResearchStudy", "match": "read",
        "identifier": "https://cedarmesa.example/protocols|ONC-101",
    }  # fmt: skip
    assert orjson.loads(delivery.body) == {
        "resourceType": "ResearchStudy",
        "identifier": [{"system": "https://cedarmesa.example/protocols", "value": "ONC-101"}],
        "title": "A trial of two doses",
        "status": "active",
        "phase": {"coding": [{"code": "phase-2-phase-3"}]},
        "description": "Made up.",
        "period": {"start": "2026-01-05"},
        "sponsor": {"reference": "Organization/org1"},
        "principalInvestigator": {"reference": "Practitioner/E101"},
    }


def test_an_appointment_names_patient_study_and_subject():
    delivery = say(VISIT, visit())

    assert delivery.target == {
        "method": "update", "type": "Appointment", "match": "read",
        "identifier": "https://cedarmesa.example/appointments|7",
    }  # fmt: skip
    assert orjson.loads(delivery.body) == {
        "resourceType": "Appointment",
        "identifier": [{"system": "https://cedarmesa.example/appointments", "value": "7"}],
        "status": "booked",
        "serviceType": [{"text": "Cycle 1 Day 8"}],
        "reasonCode": [{"text": "dosing"}],
        "supportingInformation": [
            {"reference": "ResearchStudy/onc101"}, {"reference": "ResearchSubject/rs1"},
        ],
        "start": "2026-03-09T09:00:00-07:00",
        "end": "2026-03-09T10:30:00-07:00",
        "participant": [{"actor": {"reference": "Patient/pat-1"}, "status": "accepted"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "view", "id"),
    [(STUDY, study("onc101"), "onc101"), (VISIT, visit("Appointment/app-7"), "app-7")],
)
def test_a_server_that_knows_it_is_told_its_id(name, view, id):
    delivery = say(name, view)

    assert delivery.target["id"] == id
    assert orjson.loads(delivery.body)["id"] == id


@pytest.mark.parametrize(
    ("name", "view"),
    [(VISIT, visit(patient=None)), (STUDY, study(title=None))],
)
def test_it_waits_for_what_the_server_must_recognise(name, view):
    assert isinstance(say(name, view), Wait)


@pytest.mark.parametrize(
    ("name", "make", "wanted", "unwanted"),
    [
        (STUDY, study, "approved", "concept"),
        (STUDY, study, "terminated", "in_start_up"),
        (VISIT, visit, "cancelled", "projected"),
    ],
)
def test_what_is_only_planned_is_not_told(name, make, wanted, unwanted):
    assert wants(name, make(status=wanted))
    assert not wants(name, make(status=unwanted))


@pytest.mark.parametrize(
    ("name", "make", "states", "table"),
    [
        (STUDY, study, STATES, "researchstudy-status"),
        (VISIT, visit, STATUSES, "appointment-status"),
    ],
)
def test_every_status_that_is_told_has_a_word_there(name, make, states, table):
    [status] = [c for c in LIBRARY.outbound[name].when if c.field == "status"]

    assert status.values <= set(states)
    for one in sorted(status.values):
        said = orjson.loads(say(name, make(status=one)).body)["status"]
        assert said in CODES.get(table).meanings("")


def test_what_comes_back_means_what_was_told():
    studied = read_back("fhir/study", say(STUDY, study()))["Study"].fields
    visited = read_back("fhir/appointment", say(VISIT, visit()))["ParticipantVisit"]

    told = ("title", "status", "phase", "start_on", "description")
    assert {name: studied[name] for name in told} == {n: study().get(n) for n in told}
    assert visited.fields["status"] == "scheduled"
    assert visited.fields["visit_type"] == "Cycle 1 Day 8"
    assert visited.identifiers == (Identifier("appointment_no", "7", "CEDARMESA"),)


def submission(**changes):
    fields = {
        "state": "approved", "native_no": "STUDY00000123", "approval_on": "2026-02-27",
        "expires_on": None,
    }  # fmt: skip
    return Shown(fields | changes, {"study": Shown(key="onc101")})


def test_an_irbs_decision_is_an_artifact_of_the_study_and_never_its_status():
    delivery = say("fhir/study-approval", submission())

    assert delivery.target == {
        "method": "update", "type": "ResearchStudy", "match": "read", "id": "onc101",
    }  # fmt: skip
    assert orjson.loads(delivery.body) == {
        "resourceType": "ResearchStudy", "id": "onc101",
        "relatedArtifact": [{
            "type": "documentation", "label": "IRB STUDY00000123", "display": "approved 2026-02-27",
        }],
    }  # fmt: skip
    assert not wants("fhir/study-approval", submission(state="in_review"))
    unknown = Shown(submission().fields, {"study": Shown()})
    assert isinstance(say("fhir/study-approval", unknown), Wait)


def test_a_document_that_no_irb_approved_is_not_told():
    fields = {"status": "approved", "version_no": "v2", "irb_submission": "s1"}

    assert wants("fhir/study-document", Shown(fields))
    assert not wants("fhir/study-document", Shown(fields | {"irb_submission": None}))
    assert not wants("fhir/study-document", Shown(fields | {"status": "draft"}))


def test_a_visit_is_an_action_of_the_plan_of_its_calendars_version():
    fields = {
        "name": "Day 15", "planned_day": 14, "window_before_days": 1, "window_after_days": 2,
        "calendar_version": "2",
    }  # fmt: skip
    delivery = say("fhir/calendar-visit", Shown(fields, {"study": study()}))

    number = "https://cedarmesa.example/protocols|ONC-101/2"
    assert delivery.target == {
        "method": "update", "type": "PlanDefinition", "match": "read", "identifier": number,
    }  # fmt: skip
    said = orjson.loads(delivery.body)
    assert "|".join(said["identifier"][0].values()) == number
    assert (said["version"], said["title"]) == ("2", "ONC-101 calendar 2")
    [action] = said["action"]
    assert action["textEquivalent"] == "1 days before to 2 days after"
    assert action["timingDuration"]["value"] == 14
    assert not wants("fhir/calendar-visit", Shown(fields | {"calendar_version": None}))


def test_no_server_is_ever_told_the_arm():
    assert b"ZZARM" not in say(VISIT, visit()).body
