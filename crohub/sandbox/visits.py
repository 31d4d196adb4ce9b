"""Research visits: booked from the protocol, moved, attended, missed and corrected afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from crohub.sandbox import resources
from crohub.sandbox.adt import adt
from crohub.sandbox.clinics import next_workday
from crohub.sandbox.recruitment import ACTIVE, change
from crohub.sandbox.siu import link, siu
from crohub.sandbox.studies import SITES, Visit
from crohub.sandbox.world import (
    ZONE,
    Booking,
    Event,
    Resource,
    Subject,
    World,
    dice,
    moment,
    new_stay,
    study_of,
    visit_of,
    workday,
)

HORIZON = 6  # days ahead a visit is booked
MOVED, MISSED, DOUBLE, CORRECTED = 0.06, 0.05, 0.03, 0.35
HOURS = (8, 9, 10, 11, 13, 14, 15, 16, 17)  # 17:00 in Arizona is the next day in UTC


def visits(world: World, today: date) -> Iterator[Event]:
    """Today's research visits and the bookings of those to come, in no order."""
    if not workday(today):
        return
    rng = dice(world, today, "visits")
    for booking in [b for b in world.bookings.values() if b.subject]:
        if booking.start.date() <= today:
            yield from _due(world, rng, booking)
        elif rng.random() < MOVED:
            yield _move(world, rng, today, booking)
    if world.attended and rng.random() < CORRECTED:
        yield _correct(world, rng, today)
    for one in list(world.subjects.values()):
        for visit, day in _wanted(world, one, today):
            at = moment(rng, today, 9, 16)
            yield from _book(world, rng, at, one=one, visit=visit, day=day)


def _wanted(world: World, one: Subject, today: date) -> Iterator[tuple[Visit, date]]:
    """The visits of a subject that are due for booking, each with its day."""
    if one.mrn in world.outside or one.since >= today:
        return
    for visit in study_of(one).visits:
        if (one.id, visit.code) in world.planned:
            continue
        if visit.epoch == "Screening":
            if one.state == "screening":
                yield visit, today + timedelta(days=2)
        elif one.state in ACTIVE and one.enrolled_on:
            day = one.enrolled_on + timedelta(days=visit.day)
            if day <= today + timedelta(days=HORIZON):
                yield visit, max(day, today + timedelta(days=1))


def _book(
    world: World, rng: Random, at: datetime, *, one: Subject, visit: Visit, day: date
) -> Iterator[Event]:
    world.planned.add((one.id, visit.code))
    ward = next(site.ward for site in SITES if site.key == one.site)
    start = datetime.combine(next_workday(day), time(rng.choice(HOURS)), ZONE)
    booking = Booking(
        id=f"AP{world.number('appointment'):07d}", mrn=one.mrn, start=start, minutes=60,
        reason=visit.name, ward=ward, subject=one.id, visit=visit.code,
    )  # fmt: skip
    world.bookings[booking.id] = booking
    study = study_of(one)
    tale = f"{study.number} {one.number} booked for {visit.name} on {start:%d %b %H:%M}"
    changes: tuple[Resource, ...] = (resources.appointment(booking, one, study),)
    yield Event(at=at, tale=tale, messages=(siu(world, "S12", booking, at),), changes=changes)
    if rng.random() < DOUBLE:
        yield from _booked_twice(world, one, booking, at)


def _booked_twice(world: World, one: Subject, booking: Booking, at: datetime) -> Iterator[Event]:
    """The same visit entered again by mistake, and deleted within the hour."""
    twin = replace(booking, id=f"AP{world.number('appointment'):07d}")
    twice, later = at + timedelta(minutes=5), at + timedelta(minutes=35)
    entered = resources.appointment(twin, one, study_of(one))
    yield Event(at=twice, tale=f"{twin.id} entered by mistake", changes=(entered,),
                messages=(siu(world, "S12", twin, twice),))  # fmt: skip
    yield Event(at=later, tale=f"{twin.id} deleted", gone=(f"Appointment/app-{twin.id}",),
                messages=(siu(world, "S17", twin, later),))  # fmt: skip


