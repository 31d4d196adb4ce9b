"""Study ONC-101 as its EDC project holds it: subjects under their record numbers, with their MRN.

The project hears of what a subject's state says, not of merges: who turned out to be one person
stays two records.
"""

from __future__ import annotations

from collections.abc import Iterable

from crohub.sandbox.news import News
from crohub.sandbox.planted import person
from crohub.sandbox.plants.trials import CAPTURED
from crohub.sandbox.redcap import Project, Row, dictionary
from crohub.sandbox.studies import STUDIES, Study
from crohub.sandbox.world import Subject, World

STUDY = "onc101"
TOKEN = "5D2F0C1B9A7E4D6388F0A1B2C3D4E5F6"  # noqa: S105 - of nobody
_FIELDS = (
    ("record_id", "enrolment", ""), ("hub_id", "enrolment", ""), ("subject_no", "enrolment", ""),
    ("ctms_no", "enrolment", ""), ("enrolled", "enrolment", ""),
    ("mrn", "enrolment", ""), ("sex", "enrolment", ""), ("birth_date", "enrolment", "date_ymd"),
    ("icf_date", "enrolment", "date_ymd"), ("icf_version", "enrolment", ""),
    ("icf_obtained_by", "enrolment", ""), ("icf_withdrawn_date", "enrolment", "date_ymd"),
    ("screen_failed", "enrolment", ""), ("eligible", "enrolment", ""),
    ("enrollment_date", "enrolment", "date_ymd"), ("treatment_start_date", "enrolment", "date_ymd"),
    ("completion_date", "enrolment", "date_ymd"), ("withdrawal_date", "enrolment", "date_ymd"),
    ("visit_date", "visit", "date_ymd"),
)  # fmt: skip


def project() -> Project:
    """The project with its events and users, and no record yet."""
    study = _study()
    return Project(
        id=4101, title=study.title, tokens={TOKEN: "hub"}, fields=dictionary(_FIELDS),
        events=[_event(study, visit.code, visit.name, visit.day) for visit in study.visits],
        arms=[{"arm_num": "1", "name": "Arm 1"}], timezone="America/Phoenix",
        about={"project_irb_number": study.irb},
    )  # fmt: skip


def captured() -> Project:
    """The project of the planted study whose data are captured by an EDC of its own."""
    study = CAPTURED
    return Project(
        id=5101, title=study.title, tokens={TOKEN: "hub"}, fields=dictionary(_FIELDS),
        events=[_event(study, visit.code, visit.name, visit.day) for visit in study.visits],
        arms=[{"arm_num": "1", "name": "Arm 1"}], timezone="America/Phoenix",
        dags=[{"data_access_group_name": name.capitalize(), "unique_group_name": name}
              for name in ("main", "north")],
        about={"project_irb_number": study.irb},
    )  # fmt: skip


def fill(project: Project, world: World, news: News) -> None:
    """Brings the project to where the world is: only what is new is written."""
    project.users[:] = [_user(world, key) for key in _users(world)]
    for one in world.subjects.values():
        if one.study == STUDY and one.number:
            _put(project, _head(world, one), news)
    # of a visit that took place twice, the EDC has the later day
    days = {(b.subject, b.visit): stay.began.date() for b, stay in world.attended}
    for (who, visit), day in days.items():
        one = world.subjects[who]
        if one.study == STUDY:
            _put(project, _key(one, visit) | {"visit_date": day.isoformat()}, news)


def _put(project: Project, row: Row, news: News) -> None:
    # the first event's row and its visit are told apart: each says a part of one row
    if news.is_new(row, row["record_id"], row["redcap_event_name"], *sorted(row)):
        project.put(row)


def _head(world: World, one: Subject) -> Row:
    """What the first event of a record says; a birth date of which only the year is known is
    none."""
    who = person(world, one.mrn)
    born = "" if who.year_only else who.born.isoformat()
    return _key(one, _study().visits[0].code) | {
        "subject_no": one.number,
        "mrn": one.mrn,
        "sex": who.sex,
        "birth_date": born,
        "icf_date": one.consented_on.isoformat() if one.consented_on else "",
        "icf_version": one.form,
        "icf_obtained_by": one.obtained_by.lower(),
        **_steps(one),
    }


def _steps(one: Subject) -> Row:
    since = one.since.isoformat()
    steps = {"enrollment_date": one.enrolled_on.isoformat()} if one.enrolled_on else {}
    if one.state == "ineligible":
        steps["screen_failed"] = "1"
    elif one.state == "eligible" or one.enrolled_on:
        steps["eligible"] = "1"
    named = {"on-study-intervention": "treatment_start_date", "off-study": "completion_date",
             "withdrawn": "withdrawal_date"}  # fmt: skip
    if one.state in named:
        steps[named[one.state]] = since
    if one.state == "withdrawn":
        steps["icf_withdrawn_date"] = since
    return steps


def _key(one: Subject, visit: str) -> Row:
    return {"record_id": f"101-{one.number[2:]}", "redcap_event_name": _name(visit)}


def _name(visit: str) -> str:
    return f"{visit.lower()}_arm_1"


def _event(study: Study, code: str, name: str, day: int) -> Row:
    visit = next(one for one in study.visits if one.code == code)
    return {
        "event_name": name, "arm_num": "1", "unique_event_name": _name(code),
        "day_offset": str(day), "offset_min": str(visit.before), "offset_max": str(visit.after),
    }  # fmt: skip


def _users(world: World) -> Iterable[str]:
    study = _study()
    mine = [one for one in world.subjects.values() if one.study == STUDY and one.obtained_by]
    named = (study.investigator, study.coordinator, *(one.obtained_by for one in mine))
    return dict.fromkeys(named)


def _user(world: World, key: str) -> Row:
    one = world.employees[key]
    return {"username": key.lower(), "firstname": one.given, "lastname": one.family,
            "email": one.email, "expiration": ""}  # fmt: skip


def _study() -> Study:
    return next(study for study in STUDIES if study.key == STUDY)
