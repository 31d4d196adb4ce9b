"""A participant's scheduled visit as Appointment. Visits that are only due by a protocol are none;
when and whether one took place is its status."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param
from crohub.fhir.scene import (
    Json,
    Scene,
    absent,
    concept,
    has_clock,
    of_study,
    person,
    reference,
    required,
    status,
    time,
)
from hub.query import Condition
from hub.render import Record

_TABLE = "visit-status-to-fhir"


def write(record: Record, scene: Scene) -> Json:
    """Study and enrollment are supporting information, as the hub sends them to others."""
    named = (reference(record["study"]), reference(record["enrollment"]))
    kind, why = concept(record["visit_type"]), concept(record["reason"])
    made: Json = {
        "extension": of_study(record),
        "identifier": scene.identifiers(record),
        "supportingInformation": [one for one in named if one],
        "participant": _participants(record),
    }
    said = scene.codes.says(_TABLE, record["status"])
    status(made, "status", said, record["status"], record["status_native"])
    made |= _when(record)
    if scene.r5:
        made["subject"] = person(record)
        made["serviceType"] = [{"concept": kind}] if kind else []
        return made | {"reason": [{"concept": why}] if why else []}
    return made | {"serviceType": [kind] if kind else [], "reasonCode": [why] if why else []}


def _participants(record: Record) -> list[Json]:
    place = reference(record["location"])
    taking = [required(person(record)), *([place] if place else [])]
    return [{"actor": one, "status": "accepted"} for one in taking]


def _when(record: Record) -> Json:
    """FHIR wants both ends or none, to the second: what was not said is said to be unknown. A day
    without a time of day is the day that was asked for."""
    start, end = record["scheduled_at"], record["scheduled_end_at"]
    if not has_clock(start):
        return {"requestedPeriod": [{"start": start}] if start else []}
    made: Json = {"start": time(start)}
    return made | ({"end": time(end)} if has_clock(end) else {"_end": absent()})


KIND = Kind(
    type="Appointment",
    entity="ParticipantVisit",
    says="a participant's visit that was scheduled",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="number of the appointment: personal"),
        Param(name="patient", search="reference", field="participant", target="Patient",
              says="the person"),
        Param(name="location", search="reference", field="location", target="Location",
              says="where"),
        Param(name="status", search="token", field="status", table=_TABLE, says="the status"),
        Param(name="date", search="date", field="scheduled_at", says="when it starts"),
        Param(name="study", search="reference", field="study", target="ResearchStudy", own=True,
              says="the study it is for"),
        Param(name="subject", search="reference", field="participant", target="Patient",
              says="the person", versions=("R5",)),
        Param(name="research-subject", search="reference", field="enrollment",
              target="ResearchSubject", own=True, says="the enrollment it is for"),
    ),
    only=(Condition("scheduled_at", "instant", "missing", value=False),),
    dates=("scheduled_at",),
)  # fmt: skip
