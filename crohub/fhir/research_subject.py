"""An enrollment as ResearchSubject: its state and, in R5, every state it has had. Never the arm:
to know it is to be unblinded."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param, Part
from crohub.fhir.scene import (
    Json,
    Scene,
    concept,
    own,
    period,
    person,
    reference,
    required,
    status,
    time,
)
from hub.query import Condition
from hub.render import Record

_TABLE = "subject-state-to-fhir"
_STATES = "http://terminology.hl7.org/CodeSystem/research-subject-state"


def write(record: Record, scene: Scene) -> Json:
    """Whoever has been entered in error is no subject: such records are not shown."""
    made: Json = {
        "identifier": scene.identifiers(record),
        "study": required(reference(record["study"])),
        "period": period(record["enrolled_on"], record["off_study_on"]),
    }
    subject = required(person(record, record["subject_number"]))
    if scene.r5:
        return made | {
            "status": "active", "subject": subject, "progress": _progress(record, scene),
        }  # fmt: skip
    made["individual"] = subject
    said = scene.codes.says(_TABLE, record["state"])
    status(made, "status", said, record["state"], record["state_native"])
    return made


def _progress(record: Record, scene: Scene) -> list[Json]:
    periods = [one for one in scene.children("states", record) if one["state"]]
    if periods:
        return [
            _state(scene, one["state"], one["state_native"])
            | {"startDate": time(one["started_on"]), "endDate": time(one["ended_on"]),
               "reason": concept(one["reason"])}
            for one in periods
        ]  # fmt: skip
    return [_state(scene, record["state"], record["state_native"])] if record["state"] else []


def _state(scene: Scene, state: str, native: str | None) -> Json:
    said = (_STATES, scene.codes.says(_TABLE, state))
    return {"subjectState": concept(native or state, said, own("Enrollment.state", state))}


KIND = Kind(
    type="ResearchSubject",
    entity="Enrollment",
    says="one person's part in one study",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="subject number, screening number"),
        Param(name="study", search="reference", field="study", target="ResearchStudy",
              says="the study"),
        Param(name="individual", search="reference", field="participant", target="Patient",
              says="the person", versions=("R4",)),
        Param(name="subject", search="reference", field="participant", target="Patient",
              says="the person", versions=("R5",)),
        Param(name="patient", search="reference", field="participant", target="Patient",
              says="the person"),
        Param(name="status", search="token", field="state", table=_TABLE, versions=("R4",),
              says="how far the subject has come"),
        Param(name="subject_state", search="token", field="state", table=_TABLE,
              versions=("R5",), says="how far the subject has come"),
        Param(name="date", search="date", field="enrolled_on", says="when enrolled"),
    ),
    parts=(Part(name="states", entity="EnrollmentState", by="enrollment", sort="started_on",
                versions=("R5",)),),
    only=(Condition("state", "code", "not", "entered_in_error"),),
    dates=("enrolled_on",),
)  # fmt: skip
