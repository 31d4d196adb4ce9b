"""Planted studies and their subjects as the CTMS tells them, under OnCore's own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crohub.sandbox.oncore_records import contact, contact_id
from crohub.sandbox.people import Employee, Patient
from crohub.sandbox.plants.trials import TRIALS
from crohub.sandbox.studies import Site, Study
from crohub.sandbox.world import Subject

Words = Iterator[tuple[str, str, dict[str, Any]]]
INSTITUTIONS = {"loc-main": "org-main", "loc-north": "org-north"}  # by site
_PROTOCOL_STATUS = {"active": "OPEN TO ACCRUAL", "closed-to-accrual": "CLOSED TO ACCRUAL"}
_GENDER = {"F": "Female", "M": "Male"}


def protocol_id(study: Study) -> int:
    """OnCore's number of a planted study."""
    return 5000 + 100 * TRIALS.index(study)


def subject_id(study: Study, one: Subject) -> int:
    """OnCore's number of one of their subjects."""
    return 80_000 + protocol_id(study) + int(one.number[2:])


def study(of: Study, staff: Mapping[str, Employee]) -> Words:
    """A protocol that is open to accrual, with its sites, calendar and staff."""
    number = protocol_id(of)
    yield "ctms/protocols", of.number, {
        "protocolId": number, "protocolNo": of.number, "shortTitle": of.title, "title": of.title,
        "nctNo": of.nct, "sponsorProtocolNo": of.number, "protocolType": "Treatment",
        "protocolStatus": _PROTOCOL_STATUS[of.status],
    }  # fmt: skip
    yield "ctms/protocolManagementDetails", of.number, {"protocolId": number, "irbNo": of.irb}
    for place, site in enumerate(of.sites):
        yield "ctms/protocolInstitutions", f"{of.number} {site.number}", {
            "protocolInstitutionId": number + 50 + place, "protocolId": number,
            "institution": INSTITUTIONS[site.key],
        }  # fmt: skip
    for place, visit in enumerate(of.visits, 1):
        yield "ctms/protocolCalendarVisits", f"{of.number} {visit.code}", {
            "calendarVisitId": visit_id(of, visit.code), "protocolId": number,
            "visitName": visit.name, "sequence": place, "plannedDay": visit.day,
            "windowBefore": visit.before, "windowAfter": visit.after, "calendarVersion": "1",
            "visitOid": f"{of.number}-{visit.code}",
        }  # fmt: skip
    posts = (("Principal Investigator", of.investigator), ("Research Coordinator", of.coordinator))
    for role, who in posts:
        yield from post(of, staff[who], role, number * 10 + (role[0] == "P"))


def post(of: Study, one: Employee, role: str, number: int) -> Words:
    """Somebody's part in a study, from its beginning on."""
    yield "ctms/contacts", one.id, contact(one)
    yield "ctms/protocolStaff", f"{of.number} {one.id}", {
        "protocolStaffId": number, "protocolId": protocol_id(of), "contactId": contact_id(one.id),
        "role": role, "startDate": of.started.isoformat(), "stopDate": None,
    }  # fmt: skip


def subject(of: Study, one: Subject, who: Patient) -> Words:
    """A subject who is on treatment."""
    name = f"{of.number} {one.number}"
    yield "ctms/subjectDemographics", name, {
        "subjectDemographicsId": int(one.mrn), "mrn": one.mrn, "lastName": who.family,
        "firstName": who.given, "gender": _GENDER[who.sex], "birthDate": who.born.isoformat(),
        "addressLine1": who.street, "city": who.town, "state": "AZ", "zip": who.postcode,
        "expiredDate": None,
    }  # fmt: skip
    yield "ctms/protocolSubjects", name, {
        "protocolSubjectId": subject_id(of, one), "protocolId": protocol_id(of),
        "subjectDemographicsId": int(one.mrn), "studySite": INSTITUTIONS[one.site],
        "sequenceNo": one.number, "status": "ON TREATMENT", "consentDate": _iso(one.consented_on),
        "onStudyDate": _iso(one.enrolled_on), "onTreatmentDate": _iso(one.since),
        "offStudyDate": None,
    }  # fmt: skip


def visit(of: Study, one: Subject, code: str, planned: str, done: str | None) -> Words:
    """A visit of a subject's calendar: planned for a day, and done on another where it is."""
    plan = next(visit for visit in of.visits if visit.code == code)
    yield "ctms/protocolSubjectVisits", f"{of.number} {one.number} {code}", {
        "protocolSubjectVisitId": 10 * subject_id(of, one) + of.visits.index(plan),
        "protocolId": protocol_id(of), "protocolSubjectId": subject_id(of, one),
        "subjectDemographicsId": int(one.mrn), "calendarVisitId": visit_id(of, code),
        "visitName": plan.name, "visitStatus": "Occurred" if done else "Planned",
        "plannedDate": planned, "visitDate": done,
        "appointmentNo": f"{of.number} {one.number} {code}",
    }  # fmt: skip


def visit_id(of: Study, code: str) -> int:
    """OnCore's number of a visit of a study's calendar."""
    return protocol_id(of) + 1 + [visit.code for visit in of.visits].index(code)


def site_of(of: Study, one: Subject) -> Site:
    """The site a subject belongs to."""
    return next(site for site in of.sites if site.key == one.site)


def _iso(on: Any) -> str | None:  # noqa: ANN401 - a date or none
    return on.isoformat() if on else None
