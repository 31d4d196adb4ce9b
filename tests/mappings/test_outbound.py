"""Outbound: which change is said, in what words, and when there is nothing to say yet."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import pytest

from connectors.formats import er7, er7_path
from connectors.formats.tables import read_row
from hub.statement import Identifier
from mappings.canonical import compile_path
from mappings.mistakes import MappingErrors, Mistakes
from mappings.outbound import Wait, outbound
from mappings.outbound_language import read_outgoing
from mappings.setting import Setting
from mappings.values import BadPath, NotUnderstood

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

CRM = """\
when: {entity: Enrollment, state: {becomes: [enrolled, withdrawn]}}
writes: hl7v2
message: "CRM^C01^CRM_C01"
requires: ["study.identifier(sponsor_protocol_no)", "participant.identifier(mrn)"]
fields:
  "PID-3[1].1": "participant.identifier(MRN)"
  "PID-3[1].4": "participant.identifier(MRN).system"
  "PID-3[1].5": {const: MR}
  "PID-5.1": "participant.ParticipantPhi.family_name"
  "CSR-1.1": "study.identifier(sponsor_protocol_no)"
  "CSR-4.1": "subject_number"
  "CSR-6": {path: "registered_at", then: [hl7_time]}
  "CSR-8.1": {const: "1234"}
"""
FHIR = """\
when: {entity: Enrollment}
writes: application/fhir+json
target:
  type: {const: ResearchSubject}
  id: key
  if_none_exist: {join: [{const: "urn:x"}, subject_number], joiner: "|"}
resource:
  resourceType: {const: ResearchSubject}
  status: {path: state, then: [native state]}
  identifier:
    - {system: {const: "urn:x"}, value: subject_number}
    - {system: {const: "urn:y"}, value: {path: screening_no}}
  eligible: eligible
  screened: {join: [{const: as}, screening_no], joiner: " ", whole: true}
  study: {reference: {path: study.key, then: [prefix ResearchStudy/]}}
  period: {start: enrolled_on, end: off_study_on}
"""
CSV = """\
when: {entity: Enrollment, subject_number: {changes: true}}
writes: text/csv;row
columns: {Subject: subject_number, Since: enrolled_on, Sex: participant.sex, Eligible: eligible}
"""
LEAVER = """\
when:
  entity: Employment
  status: {becomes: [terminated]}
  "person.Delegation(person, status=active).id": {known: true}
  "person.identifier(hr_id)": [E305, E306]
  "person.Employment(person, status=active).id": {known: false}
  end_on: {known: true}
  leave_to: {known: false}
writes: text/csv;row
columns:
  who: "person.identifier(hr_id)"
  delegations: {path: "person.Delegation(person, status=active).key", then: ["joined ;"]}
"""
EVENT = """\
when: {entity: Enrollment, state: {changes: true}}
writes: application/cloudevents+json
source: "urn:uh:crohub"
subject: subject_number
resource:
  state: state
  study: "study.identifier(sponsor_protocol_no)"
