"""The ordinary hospital: arrivals, admissions, changes of address, duplicates and their merging.

Almost all of it is about people in no study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from crohub.sandbox.adt import adt, merge, unlink
from crohub.sandbox.people import STREETS, Patient, patient
from crohub.sandbox.resources import patient as patient_resource
from crohub.sandbox.world import (
    Event,
    Stay,
    World,
    dice,
    doctor,
    moment,
    new_stay,
    often,
    workday,
)

WARDS = ("ICU", "MED3", "SUR2", "ONC4", "CAR5")
CLINICS = ("CLIN1", "CLIN2", "ENT", "EYE", "FAM")
WEEKEND = 0.35  # of a weekday's traffic
WRONG_MERGE_EVERY = 3  # the third, sixth … merge joins two people and is taken apart later


def wards(world: World, today: date) -> Iterator[Event]:
    """What happens on the wards and at the desks today, in no order."""
    rng = dice(world, today, "wards")
    share = 1.0 if workday(today) else WEEKEND
    yield from _take_apart(world, rng, today)
    for script, mean in SCRIPTS:
        for _ in range(often(rng, mean * share)):
            event = script(world, rng, today)
            if event:
                yield event


def research_mrns(world: World) -> set[str]:
    """MRNs of everyone in a study."""
    return {subject.mrn for subject in world.subjects.values()}


def _anyone(world: World, rng: Random) -> Patient:
    alive = [one for one in world.patients.values() if not one.died and one.mrn not in world.stays]
    return rng.choice(alive)


def _registration(world: World, rng: Random, today: date) -> Event:
    person, at = _anyone(world, rng), moment(rng, today)
    stay = new_stay(world, rng.choice("OOOE"), rng.choice(CLINICS), doctor(world, rng), at)
    messages = [adt(world, "A04", person, at, stay=stay)]
    if rng.random() < 0.35:  # the desk completes the form a little later
        later = at + timedelta(minutes=rng.randint(3, 40))
        messages.append(adt(world, "A08", person, later, stay=stay))
    return Event(at=at, tale=f"{person.mrn} registered at {stay.ward}", messages=tuple(messages))


def _admission(world: World, rng: Random, today: date) -> Event:
    person, at = _anyone(world, rng), moment(rng, today)
    stay = new_stay(world, "I", rng.choice(WARDS), doctor(world, rng), at)
    world.stays[person.mrn] = stay
    message = adt(world, "A01", person, at, stay=stay)
    return Event(at=at, tale=f"{person.mrn} admitted to {stay.ward}", messages=(message,))


def _inpatient(world: World, rng: Random, today: date) -> tuple[Patient, Stay] | None:
    """Someone who was here before today."""
    here = [mrn for mrn, stay in world.stays.items() if stay.began.date() < today]
    if not here:
        return None
    mrn = rng.choice(here)
    return world.patients[mrn], world.stays[mrn]


def _discharge(world: World, rng: Random, today: date) -> Event | None:
    found = _inpatient(world, rng, today)
    if not found:
        return None
    (person, stay), at = found, moment(rng, today)
    del world.stays[person.mrn]
    tale = f"{person.mrn} discharged"
    if rng.random() < 0.03 and person.mrn not in research_mrns(world):
        person = world.patients[person.mrn] = replace(person, died=today)
        tale = f"{person.mrn} died"
    message = adt(world, "A03", person, at, stay=replace(stay, ended=at))
    return Event(at=at, tale=tale, messages=(message,))


def _cancelled_discharge(world: World, rng: Random, today: date) -> Event | None:
    found = _inpatient(world, rng, today)
    if not found:
        return None
    (person, stay), at = found, moment(rng, today)
    later = at + timedelta(minutes=rng.randint(10, 90))
    messages = (
        adt(world, "A03", person, at, stay=replace(stay, ended=at)),
        adt(world, "A13", person, later, stay=stay),
    )
    return Event(at=at, tale=f"{person.mrn} discharged by mistake, and back", messages=messages)


def _cancelled_admission(world: World, rng: Random, today: date) -> Event:
    person, at = _anyone(world, rng), moment(rng, today)
    stay = new_stay(world, "I", rng.choice(WARDS), doctor(world, rng), at)
    later = at + timedelta(minutes=rng.randint(10, 90))
    messages = (
        adt(world, "A01", person, at, stay=stay),
        adt(world, "A11", person, later, stay=stay),
    )
    return Event(at=at, tale=f"{person.mrn} admitted, then not", messages=messages)


def _transferred_data(world: World, rng: Random, today: date) -> Event | None:
    found = _inpatient(world, rng, today)
    if not found:
        return None
    (person, stay), at = found, moment(rng, today)
    stay = world.stays[person.mrn] = replace(stay, ward=rng.choice(WARDS))
    message = adt(world, "A08", person, at, stay=stay)
    return Event(at=at, tale=f"{person.mrn} now on {stay.ward}", messages=(message,))


def _moved(world: World, rng: Random, today: date) -> Event:
    person, at = _anyone(world, rng), moment(rng, today)
    street = f"{rng.randint(1, 990)} {rng.choice(STREETS)}"
    person = world.patients[person.mrn] = replace(person, street=street)
    known = person.mrn in research_mrns(world)
    changes = (patient_resource(person),) if known else ()
    message = adt(world, "A31", person, at)
    return Event(at=at, tale=f"{person.mrn} changed address", messages=(message,), changes=changes)


def _newcomer(world: World, rng: Random, today: date) -> Event:
    person = patient(rng, world.number("patient"), born_before=today, lines=world.lines)
    world.patients[person.mrn] = person
    at = moment(rng, today)
    message = adt(world, "A28", person, at)
    return Event(at=at, tale=f"{person.mrn} is new here", messages=(message,))


def _merged(world: World, rng: Random, today: date) -> Event | None:
    if world.number("merge") % WRONG_MERGE_EVERY == 0:
        return _wrong_merge(world, rng, today)
    person, at = _anyone(world, rng), moment(rng, today, 7, 11)
    twin = replace(
        patient(rng, world.number("patient"), born_before=today, lines=world.lines),
        family=person.family, given=person.given, born=person.born, sex=person.sex,
        year_only=person.year_only, line=person.line, ssn="",
    )  # fmt: skip
    world.merged[twin.mrn] = person.mrn
    later = at + timedelta(hours=rng.randint(2, 5))
    messages = (adt(world, "A28", twin, at), merge(world, person, twin, later))
    return Event(at=at, tale=f"{twin.mrn} was {person.mrn} all along: merged", messages=messages)


def _wrong_merge(world: World, rng: Random, today: date) -> Event | None:
    busy = research_mrns(world) | set(world.stays) | set(world.undo)
    busy |= {booking.mrn for booking in world.bookings.values()}
    free = [one for one in world.patients.values() if one.mrn not in busy and not one.died]
    kept = rng.choice(free)
    others = [one for one in free if one.line == kept.line and one.mrn != kept.mrn]
    if not others:
        return None
    retired, at = rng.choice(others), moment(rng, today)
    world.undo[kept.mrn] = world.patients.pop(retired.mrn)
    world.merged[retired.mrn] = kept.mrn
    message = merge(world, kept, retired, at)
    return Event(at=at, tale=f"{retired.mrn} merged into {kept.mrn}", messages=(message,))


def _take_apart(world: World, rng: Random, today: date) -> Iterator[Event]:
    for kept_mrn, other in list(world.undo.items()):
        if rng.random() < 0.5 or kept_mrn not in world.patients:
            continue
        del world.undo[kept_mrn], world.merged[other.mrn]
        world.patients[other.mrn] = other
        kept, at = world.patients[kept_mrn], moment(rng, today)
        soon = at + timedelta(minutes=2)
        messages = (
            unlink(world, kept, other, at),
            adt(world, "A31", kept, soon),
            adt(world, "A31", other, soon + timedelta(minutes=1)),
        )
        tale = f"{other.mrn} and {kept.mrn} are two people after all: merge undone"
        yield Event(at=at, tale=tale, messages=messages)


Script = Callable[[World, Random, date], Event | None]
SCRIPTS: tuple[tuple[Script, float], ...] = (  # how often on a weekday
    (_newcomer, 5.0),
    (_registration, 27.0),
    (_admission, 7.0),
    (_discharge, 6.5),
    (_cancelled_discharge, 0.4),
    (_cancelled_admission, 0.5),
    (_transferred_data, 6.0),
    (_moved, 8.0),
    (_merged, 0.8),
)
