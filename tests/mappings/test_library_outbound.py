"""The packaged outbound mappings: what a target is told of an enrollment, and what it never is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import pytest

from connectors.formats import odm_write
from connectors.formats.tables import read_row
from hub.model.enrollment import STATES
from hub.statement import Identifier
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.outbound import Wait, outbound
from mappings.setting import Setting

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)


@dataclass
class Shown:
    """A record as a pipeline would show it."""

    fields: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    ids: list = field(default_factory=list)
    key: str | None = None
    id: str = "0198-1"

    def get(self, name):
        return self.fields.get(name)

    def follow(self, step):
        return self.refs.get(step)

    def identifiers(self, type):
        return [one for one in self.ids if one.type == type]

    def native_key(self):
        return self.key


def enrollment(key=None, study_key="onc101", **changes):
    phi = Shown({"family_name": "O'NEIL & SONS", "given_name": "ADA", "birth_date": "1970-03"})
    mrn = Identifier("mrn", "40000037", "CEDARMESA")
    participant = Shown({}, {"ParticipantPhi": phi}, [mrn], key="pat-1")
    numbers = [
        Identifier("sponsor_protocol_no", "ONC-101", "CEDARMESA"),
        Identifier("irb_no", "STUDY00000123", "CEDARMESA"),
        Identifier("nct", "NCT99000101"),
        Identifier("edc_oid", "ONC101(Prod)", "EDC"),
    ]
    study = Shown(ids=numbers, key=study_key)
    fields = {
        "state": "enrolled", "state_native": "ON STUDY", "subject_number": "S-0007",
        "consented_on": "2026-02-27", "registered_at": "2026-03-01T08:30Z[+01:00]",
        "enrolled_on": "2026-03-01",
    }  # fmt: skip
    arm = Shown({"arm_assigned": "ZZARM"})
    refs = {"participant": participant, "study": study, "EnrollmentArm": arm}
    number = Identifier("subject_number", "S-0007", "urn:x:onc101")
    return Shown(fields | changes, refs, [number], key=key)


def say(name, view):
    mapping = outbound(LIBRARY.outbound[name], Setting(codes=CODES))
    return mapping.render(view, delivery_id="D1", now=NOW)


def wants(name, view, before):
    return outbound(LIBRARY.outbound[name], Setting(codes=CODES)).wants(view, before)


def test_a_hospital_is_told_of_a_subject_on_a_study():
    delivery = say("hl7v2/enrolled", enrollment())

    lines = delivery.body.decode().split("\r")
    assert [line[:3] for line in lines] == ["MSH", "PID", "CSR", ""]
    assert "CRM^C01^CRM_C01|D1|P|2.5.1" in lines[0]
    assert lines[1] == "PID|1||40000037^^^CEDARMESA^MR||O'NEIL \\T\\ SONS^ADA||197003"
    assert lines[2] == (
        "CSR|ONC-101^CEDARMESA|STUDY00000123||S-0007^^^ONC-101||202603010930+0100|||20260227"
    )


def test_a_hospital_is_told_when_a_subject_leaves():
    left = enrollment(state="withdrawn", off_study_on="2026-04-02", off_reason="withdrew_consent")

    lines = say("hl7v2/off-study", left).body.decode().split("\r")

    assert "CRM^C04^CRM_C01" in lines[0]
    assert lines[2].split("|")[15:] == ["20260402", "^withdrew_consent"]


@pytest.mark.parametrize(
    ("name", "state", "wanted"),
    [
        ("hl7v2/enrolled", "consented", True),
        ("hl7v2/enrolled", "screening", False),
        ("hl7v2/enrolled", "entered_in_error", False),
        ("hl7v2/off-study", "off_study", True),
        ("hl7v2/off-study", "on_treatment", False),
        ("fhir/research-subject", "consented", False),
        ("fhir/research-subject", "withdrawn", True),
        ("files/enrollments", "screening", True),
    ],
)
def test_a_target_is_told_of_the_changes_it_asked_for(name, state, wanted):
    before = enrollment(state="potential")

    assert wants(name, enrollment(state=state), before) is wanted


def test_nobody_is_told_again_of_what_did_not_change():
    for name in LIBRARY.outbound:
        assert not wants(name, enrollment(), enrollment()), name


def test_a_message_waits_for_what_its_target_must_recognise():
    assert isinstance(say("hl7v2/enrolled", enrollment(subject_number=None)), Wait)
    assert isinstance(say("fhir/research-subject", enrollment(study_key=None)), Wait)


def test_a_fhir_server_updates_the_one_subject_with_this_number():
    delivery = say("fhir/research-subject", enrollment())

    assert delivery.stream == "ResearchSubject"
    assert delivery.target == {
        "method": "update", "type": "ResearchSubject", "identifier": "urn:x:onc101|S-0007",
    }  # fmt: skip
    assert orjson.loads(delivery.body) == {
        "resourceType": "ResearchSubject",
        "identifier": [{"system": "urn:x:onc101", "value": "S-0007"}],
        "status": "on-study",
        "period": {"start": "2026-03-01"},
        "study": {"reference": "ResearchStudy/onc101"},
        "individual": {"reference": "Patient/pat-1"},
    }


def test_a_fhir_server_that_knows_the_subject_is_told_its_id():
    delivery = say("fhir/research-subject", enrollment(key="rs1"))

    assert delivery.target["id"] == "rs1"
    assert orjson.loads(delivery.body)["id"] == "rs1"


def test_every_state_that_is_said_in_fhir_has_a_word_there():
    [state] = [c for c in LIBRARY.outbound["fhir/research-subject"].when if c.field == "state"]

    assert state.values <= set(STATES)
    for one in sorted(state.values):
        status = orjson.loads(say("fhir/research-subject", enrollment(state=one)).body)["status"]
        assert status in CODES.get("researchsubject-status").meanings("")


def test_a_table_has_one_row_a_change():
    delivery = say("files/enrollments", enrollment())

    assert read_row(delivery.body) == {
        "protocol": "ONC-101", "nct": "NCT99000101", "subject_number": "S-0007",
        "state": "enrolled", "state_at_source": "ON STUDY", "consented_on": "2026-02-27",
        "enrolled_on": "2026-03-01", "off_study_on": "",
    }  # fmt: skip


def test_an_edc_is_told_that_there_is_a_subject():
    delivery = say("odm/subject", enrollment())

    assert delivery.stream == "subjects"
    assert orjson.loads(delivery.body) == {
        "study": "ONC101(Prod)", "metadata": "1", "subject": "S-0007", "change": "Upsert",
    }  # fmt: skip
    assert odm_write.read(delivery.body).subject == "S-0007"


def test_no_target_is_ever_told_the_arm():
    speaking = [n for n, one in LIBRARY.outbound.items() if one.entity == "Enrollment"]
    assert len(speaking) >= 4
    for name in speaking:
        assert b"ZZARM" not in say(name, enrollment()).body, name
