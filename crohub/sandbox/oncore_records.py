"""The four studies as the institution's CTMS holds them, under OnCore's own numbers.

What the world does not change stands from the start; subjects and visits follow the world. What
others wrote into a row stays, where the world says nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain

from crohub.sandbox.news import News
from crohub.sandbox.oncore import TABLES, OncoreState, Row
from crohub.sandbox.people import Employee
from crohub.sandbox.planted import person
from crohub.sandbox.recruitment import ACTIVE
from crohub.sandbox.studies import STUDIES, Study, Visit
from crohub.sandbox.world import Subject, World, study_of

INSTITUTION = "org-cedar"
_STATUS = {
    "screening": "SCREENING", "eligible": "ELIGIBLE",
    "ineligible": "NOT ELIGIBLE", "on-study": "ON STUDY", "on-study-intervention": "ON TREATMENT",
    "off-study": "OFF STUDY", "withdrawn": "WITHDRAWN",
}  # fmt: skip
_PROTOCOL_STATUS = {"active": "OPEN TO ACCRUAL", "closed-to-accrual": "CLOSED TO ACCRUAL"}
_PROTOCOL_TYPE = {"onc101": "Treatment", "car204": "Treatment", "end310": "Registry"}
_GENDER = {"F": "Female", "M": "Male"}


def state() -> OncoreState:
    """An OnCore without a row."""
    return OncoreState()


def fill(oncore: OncoreState, world: World, news: News) -> None:
    """Brings the CTMS to where the world is: whoever is named by somebody else comes first."""
    for name, row in chain(_standing(world), _subjects(world), _planned(oncore, world)):
        key = str(row[TABLES[name].key])
        if news.is_new(row, name, key):
            oncore.put(name, **oncore.table(name).get(key, {}) | row)


def _standing(world: World) -> Iterator[tuple[str, Row]]:
    for study in STUDIES:
        number = protocol_id(study)
        yield "protocols", _protocol(study)
        yield "protocolManagementDetails", {"protocolId": number, "irbNo": study.irb}
        yield "protocolInstitutions", {
            "protocolInstitutionId": number + 50, "protocolId": number, "institution": INSTITUTION,
        }  # fmt: skip
        for place, visit in enumerate(study.visits, 1):
            yield "protocolCalendarVisits", {
                "calendarVisitId": visit_id(study, visit.code), "protocolId": number,
                "visitName": visit.name, "sequence": place, "plannedDay": visit.day,
                "windowBefore": visit.before, "windowAfter": visit.after, "calendarVersion": "1",
            }  # fmt: skip
        for place, (role, who) in enumerate(_posts(study)):
            yield "contacts", contact(world.employees[who])
            yield "protocolStaff", {
                "protocolStaffId": number * 10 + place, "protocolId": number,
                "contactId": contact_id(who), "role": role,
                "startDate": study.started.isoformat(), "stopDate": None,
            }  # fmt: skip


def _subjects(world: World) -> Iterator[tuple[str, Row]]:
    for one in world.subjects.values():
        if one.number and one.state in _STATUS:  # registered with the consent
            yield "subjectDemographics", _demographics(world, one)
            yield "protocolSubjects", _subject(one)


def _planned(oncore: OncoreState, world: World) -> Iterator[tuple[str, Row]]:
    """The calendars of those on study, from the first day on. Whether somebody came is what the
    hospital knows, and this CTMS is told."""
    visits = oncore.table("protocolSubjectVisits").values()
    known = {(row["protocolSubjectId"], row["calendarVisitId"]) for row in visits}
    for one in world.subjects.values():
        study = study_of(one)
        for place, visit in enumerate(study.visits):
            row = _visit(one, study, visit, 700_000 + 10 * subject_id(one) + place)
            is_known = (row["protocolSubjectId"], row["calendarVisitId"]) in known
            if one.state in ACTIVE and not is_known and _is_ahead(world, one, visit):
                yield "protocolSubjectVisits", row


def _is_ahead(world: World, one: Subject, visit: Visit) -> bool:
    return visit.day >= 0 and bool(one.enrolled_on) and _due(one, visit) >= world.first_day


def _due(one: Subject, visit: Visit) -> date:
    assert one.enrolled_on  # noqa: S101 - asked of those on study only
    return one.enrolled_on + timedelta(days=visit.day)


def _visit(one: Subject, study: Study, visit: Visit, number: int) -> Row:
    planned = _due(one, visit).isoformat() if one.enrolled_on else None
    return {
        "protocolSubjectVisitId": number, "protocolId": protocol_id(study),
        "protocolSubjectId": subject_id(one), "subjectDemographicsId": int(one.mrn),
        "calendarVisitId": visit_id(study, visit.code), "visitName": visit.name,
        "visitStatus": "Planned", "plannedDate": planned, "visitDate": None,
    }  # fmt: skip


def protocol_id(study: Study) -> int:
    """OnCore's number of a study."""
    return 4000 + 100 * STUDIES.index(study)


def subject_id(one: Subject) -> int:
    """OnCore's number of a subject."""
    return 60_000 + int(one.id.rpartition("-")[2])


def _protocol(study: Study) -> Row:
    return {
        "protocolId": protocol_id(study),
        "protocolNo": study.number,
        "shortTitle": study.title,
        "title": study.title,
        "nctNo": study.nct,
        "sponsorProtocolNo": study.number,
        "protocolType": _PROTOCOL_TYPE.get(study.key, "Other"),
        "protocolStatus": _PROTOCOL_STATUS[study.status],
    }


def _posts(study: Study) -> tuple[tuple[str, str], ...]:
    return (
        ("Principal Investigator", study.investigator),
        ("Research Coordinator", study.coordinator),
    )


def contact(one: Employee) -> Row:
    """Somebody on the staff, as OnCore knows them."""
    return {
        "contactId": contact_id(one.id), "firstName": one.given, "lastName": one.family,
        "email": one.email, "employeeNo": one.id, "npi": one.npi, "title": one.job,
    }  # fmt: skip


def contact_id(who: str) -> int:
    """OnCore's number of an employee."""
    return 9000 + int(who[1:])


def _demographics(world: World, one: Subject) -> Row:
    """Known by the number of the MRN, under which this CTMS registers people."""
    who = person(world, one.mrn)
    return {
        "subjectDemographicsId": int(one.mrn), "mrn": one.mrn, "lastName": who.family,
        "firstName": who.given, "gender": _GENDER[who.sex], "birthDate": who.born.isoformat(),
        "addressLine1": who.street, "city": who.town, "state": "AZ", "zip": who.postcode,
        "expiredDate": who.died.isoformat() if who.died else None,
    }  # fmt: skip


def _subject(one: Subject) -> Row:
    ended = one.ended_on.isoformat() if one.ended_on else None
    treated = one.state == "on-study-intervention"
    return {
        "protocolSubjectId": subject_id(one), "protocolId": protocol_id(study_of(one)),
        "subjectDemographicsId": int(one.mrn), "studySite": INSTITUTION,
        "sequenceNo": one.number, "status": _STATUS[one.state],
        "consentDate": one.consented_on.isoformat() if one.consented_on else None,
        "onStudyDate": one.enrolled_on.isoformat() if one.enrolled_on else None,
        "onTreatmentDate": one.since.isoformat() if treated else None,
        "offStudyDate": ended,
    }  # fmt: skip


def visit_id(study: Study, code: str) -> int:
    """OnCore's number of a visit of a study's calendar."""
    codes = [visit.code for visit in study.visits]
    return protocol_id(study) + 1 + codes.index(code)
