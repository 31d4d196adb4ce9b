"""Ordinary appointments: booked, moved, cancelled, kept and missed by people in no study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from crohub.sandbox.adt import adt
from crohub.sandbox.siu import siu
from crohub.sandbox.wards import CLINICS
from crohub.sandbox.world import (
    Booking,
    Event,
    World,
    dice,
    doctor,
    moment,
    new_stay,
    often,
    workday,
)

REASONS = ("Check-up", "Follow-up", "Blood pressure", "Hearing & balance", "Vaccination")
BOOKED_A_DAY = 14.0
# trigger → how often a weekday sees it happen to an appointment still to come
CHANGES = {"S13": 2.0, "S14": 2.0, "S15": 1.5, "S16": 0.15, "S17": 0.2}
ENDED = {"S15": "cancelled", "S16": "cancelled", "S17": "deleted"}
MISSED = 0.07


def clinics(world: World, today: date) -> Iterator[Event]:
    """Today's ordinary appointments and changes to those to come, in no order."""
    if not workday(today):
        return
    rng = dice(world, today, "clinics")
    yield from _due(world, rng, today)
    for trigger, mean in CHANGES.items():
        for _ in range(often(rng, mean)):
            yield from _change(world, rng, today, trigger)
    for _ in range(often(rng, BOOKED_A_DAY)):
        yield _book(world, rng, today)


def next_workday(on: date) -> date:
    """The day itself, or the Monday after a weekend."""
    while not workday(on):
        on += timedelta(days=1)
    return on


def _book(world: World, rng: Random, today: date) -> Event:
    alive = [one for one in world.patients.values() if not one.died]
    person, at = rng.choice(alive), moment(rng, today)
    day = next_workday(today + timedelta(days=rng.randint(1, 14)))
    booking = Booking(
        id=f"AP{world.number('appointment'):07d}",
        mrn=person.mrn,
        start=moment(rng, day, 8, 17).replace(minute=0, second=0),
        minutes=rng.choice((15, 20, 30)),
        reason=rng.choice(REASONS),
        ward=rng.choice(CLINICS),
    )
    world.bookings[booking.id] = booking
    tale = f"{person.mrn} booked for {booking.reason.lower()} on {day}"
    return Event(at=at, tale=tale, messages=(siu(world, "S12", booking, at),))


def _change(world: World, rng: Random, today: date, trigger: str) -> Iterator[Event]:
    open_ones = [b for b in world.bookings.values() if not b.subject and b.start.date() > today]
    if not open_ones:
        return
    booking, at = rng.choice(open_ones), moment(rng, today)
    if trigger in ENDED:
        del world.bookings[booking.id]
    elif trigger == "S13":
        day = next_workday(booking.start.date() + timedelta(days=rng.randint(1, 5)))
        booking = replace(booking, start=booking.start.replace(day.year, day.month, day.day))
        world.bookings[booking.id] = booking
    else:
        booking = world.bookings[booking.id] = replace(booking, reason=rng.choice(REASONS))
    what = ENDED.get(trigger, "changed")
    tale = f"appointment {booking.id} {what}"
    yield Event(at=at, tale=tale, messages=(siu(world, trigger, booking, at),))


def _due(world: World, rng: Random, today: date) -> Iterator[Event]:
    for booking in list(world.bookings.values()):
        if booking.subject or booking.start.date() > today:
            continue
        del world.bookings[booking.id]
        at = booking.start
        if rng.random() < MISSED:
            message = siu(world, "S26", booking, at + timedelta(minutes=40))
            yield Event(at=at, tale=f"{booking.mrn} did not come", messages=(message,))
        else:
            stay = new_stay(world, "O", booking.ward, doctor(world, rng), at)
            message = adt(world, "A04", world.patients[booking.mrn], at, stay=stay)
            yield Event(at=at, tale=f"{booking.mrn} came to {booking.ward}", messages=(message,))
