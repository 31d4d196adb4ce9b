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

SEVENTH, EIGHTH = "2026-03-07T07:30Z[-05:00]", "2026-03-08T07:30Z[-05:00]"
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

    def referring(self, entity, field, having=None):
        return [self]

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
    ("name", "state", "event", "tail"),
    [
        ("cancelled", "entered_in_error", "C02", None),
        ("registration", "randomised", "C03", "|20260227|Y|20260303"),
        ("screening", "screening", "C05", "CSP|SCREENING|20260227"),
        ("on-treatment", "on_treatment", "C05", "CSP|TREATMENT|20260305"),
        ("end-of-treatment", "end_of_treatment", "C08", "CSP|TREATMENT|20260305|20260401"),
        ("follow-up", "follow_up", "C05", "CSP|FOLLOW-UP|20260401"),
        ("screen-failed", "screen_failed", "C04", "|20260227|N|||||20260227|INELIGIBLE"),
    ],
)
def test_a_hospital_is_told_of_every_step_on_a_study(name, state, event, tail):
    subject = enrollment(
        state=state, eligible=True, randomised_on="2026-03-03", on_treatment_on="2026-03-05",
        off_treatment_on="2026-04-01",
    )  # fmt: skip
    lines = say(f"hl7v2/{name}", subject).body.decode().rstrip("\r").split("\r")

    assert f"CRM^{event}^CRM_C01" in lines[0]
    assert lines[2].startswith("CSR|ONC-101^CEDARMESA|")
    assert tail is None or lines[-1].endswith(tail)
    wanting = {
        one for one in LIBRARY.outbound
        if one.startswith("hl7v2/") and LIBRARY.outbound[one].entity == "Enrollment"
        and wants(one, subject, enrollment(state="potential"))
    }  # fmt: skip
    assert wanting == {f"hl7v2/{name}", "hl7v2/subject-status"}


CSR = "CSR|ONC-101^CEDARMESA|STUDY00000123||S-0007^^^ONC-101||202603010930+0100|||20260227"


@pytest.mark.parametrize(
    ("state", "event", "rest"),
    [
        ("consented", "C01", ["||20260303"]),
        ("screening", "C05", ["||20260303", "CSP|SCREENING|20260228"]),
        ("eligible", "C03", ["|Y|20260303"]),
        ("enrolled", "C01", ["||20260303"]),
        ("randomised", "C03", ["|Y|20260303"]),
        ("on_treatment", "C05", ["||20260303", "CSP|TREATMENT|20260305"]),
        ("end_of_treatment", "C08", ["||20260303", "CSP|TREATMENT|20260305|20260401"]),
        ("follow_up", "C05", ["||20260303", "CSP|FOLLOW-UP|20260401"]),
        ("screen_failed", "C04", ["|N|20260303||||20260402|INELIGIBLE"]),
        ("withdrawn", "C04", ["||20260303||||20260402|WITHDRAWN"]),
        ("off_study", "C04", ["||20260303||||20260402"]),
        ("completed", "C04", ["||20260303||||20260402|COMPLETED"]),
        ("lost_to_follow_up", "C04", ["||20260303||||20260402|LOST"]),
        ("died", "C04", ["||20260303||||20260403|DIED"]),
        ("transferred", "C04", ["||20260303||||20260402|TRANSFERRED"]),
        ("entered_in_error", "C02", ["||20260303"]),
    ],
)
def test_one_mapping_tells_every_state_from_consent_on(state, event, rest):
    subject = enrollment(
        state=state, screened_on="2026-02-28", randomised_on="2026-03-03",
        on_treatment_on="2026-03-05", off_treatment_on="2026-04-01", off_study_on="2026-04-02",
        died_on="2026-04-03",
    )  # fmt: skip

    lines = say("hl7v2/subject-status", subject).body.decode().rstrip("\r").split("\r")

    assert f"CRM^{event}^CRM_C01" in lines[0]
    assert [lines[2].removeprefix(CSR), *lines[3:]] == rest
    assert wants("hl7v2/subject-status", subject, enrollment(state="prescreened"))


def test_every_state_but_those_before_consent_is_told():
    told = {state for state in STATES if wants(
        "hl7v2/subject-status", enrollment(state=state), enrollment(state="none"))}  # fmt: skip

    assert set(STATES) - told == {"potential", "prescreened"}


def test_a_subject_who_never_consented_is_none_that_billing_was_told_of():
    failed = enrollment(state="screen_failed", consented_on=None)

    assert isinstance(say("hl7v2/screen-failed", failed), Wait)


def test_who_a_participant_is_is_told_where_it_is_wanted():
    mrn = Identifier("mrn", "40000037", "CEDARMESA")
    phi = Shown(
        {"family_name": "O'NEIL", "given_name": "ADA", "birth_date": "1970-03-02",
         "address_lines": ["1 Main St", "Apt 2"], "city": "PROVO", "phone": "801-555-0100"},
        {"Participant": Shown({"sex": "female", "language": "en"}, ids=[mrn])},
    )  # fmt: skip

    for name, event in (("patient", "A08"), ("person", "A31")):
        lines = say(f"hl7v2/demographics-{name}", phi).body.decode().split("\r")
        assert f"ADT^{event}^" in lines[0]
        assert lines[1] == f"EVN|{event}|{NOW:%Y%m%d%H%M%S%z}"
        assert lines[2] == (
            "PID|1||40000037^^^CEDARMESA^MR||O'NEIL^ADA||19700302|F|||1 Main St^Apt 2^PROVO||"
            "801-555-0100||en"
        )
        assert lines[3] == "PV1||N"
        assert wants(f"hl7v2/demographics-{name}", phi, phi)
        assert not wants(f"hl7v2/demographics-{name}", Shown(), None)


@pytest.mark.parametrize(
    ("name", "event", "before", "after"),
    [
        ("booked", "S12", ("projected", EIGHTH), ("scheduled", EIGHTH)),
        ("booked", "S12", None, ("scheduled", EIGHTH)),
        ("moved", "S13", ("scheduled", SEVENTH), ("scheduled", EIGHTH)),
        ("visit-cancelled", "S15", ("scheduled", EIGHTH),
         ("cancelled", EIGHTH)),
    ],
)  # fmt: skip
def test_a_scheduling_system_is_told_once_of_each_change(name, event, before, after):
    mrn = Identifier("mrn", "40000037", "CEDARMESA")
    refs = {"participant": Shown(ids=[mrn])}

    def visit(said):
        fields = {"status": said[0], "scheduled_at": said[1], "visit_type": "Cycle 1 Day 1"}
        return said and Shown(fields, refs, [Identifier("appointment_no", "77", "CAD")])

    now, then = visit(after), before and visit(before)
    lines = say(f"hl7v2/{name}", now).body.decode().split("\r")

    assert f"SIU^{event}^SIU_S12" in lines[0]
    assert lines[1].startswith("SCH|0198-1^CROHUB|77^CAD||||")
    assert "^Cycle 1 Day 1" in lines[1]
    told = [
        one for one in ("booked", "moved", "visit-cancelled") if wants(f"hl7v2/{one}", now, then)
    ]
    assert told == [name]


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
    told = [name for name, one in LIBRARY.outbound.items() if one.entity == "Enrollment"]
    assert len(told) >= 6
    for name in told:
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
        assert b"ZZARM" not in say(name, enrollment(key="901")).body, name