"""


@dataclass
class Shown:
    """A record as a pipeline would show it."""

    fields: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    ids: list = field(default_factory=list)
    key: str | None = None
    id: str = "0198-1"
    others: dict = field(default_factory=dict)

    def get(self, name):
        return self.fields.get(name)

    def follow(self, step):
        return self.refs.get(step)

    def referring(self, entity, field, having=None):
        found = self.others.get((entity, field), [])
        return [one for one in found if having is None or one.get(having[0]) == having[1]]

    def identifiers(self, type):
        return [one for one in self.ids if one.type == type]

    def native_key(self):
        return self.key


def enrollment(**changes):
    phi = Shown({"family_name": "O'NEIL & SONS"})
    participant = Shown({"sex": "female"}, {"ParticipantPhi": phi}, [Identifier("mrn", "7", "UH")])
    study = Shown(ids=[Identifier("sponsor_protocol_no", "ONC-101")], key="onc101")
    fields = {
        "state": "enrolled", "subject_number": "S-1", "registered_at": "2026-03-01T08:30Z[+01:00]",
        "enrolled_on": "2026-03-01", "eligible": True,
    }  # fmt: skip
    return Shown(fields | changes, {"participant": participant, "study": study}, key="rs1")


@pytest.fixture
def outgoing(tmp_path, codes):
    (tmp_path / "codes/state.csv").write_text("native,canonical\non-study,enrolled\n")

    def make(text):
        from mappings.code_tables import load_codes

        path = tmp_path / "out.yaml"
        path.write_text(text)
        setting, mistakes = Setting(codes=load_codes(tmp_path / "codes")), Mistakes()
        found = read_outgoing(path, "out", setting, mistakes)
        mistakes.raise_if_any()
        return outbound(found, setting)

    return make


def test_a_change_becomes_an_hl7_message(outgoing):
    delivery = outgoing(CRM).render(enrollment(), delivery_id="D1", now=NOW)

    message = er7.read(delivery.body)
    read = [er7_path.compile_path(path)(message) for path in (
        "MSH-9.1", "MSH-10", "MSH-7", "PID-3.1", "PID-3.4", "PID-3.5", "PID-5.1", "CSR-1.1",
        "CSR-4.1", "CSR-6",
    )]  # fmt: skip
    assert read == [
        "CRM", "D1", "20260301123000+0000", "7", "UH", "MR", "O'NEIL & SONS", "ONC-101", "S-1",
        "202603010930+0100",
    ]  # fmt: skip
    assert (delivery.id, delivery.stream, delivery.media) == ("D1", "CRM", "hl7v2")


def test_a_change_becomes_a_resource_without_what_is_not_known(outgoing):
    delivery = outgoing(FHIR).render(enrollment(), delivery_id="D1", now=NOW)

    assert orjson.loads(delivery.body) == {
        "resourceType": "ResearchSubject",
        "status": "on-study",
        "identifier": [{"system": "urn:x", "value": "S-1"}, {"system": "urn:y"}],
        "eligible": True,
        "study": {"reference": "ResearchStudy/onc101"},
        "period": {"start": "2026-03-01"},
    }
    assert delivery.target == {
        "type": "ResearchSubject", "id": "rs1", "if_none_exist": "urn:x|S-1",
    }  # fmt: skip


def test_a_change_becomes_a_row_that_the_reader_of_rows_reads(outgoing):
    delivery = outgoing(CSV).render(enrollment(subject_number='S,"1'), delivery_id="D", now=NOW)

    assert read_row(delivery.body) == {
        "Subject": 'S,"1', "Since": "2026-03-01", "Sex": "female", "Eligible": "true",
    }  # fmt: skip


def test_a_change_becomes_an_event(outgoing):
    delivery = outgoing(EVENT).render(enrollment(), delivery_id="D1", now=NOW)

    assert orjson.loads(delivery.body) == {
        "specversion": "1.0",
        "id": "D1",
        "source": "urn:uh:crohub",
        "type": "crohub.Enrollment.changed",
        "subject": "S-1",
        "time": "2026-03-01T12:30:00Z",
        "datacontenttype": "application/json",
        "data": {"state": "enrolled", "study": "ONC-101"},
    }
    assert delivery.media == "application/cloudevents+json"


def test_an_event_says_its_type_and_no_subject_that_is_not_known(outgoing):
    made = outgoing(EVENT + "type: org.uh.enrolled\n")

    delivery = made.render(enrollment(subject_number=None), delivery_id="D1", now=NOW)

    event = orjson.loads(delivery.body)
    assert event["type"] == "org.uh.enrolled"
    assert "subject" not in event


def test_the_same_arguments_give_the_same_bytes(outgoing):
    made = outgoing(CRM)

    first, second = (made.render(enrollment(), delivery_id="D", now=NOW) for _ in range(2))

    assert first == second


def test_what_must_be_known_first_is_waited_for(outgoing):
    view = enrollment()
    view.refs["study"] = None

    answer = outgoing(CRM).render(view, delivery_id="D", now=NOW)

    assert answer == Wait("study.identifier(sponsor_protocol_no) is not known yet")


def test_a_value_without_a_word_for_it_is_refused_by_default(outgoing):
    view = enrollment(state="withdrawn")

    with pytest.raises(NotUnderstood, match="unmapped-code at state"):
        outgoing(FHIR).render(view, delivery_id="D", now=NOW)


def test_a_value_without_a_word_may_be_left_out_where_the_mapping_says_so(outgoing):
    text = FHIR.replace("[native state]}", "[native state], on_bad: leave out}")

    delivery = outgoing(text).render(enrollment(state="withdrawn"), delivery_id="D", now=NOW)

    assert "status" not in orjson.loads(delivery.body)


def test_a_path_the_message_structure_lacks_is_refused_when_it_is_built(outgoing):
    text = CRM + '  "OBX-5": subject_number\n'

    with pytest.raises(NotUnderstood, match="unwritable-hl7"):
        outgoing(text).render(enrollment(), delivery_id="D", now=NOW)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(None, "enrolled", True), ("screening", "enrolled", True), ("enrolled", "enrolled", False),
     ("enrolled", "withdrawn", True), ("enrolled", "screening", False), (None, None, False)],
)  # fmt: skip
def test_a_state_is_said_when_it_becomes_so(outgoing, before, after, said):
    made = outgoing(CRM)

    earlier = enrollment(state=before) if before else None

    assert made.wants(enrollment(state=after), earlier) is said


def test_a_field_is_said_when_it_changes(outgoing):
    made = outgoing(CSV)

    assert made.wants(enrollment(), enrollment(subject_number="S-0"))
    assert not made.wants(enrollment(), enrollment(state="screening"))


def leaver(*delegations, number="E305", jobs=("terminated",), **more):
    employments = [Shown({"status": status}) for status in jobs]
    others = {("Delegation", "person"): list(delegations), ("Employment", "person"): employments}
    who = Shown(ids=[Identifier("hr_id", number)], others=others)
    return Shown({"status": "terminated", "end_on": "2026-03-06"} | more, {"person": who})


def test_what_refers_to_a_record_is_read_as_a_list(outgoing):
    gone = leaver(Shown({"status": "active"}, key="D-1"), Shown({"status": "ended"}, key="D-2"),
                  Shown({"status": "active"}, key="D-3"))  # fmt: skip

    row = outgoing(LEAVER).render(gone, delivery_id="D1", now=NOW)

    assert row.body == b"who,delegations\r\nE305,D-1;D-3\r\n"


def test_what_other_records_say_decides_whether_a_change_is_said(outgoing):
    made, active = outgoing(LEAVER), Shown({"status": "active"}, key="D-1")

    assert made.wants(leaver(active), None)
    assert not made.wants(leaver(), None)
    assert not made.wants(leaver(Shown({"status": "ended"}, key="D-1")), None)
    assert not made.wants(leaver(active, number="E411"), None)
    assert not made.wants(leaver(active, jobs=("terminated", "active")), None)
    assert not made.wants(leaver(active, leave_to="2026-04-01"), None)
    assert not made.wants(leaver(active, end_on=None), None)


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        (LEAVER.replace("Delegation(person, status=active).id", "Delegation(persons).id"), 4,
         "Delegation refers to no Person by 'persons'"),
        (LEAVER.replace("Delegation(person, status=active).id", "Delegation(study).id"), 4,
         "Delegation refers to no Person by 'study'"),
        (LEAVER.replace("status=active).id", "status=actve).id"), 4, "the code 'actve'"),
        (LEAVER.replace("status=active).id", "status).id"), 4, "'status' of Delegation"),
        (LEAVER.replace("Delegation(person, status=active).id", "Delegations(person).id"), 4,
         "the step 'Delegations(person)'"),
        (LEAVER.replace("{known: true}", "{changes: true}"), 4, "a change of another record"),
        ("writes: hl7v2\nmessage: A\nfields: {}\n", 1, "no entity"),
        ("when: {entity: Enrolment}\nwrites: hl7v2\n", 1, "the entity 'Enrolment'"),
        (CRM.replace("subject_number", "subject_no"), 11, "Enrollment has no 'subject_no'"),
        (CRM.replace("(MRN)\"", "(MNR)\""), 6, "Participant has no identifier 'mnr'"),
        (CRM.replace("study.identifier", "stud.identifier"), 4, "the step 'stud' from Enrollment"),
        (CRM.replace("[enrolled, ", "[enroled, "), 1, "the code 'enroled'"),
        (CRM.replace('"CSR-4.1"', '"CSR-"'), 11, "path 'CSR-'"),
        (CRM.replace("hl7_time", "hl7time"), 12, "the transform 'hl7time'"),
        (CRM.replace("state: {becomes: [enrolled, withdrawn]}", "stat: x"), 1, "has no 'stat'"),
        (CRM.replace("message", "mesage"), 3, "the key 'mesage'"),
        (FHIR.replace("id: key", "id: study"), 5, "the reference 'study'"),
        (CSV.replace("columns", "fields"), 3, "the key 'fields'"),
        (EVENT.replace("subject_number", "subject_no"), 4, "Enrollment has no 'subject_no'"),
        (EVENT.replace("resource:", "data:"), 1, "no resource"),
    ],
)  # fmt: skip
def test_a_wrong_outbound_mapping_is_told_with_its_line(outgoing, text, line, found):
    with pytest.raises(MappingErrors) as raised:
        outgoing(text)

    assert any(one.line == line and found in one.found for one in raised.value.mistakes), str(
        raised.value
    )


@pytest.mark.parametrize(
    "path", ["", ".", "state.", "state()", "().__class__", "state.__class__", "identifier(mrn).x",
             "participant", "participant..sex", "x" * 5000],
)  # fmt: skip
def test_what_is_no_canonical_path_is_refused(path):
    from hub.model.spec import entities

    with pytest.raises(BadPath):
        compile_path(path, entities()["Enrollment"])
