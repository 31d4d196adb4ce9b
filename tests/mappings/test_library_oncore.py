"""The packaged OnCore mappings: what OnCore says, and what it is told."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from connectors.oncore import WRITES
from hub.model.spec import entities
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.outbound import Wait, outbound
from mappings.setting import Context, Setting

CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)


@dataclass
class Shown:
    """A record as a pipeline would show it."""

    fields: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    key: str | None = None
    id: str = "0198-1"

    def get(self, name):
        return self.fields.get(name)

    def follow(self, step):
        return self.refs.get(step)

    def identifiers(self, _):
        return []

    def native_key(self):
        return self.key


STUDY = Shown(key="4711")
ENROLLED = {"state": "enrolled", "enrolled_on": "2026-02-12"}
VISIT = {"study": "s1", "status": "completed", "actual_on": "2026-03-05"}
REVIEW = {
    "state": "approved",
    "kind": "amendment",
    "native_no": "MOD456",
    "approval_on": "2026-02-20",
}
GCP = {"kind": "gcp", "status": "valid", "number": "C1", "expires_on": "2029-01-01"}


def say(name, view):
    mapping = outbound(LIBRARY.outbound[f"oncore/{name}"], Setting(codes=CODES))
    assert mapping.wants(view, None)
    made = mapping.render(view, delivery_id="D1", now=datetime(2026, 3, 1, tzinfo=UTC))
    return (
        made if isinstance(made, Wait) else (made.stream, dict(made.target), json.loads(made.body))
    )


@pytest.fixture
def read(record):
    def read(name, body, **parameters):
        reader = LIBRARY.reader([f"oncore/{name}"], Context(parameters=parameters))
        return reader(record(json.dumps(body), "application/json"))

    return read


def test_a_subject_is_told_by_the_number_oncore_gave_it():
    assert say("subject-status", Shown(ENROLLED, key="901")) == (
        "subject_status", {"id": "901"}, {"status": "ON STUDY", "onStudyDate": "2026-02-12"},
    )  # fmt: skip


def test_what_oncore_does_not_know_waits():
    assert isinstance(say("subject-status", Shown(ENROLLED)), Wait)
    assert isinstance(say("visit", Shown(VISIT, {"study": STUDY, "enrollment": Shown(key="901"),
                                                 "visit_def": Shown()})), Wait)  # fmt: skip
    assert isinstance(say("irb-review", Shown(REVIEW, {"study": Shown()})), Wait)


def test_demographics_are_told_with_who_it_is():
    phi = Shown({"family_name": "Example", "birth_date": "1985-02-01"})
    person = Shown({"sex": "female", "ethnicity": "unknown"}, {"ParticipantPhi": phi}, key="501")

    stream, target, body = say("demographics", person)

    assert (stream, target) == ("demographics", {"id": "501"})
    assert body == {"lastName": "Example", "birthDate": "1985-02-01", "gender": "Female",
                    "ethnicity": "Unknown"}  # fmt: skip


def test_who_somebody_is_is_told_with_address_and_death():
    phi = {
        "family_name": "Example", "address_lines": ["1 Main St", "Apt 2"], "city": "Provo",
        "deceased_at": "2026-03-01T04:00Z",
    }  # fmt: skip
    person = Shown(phi, {"Participant": Shown({"sex": "female"})}, key="501")

    assert say("demographics-who", person) == (
        "demographics", {"id": "501"},
        {"lastName": "Example", "gender": "Female", "addressLine1": "1 Main St",
         "addressLine2": "Apt 2", "city": "Provo", "expiredDate": "2026-03-01"},
    )  # fmt: skip


def test_a_visit_that_took_place():
    refs = {"study": STUDY, "enrollment": Shown(key="901"), "visit_def": Shown(key="31")}

    assert say("visit", Shown(VISIT, refs)) == (
        "visit", {"protocol": "4711"},
        {"protocolId": "4711", "protocolSubjectId": "901", "calendarVisitId": "31",
         "visitStatus": "Occurred", "visitDate": "2026-03-05"},
    )  # fmt: skip


def test_what_an_irb_decided():
    assert say("irb-review", Shown(REVIEW, {"study": STUDY})) == (
        "irb_review", {"protocol": "4711"},
        {"protocolId": "4711", "irbReviewNo": "MOD456", "reviewType": "Change Review",
         "action": "Approved", "approvalDate": "2026-02-20"},
    )  # fmt: skip


def test_a_credential_of_a_contact():
    assert say("credential", Shown(GCP, {"person": Shown(key="71")})) == (
        "credential", {"contact": "71"},
        {"contactId": "71", "credentialType": "GCP", "credentialNo": "C1",
         "expirationDate": "2029-01-01"},
    )  # fmt: skip


@pytest.mark.parametrize("name", [n for n in LIBRARY.outbound if n.startswith("oncore/")])
def test_what_is_told_is_something_the_connector_writes(name):
    assert LIBRARY.outbound[name].stream in WRITES


@pytest.mark.parametrize(
    ("table", "states"),
    [("oncore-subject-status", "subject-status"), ("oncore-review-action", "irb-review")],
)
def test_every_state_that_is_sent_has_its_word(table, states):
    text = LIBRARY.outbound[f"oncore/{states}"].file.read_text()
    listed = text.partition(": [")[2].partition("]")[0].split(", ")

    assert set(listed) <= CODES.get(table).natives("").keys()


def test_every_status_of_a_visit_has_a_word_that_oncore_reads_back():
    words = CODES.get("oncore-visit-told").meanings("")

    assert set(words) == set(entities()["ParticipantVisit"].fields["status"].meta.codes)
    assert set(words.values()) <= set(CODES.get("oncore-visit-status").meanings(""))


def test_two_subjects_of_one_person_are_two_enrollments_of_one_participant(read):
    found = [
        read("enrollment", {"protocolSubjectId": n, "protocolId": 1, "subjectDemographicsId": 501})
        for n in (901, 910)
    ]

    statements = [meaning.statements[0] for meaning in found]
    assert [one.key for one in statements] == ["901", "910"]
    assert {one.fields["participant"].key for one in statements} == {"501"}


def test_numbers_are_of_whom_the_site_says(read):
    (person,) = read(
        "participant", {"subjectDemographicsId": 1, "mrn": "7"}, mrn_of="NORTH"
    ).statements

    assert [(one.type, one.assigner) for one in person.identifiers] == [("mrn", "NORTH")]


@pytest.mark.parametrize("name", [n for n in LIBRARY.inbound if n.startswith("oncore/")])
def test_odd_shapes_are_no_crash(read, name):
    keys = ("protocolId", "protocolNo", "irbNo", "institution", "contactId", "lastName", "role",
            "visitName", "calendarVisitId", "protocolSubjectId", "protocolSubjectVisitId",
            "subjectDemographicsId")  # fmt: skip
    odd = {"status", "title", "race", "gender", "birthDate", "visitStatus", "studySite"}

    said = read(
        name.partition("/")[2], {**{one: {"a": [1]} for one in odd}, **dict.fromkeys(keys, 1)}
    )

    assert said.statements
