"""How people come into studies and leave them: referral, consent, eligibility, enrolment,
withdrawal. A subject takes at most one step a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from random import Random

from crohub.sandbox import resources
from crohub.sandbox.siu import siu
from crohub.sandbox.studies import STUDIES, Study
from crohub.sandbox.wards import research_mrns
from crohub.sandbox.world import (
    Event,
    Message,
    Resource,
    Subject,
    World,
    dice,
    moment,
    often,
    study_of,
    workday,
)

CONSENTS, DECLINES, JUDGED, ENROLLED = 0.5, 0.06, 0.45, 0.7  # chance a weekday
INELIGIBLE = 0.22  # of those judged
WITHDRAWS = 0.005
ACTIVE = ("on-study", "on-study-intervention")


def recruitment(world: World, today: date) -> Iterator[Event]:
    """Referrals and steps of today, in no order; nothing at weekends."""
    if not workday(today):
        return
    rng = dice(world, today, "recruitment")
    for one in list(world.subjects.values()):
        step = STEPS.get(one.state)
        if step and one.since < today and one.mrn not in world.outside:
            event = step(world, rng, today, one)
            if event:
                yield event
    for study in STUDIES:
        for _ in range(often(rng, study.pace)):
            yield _refer(world, rng, today, study)


def change(world: World, one: Subject, **values: object) -> Subject:
    """The subject with new values, kept in the world."""
    changed = replace(one, **values)  # type: ignore[arg-type]
    world.subjects[one.id] = changed
    return changed


def consented(world: World, one: Subject, today: date, obtained_by: str) -> tuple[Resource, ...]:
    """What the register shows once a subject has signed today's form."""
    study = study_of(one)
    number = one.number or f"S-{world.number(f'subject {study.key}'):04d}"
    form = [version for version, since in study.form if since <= today][-1]
    screening = any(visit.epoch == "Screening" for visit in study.visits)
    one = change(
        world, one, number=number, form=form, consented_on=today, obtained_by=obtained_by,
        state="screening" if screening else "eligible", since=today,
    )  # fmt: skip
    return resources.consent(one, study), resources.subject(one, study)


def _refer(world: World, rng: Random, today: date, study: Study) -> Event:
    taken = research_mrns(world) | set(world.undo)
    person = rng.choice([p for p in world.patients.values() if p.mrn not in taken and not p.died])
    one = Subject(
        id=f"rs-{study.key}-{world.number('subject'):04d}", study=study.key, mrn=person.mrn,
        site=rng.choice(study.sites).key, state="candidate", since=today,
    )  # fmt: skip
    world.subjects[one.id] = one
    changes = (resources.patient(person), resources.subject(one, study))
    tale = f"{person.mrn} referred to {study.number}"
    return Event(at=moment(rng, today, 8, 17), tale=tale, changes=changes)


def _candidate(world: World, rng: Random, today: date, one: Subject) -> Event | None:
    if one.number:  # its consent is planted
        return None
    chance, study, at = rng.random(), study_of(one), moment(rng, today, 8, 17)
    if chance < DECLINES:
        one = change(world, one, state="not-registered", since=today)
        tale = f"{one.mrn} does not want to take part in {study.number}"
        return Event(at=at, tale=tale, changes=(resources.subject(one, study),))
    if chance < DECLINES + CONSENTS:
        obtained_by = _coordinator(world, study)
        changes = consented(world, one, today, obtained_by)
        one = world.subjects[one.id]
        tale = f"{study.number} {one.number} consented (form {one.form}), by {obtained_by}"
        return Event(at=at, tale=tale, changes=changes)
    return None


def _screening(world: World, rng: Random, today: date, one: Subject) -> Event | None:
    open_visit = any(b.subject == one.id for b in world.bookings.values())
    if open_visit or (one.id, "SCR") not in world.planned or rng.random() > JUDGED:
        return None
    failed = rng.random() < INELIGIBLE
    one = change(world, one, state="ineligible" if failed else "eligible", since=today)
    study = study_of(one)
    tale = f"{study.number} {one.number} {'failed screening' if failed else 'is eligible'}"
    at = moment(rng, today, 8, 17)
    return Event(at=at, tale=tale, changes=(resources.subject(one, study),))


def _eligible(world: World, rng: Random, today: date, one: Subject) -> Event | None:
    if rng.random() > ENROLLED:
        return None
    study = study_of(one)
    arm = rng.choice(study.arms)
    one = change(world, one, state="on-study", since=today, enrolled_on=today, arm=arm)
    tale = f"{study.number} {one.number} enrolled"
    at = moment(rng, today, 8, 17)
    return Event(at=at, tale=tale, changes=(resources.subject(one, study),))


def _active(world: World, rng: Random, today: date, one: Subject) -> Event | None:
    comes = any(b.subject == one.id and b.start.date() <= today for b in world.bookings.values())
    if comes or rng.random() > WITHDRAWS:
        return None
    study, at = study_of(one), moment(rng, today, 8, 17)
    messages, cancelled = _cancel(world, one, at)
    one = change(world, one, state="withdrawn", since=today, ended_on=today)
    changes = (
        resources.subject(one, study),
        resources.consent(one, study, status="inactive"),
        *cancelled,
    )
    tale = f"{study.number} {one.number} withdrew consent"
    return Event(at=at, tale=tale, messages=messages, changes=changes)


def _cancel(
    world: World, one: Subject, at: datetime
) -> tuple[tuple[Message, ...], tuple[Resource, ...]]:
    """Takes the subject's appointments out of the book."""
    mine = [b for b in world.bookings.values() if b.subject == one.id]
    for booking in mine:
        del world.bookings[booking.id]
    study = study_of(one)
    messages = tuple(siu(world, "S15", booking, at) for booking in mine)
    cancelled = tuple(
        resources.appointment(replace(booking, status="cancelled"), one, study) for booking in mine
    )
    return messages, cancelled


def _coordinator(world: World, study: Study) -> str:
    """The study's coordinator, or the deputy when that one has left."""
    first = world.employees[study.coordinator]
    return "E219" if first.left else first.id


Step = Callable[[World, Random, date, Subject], Event | None]
STEPS: dict[str, Step] = {
    "candidate": _candidate,
    "screening": _screening,
    "eligible": _eligible,
    "on-study": _active,
    "on-study-intervention": _active,
}
