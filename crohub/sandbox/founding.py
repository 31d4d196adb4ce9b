"""The institution on the evening before its first day: who is there, who is in which study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from crohub.sandbox import planted, register, resources
from crohub.sandbox.people import Employee, employee, patient
from crohub.sandbox.studies import STUDIES, Study
from crohub.sandbox.world import Resource, Subject, World, dice, study_of

STAFF = 40
# study → (subjects so far, days between two enrolments)
ENROLLED = {"onc101": (44, 1.3), "car204": (25, 1.4), "end310": (40, 1.1), "neu415": (20, 1.5)}


def found(seed: int, first_day: date, *, patients: int = 600, lines: int = 4) -> World:
    """A new world; the same arguments give the same world on every machine."""
    world = World(seed=seed, first_day=first_day, lines=lines)
    rng = dice(world, first_day, "founding")
    for _ in range(patients):
        one = patient(rng, world.number("patient"), born_before=first_day, lines=lines)
        world.patients[one.mrn] = one
    for one_employee in _staff(rng, first_day):
        world.employees[one_employee.id] = one_employee
    candidates = iter(rng.sample(list(world.patients), sum(n for n, _ in ENROLLED.values())))
    for study in STUDIES:
        count, gap = ENROLLED[study.key]
        for place in range(1, count + 1):
            age = timedelta(days=int((count - place) * gap) + 1)
            _enrol(world, rng, study, next(candidates), first_day - age)
    planted.plant(world)
    return world


def holdings(world: World) -> Iterator[Resource]:
    """What the research register holds before the first day, referred-to things first."""
    yield from register.standing()
    for one in world.employees.values():
        yield register.practitioner(one)
        yield register.employment(one)
    for study in STUDIES:
        yield from register.study_roles(study)
    for subject in world.subjects.values():
        study = study_of(subject)
        yield resources.patient(planted.person(world, subject.mrn))
        if subject.consented_on:
            yield resources.consent(subject, study)
        yield resources.subject(planted.registered(world, subject), study)


def _staff(rng: Random, first_day: date) -> Iterator[Employee]:
    fixed = {
        101: "Physician", 102: "Physician", 103: "Physician", 104: "Physician",
        217: "Research Coordinator", 219: "Research Coordinator",
        305: "Research Coordinator", 411: "Research Nurse",
    }  # fmt: skip
    numbers = [*fixed, *range(105, 105 + STAFF - len(fixed))]
    for number in numbers:
        hired = first_day - timedelta(days=rng.randint(90, 4000))
        yield employee(rng, number, hired=hired, job=fixed.get(number, ""))


def _enrol(world: World, rng: Random, study: Study, mrn: str, enrolled_on: date) -> None:
    """Someone who came into the study before the first day, where that has brought them."""
    consented_on = enrolled_on - timedelta(days=rng.randint(1, 9))
    number = f"S-{world.number(f'subject {study.key}'):04d}"
    forms = [version for version, since in study.form if since <= consented_on]
    one = Subject(
        id=f"rs-{study.key}-{world.number('subject'):04d}", study=study.key, mrn=mrn,
        site=rng.choice(study.sites).key, number=number, arm=rng.choice(study.arms),
        form=forms[-1], obtained_by=study.coordinator, consented_on=consented_on,
        enrolled_on=enrolled_on, since=enrolled_on, state="on-study",
    )  # fmt: skip
    days = (world.first_day - enrolled_on).days
    if days > study.visits[-1].day + 1:
        ended = enrolled_on + timedelta(days=study.visits[-1].day)
        one = replace(one, state="off-study", since=ended, ended_on=ended)
    elif days > 1 and any(visit.epoch == "Treatment" for visit in study.visits):
        one = replace(one, state="on-study-intervention", since=enrolled_on + timedelta(days=1))
    world.subjects[one.id] = one
    passed = {v.code for v in study.visits if v.day < days or v.epoch == "Screening"}
    world.planned |= {(one.id, code) for code in passed}