def _move(world: World, rng: Random, today: date, booking: Booking) -> Event:
    """Two changes of mind in one go: the second time counts."""
    one, at = world.subjects[booking.subject], moment(rng, today, 9, 16)
    study = study_of(one)
    first = _later(booking, rng.choice(HOURS), 1)
    second = _later(booking, rng.choice(HOURS), rng.choice((1, 2)))
    world.bookings[booking.id] = second
    messages = (
        siu(world, "S13", first, at),
        siu(world, "S13", second, at + timedelta(minutes=20)),
    )
    tale = f"{study.number} {one.number} moved {booking.visit} to {second.start:%d %b %H:%M}"
    changes = (resources.appointment(second, one, study),)
    return Event(at=at, tale=tale, messages=messages, changes=changes)


def _later(booking: Booking, hour: int, days: int) -> Booking:
    day = next_workday(booking.start.date() + timedelta(days=days))
    return replace(booking, start=datetime.combine(day, time(hour), ZONE))


def _due(world: World, rng: Random, booking: Booking) -> Iterator[Event]:
    del world.bookings[booking.id]
    one = world.subjects[booking.subject]
    if rng.random() < MISSED:
        yield _missed(world, booking, one)
    else:
        yield from attend(world, booking, one)


def _missed(world: World, booking: Booking, one: Subject) -> Event:
    study, at = study_of(one), booking.start + timedelta(minutes=45)
    changes = (resources.appointment(replace(booking, status="noshow"), one, study),)
    tale = f"{study.number} {one.number} missed {booking.reason}"
    return Event(at=at, tale=tale, messages=(siu(world, "S26", booking, at),), changes=changes)


def attend(world: World, booking: Booking, one: Subject) -> Iterator[Event]:
    """A visit that takes place: registered at the start, finished at the end."""
    study, at = study_of(one), booking.start
    stay = new_stay(world, "O", booking.ward, study.investigator, at)
    message = adt(world, "A04", world.patients[one.mrn], at, stay=stay, link=link(world, booking))
    arrived = resources.appointment(replace(booking, status="arrived"), one, study)
    begun = resources.encounter(booking, one, study, stay)
    yield Event(
        at=at, tale=f"{study.number} {one.number} came for {booking.reason}",
        messages=(message,), changes=(arrived, begun),
    )  # fmt: skip
    end = at + timedelta(minutes=booking.minutes)
    stay = replace(stay, ended=end)
    world.attended.append((booking, stay))
    world.done.setdefault((one.id, booking.visit), at.date())
    kept = replace(booking, status="fulfilled")
    done = resources.appointment(kept, one, study)
    finished = resources.encounter(booking, one, study, stay)
    changes = (done, finished, *_progress(world, booking, one))
    message = siu(world, "S14", kept, end)
    yield Event(at=end, tale=f"{study.number} {one.number} done with {booking.reason}",
                messages=(message,), changes=changes)  # fmt: skip


def _progress(world: World, booking: Booking, one: Subject) -> tuple[Resource, ...]:
    """The state a visit brings a subject to, if it brings one."""
    study, on = study_of(one), booking.start.date()
    if booking.visit == study.visits[-1].code:
        one = change(world, one, state="off-study", since=on, ended_on=on)
    elif visit_of(booking, study).epoch == "Treatment" and one.state == "on-study":
        one = change(world, one, state="on-study-intervention", since=on)
    else:
        return ()
    return (resources.subject(one, study),)


def _correct(world: World, rng: Random, today: date) -> Event:
    """A registration time that was wrong, put right days later."""
    place = rng.randrange(len(world.attended))
    booking, stay = world.attended.pop(place)
    at = moment(rng, today, 8, 12)
    right = replace(stay, began=stay.began - timedelta(minutes=15))
    one = world.subjects[booking.subject]
    study = study_of(one)
    message = adt(world, "A08", world.patients[one.mrn], at, stay=right, link=link(world, booking))
    changes = (resources.encounter(booking, one, study, right),)
    tale = f"{study.number} {one.number}: time of {booking.reason} corrected"
    return Event(at=at, tale=tale, messages=(message,), changes=changes)
