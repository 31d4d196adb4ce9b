"""The subjects of the one planted study whose data are captured in an EDC of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crohub.sandbox.people import Employee, Patient
from crohub.sandbox.studies import Study
from crohub.sandbox.world import Subject

Words = Iterator[tuple[str, str, dict[str, Any]]]
GROUPS = {"loc-main": "main", "loc-north": "north"}  # data access groups, by site


def study(of: Study, staff: Mapping[str, Employee]) -> Words:
    """The project's users."""
    for who in (of.investigator, of.coordinator):
        yield "edc/users", who, user(staff[who])


def user(one: Employee) -> dict[str, Any]:
    """Somebody who may enter data."""
    return {"username": one.id.lower(), "firstname": one.given, "lastname": one.family,
            "email": one.email, "expiration": ""}  # fmt: skip


def subject(of: Study, one: Subject, who: Patient) -> Words:
    """The first event of a record: consent, enrolment, the beginning of treatment."""
    yield "edc/records", f"{of.number} {one.number}", {
        "record_id": f"{of.number[4:]}-{one.number[2:]}",
        "redcap_event_name": f"{of.visits[0].code.lower()}_arm_1",
        "redcap_data_access_group": GROUPS[one.site],
        "subject_no": one.number, "mrn": one.mrn, "sex": who.sex,
        "birth_date": who.born.isoformat(), "icf_date": f"{one.consented_on}",
        "icf_version": one.form, "icf_obtained_by": one.obtained_by.lower(), "eligible": "1",
        "enrollment_date": f"{one.enrolled_on}", "treatment_start_date": f"{one.since}",
    }  # fmt: skip
