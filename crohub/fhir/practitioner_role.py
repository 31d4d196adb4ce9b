"""A person's role on a study, at a site or in an organization as PractitionerRole."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param
from crohub.fhir.scene import (
    CANONICAL,
    NATIVE,
    Json,
    Scene,
    concept,
    of_study,
    own,
    period,
    reference,
)
from hub.query import Condition
from hub.render import Record

_ROLES = "http://terminology.hl7.org/CodeSystem/practitioner-role"


def write(record: Record, scene: Scene) -> Json:
    """FHIR says of a role only whether it is in use: the canonical status stands beside that."""
    role = record["role"]
    known = scene.codes.native("practitioner-role", role) if role != "other" else None
    place = reference(record["location"])
    beside = [{"url": CANONICAL, "valueCode": record["status"]}] if record["status"] else []
    if record["status_native"]:
        beside.append({"url": NATIVE, "valueString": record["status_native"]})
    text = record["role_native"] or role
    code = concept(text, (_ROLES, known), own("StaffAssignment.role", role))
    return {
        "extension": of_study(record),
        "identifier": scene.identifiers(record),
        "active": {"active": True, "ended": False}.get(record["status"] or ""),
        "_active": {"extension": beside},
        "period": period(record["start_on"], record["end_on"]),
        "practitioner": reference(record["person"]),
        "organization": reference(record["organization"]),
        "code": [code] if code else [],
        "location": [place] if place else [],
    }


KIND = Kind(
    type="PractitionerRole",
    entity="StaffAssignment",
    says="a person's role on a study, at a site or in an organization",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="a system's number of the role"),
        Param(name="practitioner", search="reference", field="person", target="Practitioner",
              says="who"),
        Param(name="organization", search="reference", field="organization",
              target="Organization", says="for whom"),
        Param(name="location", search="reference", field="location", target="Location",
              says="where"),
        Param(name="role", search="token", field="role", says="the canonical role, such as pi"),
        Param(name="date", search="date", field="start_on", says="when the role began"),
        Param(name="study", search="reference", field="study", target="ResearchStudy", own=True,
              says="on which study"),
    ),
    only=(Condition("status", "code", "not", "entered_in_error"),),
    dates=("start_on",),
)  # fmt: skip
