"""The packaged REDCap mappings: a project's names are parameters; what goes out comes back."""

from dataclasses import dataclass, field

import orjson
import pytest

from hub.statement import Identifier
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.mistakes import MappingErrors
from mappings.outbound import Wait, outbound
from mappings.plain import plain_meaning
from mappings.setting import Context, Setting

CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)
ALL = [name for name in LIBRARY.inbound if name.startswith("redcap/")]
RECORD = ["redcap/participant", "redcap/enrollment", "redcap/consent", "redcap/visit"]


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


def enrollment(key=None, study="project", state="enrolled"):
    fields = {"state": state, "consented_on": "2026-02-28", "enrolled_on": "2026-03-04"}
    refs = {"study": Shown(key=study), "study_site": Shown(key="uh")}
    refs["EnrollmentArm"] = Shown({"arm_assigned": "ZZARM"})
    return Shown(fields, refs, [Identifier("registration_no", "CT-88", "CTMS")], key)


def say(view, **parameters):
    context = Context(parameters=parameters)
    mapping = LIBRARY.outgoing("redcap/subject", context)
    return outbound(mapping, Setting(codes=CODES)).render(view, delivery_id="D1", now=None)


def mean(record, rows, names=RECORD, **parameters):
    reader = LIBRARY.reader(names, Context(parameters=parameters))
    body = orjson.dumps(rows)
    found = plain_meaning(reader(record(body, media="application/json")))["statements"]
    return {f"{one['stated']} {one['key']}": one["fields"] for one in found}


def test_a_project_with_names_of_its_own_is_a_matter_of_parameters(record):
    row = {"subjid": "101", "redcap_event_name": "scr_arm_1", "dsstdat_ic": "2026-02-27"}
    then = {"subjid": "101", "redcap_event_name": "c1_arm_1", "c1d1": "2026-03-05"}
    rows = [row | {"svdat": ""}, then | {"rand_dt": "2026-03-04"}]

    said = mean(
        record, rows, record_id="subjid", subject_number="subjid", consent_date="dsstdat_ic",
        randomised_date="rand_dt", visit_date="svdat, c1d1",
    )  # fmt: skip

    assert said["Enrollment 101"]["state"] == "randomised"
    assert said["Enrollment 101"]["consented_on"] == "2026-02-27"
    assert said["Consent 101"]["signed_at"] == "2026-02-27"
    assert "actual_on" not in said["ParticipantVisit 101|scr_arm_1"]
    assert said["ParticipantVisit 101|c1_arm_1"]["actual_on"] == "2026-03-05"


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, None),
        ({"screen_failed": "0", "enrolled": "0"}, None),
        ({"icf_date": "2026-01-01"}, "consented"),
        ({"icf_date": "2026-01-01", "screening_date": "2026-01-02"}, "screening"),
        ({"screening_date": "2026-01-02", "screen_failed": "1"}, "screen_failed"),
        ({"screen_failed": "1", "enrolled": "1"}, "enrolled"),
        ({"enrolled": "1", "treatment_start_date": "2026-01-09"}, "on_treatment"),
        ({"completion_date": "2026-06-01", "treatment_end_date": "2026-05-01"}, "completed"),
        ({"completion_date": "2026-06-01", "death_date": "2026-07-01"}, "died"),
    ],
)
def test_a_state_is_the_furthest_step_that_any_row_tells(record, values, state):
    rows = [{"record_id": "1", name: value} for name, value in values.items()]

    said = mean(record, rows or [{"record_id": "1"}])

    assert said["Enrollment 1"].get("state") == state


def test_a_site_sets_only_what_some_mapping_declares():
    with pytest.raises(MappingErrors, match="consent_day"):
        LIBRARY.reader(RECORD, Context(parameters={"consent_day": "x"}))


def test_the_streams_of_a_project_do_not_speak_for_each_other(record):
    user = {"username": "mlopez", "firstname": "Maria", "lastname": "Lopez"}
    event = {"unique_event_name": "scr_arm_1", "event_name": "Screening"}
    form = {"unique_event_name": "scr_arm_1", "form": "screening", "arm_num": 1}

    assert mean(record, user, ALL).keys() == {"Person mlopez", "StaffAssignment mlopez"}
    assert mean(record, event, ALL).keys() == {"VisitDef scr_arm_1"}
    assert mean(record, form, ALL) == {}


def test_a_participant_on_study_is_registered_without_the_arm():
    delivery = say(enrollment())

    assert delivery.target == {"id": "0198-1"}
    assert orjson.loads(delivery.body) == [{
        "redcap_data_access_group": "uh", "ctms_no": "CT-88", "icf_date": "2026-02-28",
        "enrolled": "1", "enrollment_date": "2026-03-04",
    }]  # fmt: skip
    assert b"ZZARM" not in delivery.body


def test_a_participant_whom_redcap_knows_is_named_in_the_projects_own_words():
    delivery = say(enrollment(key="7"), record_id="subjid", consent_date="dsstdat_ic")

    assert delivery.target == {"record": "7", "id": "0198-1"}
    (row,) = orjson.loads(delivery.body)
    assert (row["subjid"], row["dsstdat_ic"]) == ("7", "2026-02-28")


def test_nobody_is_registered_in_the_project_of_another_study():
    assert isinstance(say(enrollment(study=None)), Wait)


@pytest.mark.parametrize(
    ("state", "wanted"),
    [("consented", False), ("enrolled", True), ("withdrawn", False)],
)
def test_only_who_is_on_study_is_registered(state, wanted):
    mapping = outbound(LIBRARY.outbound["redcap/subject"], Setting(codes=CODES))

    assert mapping.wants(enrollment(state=state), enrollment(state="screening")) is wanted


def test_what_goes_out_comes_back_as_the_same_enrollment(record):
    said = mean(record, orjson.loads(say(enrollment(key="7")).body))

    assert said["Enrollment 7"]["state"] == "enrolled"
    assert said["Enrollment 7"]["enrolled_on"] == "2026-03-04"
    assert said["Enrollment 7"]["study"]["key"] == "project"
