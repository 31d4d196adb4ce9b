"""Disagreements planted in study ONC-101 and among the staff, each beside a clean control.

They depend on the calendar of March 2026; a world that begins later simply lacks them.

    2026-02-24  S-0007 signs form v2 although v3 took effect on the 20th (S-0008 signed on the 19th)
    2026-03-02  E217's GCP certificate, run out on 28 February, reaches the hub (E219 renewed)
    2026-03-03  S-0011 consents before E217
    2026-03-04  S-0003 comes for Cycle 2 Day 1, which the CTMS has planned and is not told of by
                anybody but the hub; its electrocardiogram is done, and charged. For the visit
                3,825.00 come as receipt R-7781, which does not say what it is for
    2026-03-06  E305 leaves and stays coordinator of three studies
    2026-03-09  E411, who left in January, is back as E918 with the same NPI
    2026-03-09  S-0012, off study since 2 March but not in the register, has a scan that is charged
                as research (S-0008, on study, has the same)
    2026-03-11  S-0031 and S-0044 turn out to be one person: MRN 654321 is merged into 123456
    always      S-0022 and S-0027 are on study, and the hospital has never heard of them
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from random import Random

from crohub.sandbox import resources
from crohub.sandbox.adt import adt, merge
from crohub.sandbox.charges import ECG, SCAN, charged, done
from crohub.sandbox.people import Patient, patient
from crohub.sandbox.personnel import certificate
from crohub.sandbox.recruitment import change, consented
from crohub.sandbox.siu import siu
from crohub.sandbox.staffing import hires, leaves
from crohub.sandbox.visits import attend
from crohub.sandbox.world import ZONE, Booking, Event, Subject, World, new_stay, study_of

STUDY = "onc101"
KEPT, RETIRED = "123456", "654321"
BEGINS = date(2026, 3, 2)
LEFT = date(2026, 3, 2)  # the day S-0012 left


def plant(world: World) -> None:
    """Prepares the stories in a new world; nothing where the calendar does not fit."""
    if world.first_day != BEGINS:
        return
    _one_person_twice(world)
    for number in ("S-0022", "S-0027"):
        one = subject(world, number)
        world.outside[one.mrn] = world.patients.pop(one.mrn)
        change(world, one, state="on-study-intervention", ended_on=None)
    seventh, eighth = subject(world, "S-0007"), subject(world, "S-0008")
    change(world, seventh, consented_on=date(2026, 2, 24), form="v2",
           enrolled_on=date(2026, 2, 26), since=date(2026, 2, 27),
           state="on-study-intervention", ended_on=None)  # fmt: skip
    change(world, eighth, consented_on=date(2026, 2, 19), form="v2",
           enrolled_on=date(2026, 2, 23), since=date(2026, 2, 24),
           state="on-study-intervention", ended_on=None)  # fmt: skip
    for one in (seventh, eighth):
        world.planned -= {(one.id, code) for code in ("C1D8", "C2D1", "EOT")}
    eleventh = subject(world, "S-0011")
    change(world, eleventh, state="candidate", arm="", form="", obtained_by="", consented_on=None,
           enrolled_on=None, ended_on=None, since=date(2026, 2, 27))  # fmt: skip
    world.planned -= {(eleventh.id, visit.code) for visit in study_of(eleventh).visits}
    change(world, subject(world, "S-0012"), enrolled_on=date(2026, 2, 2), since=LEFT, ended_on=LEFT,
           state="off-study")  # fmt: skip
    third = subject(world, "S-0003")
    change(world, third, enrolled_on=date(2026, 2, 11), since=date(2026, 2, 12), ended_on=None,
           state="on-study-intervention")  # fmt: skip
    world.planned -= {(third.id, "EOT")}
    world.employees["E411"] = replace(
        world.employees["E411"], hired=date(2021, 5, 3), left=date(2026, 1, 16)
    )


def happenings(world: World, today: date) -> Iterator[Event]:
    """What was planted for today."""
    script = CALENDAR.get(today) if world.first_day == BEGINS else None
    if script:
        yield from script(world, datetime.combine(today, time(9, 30), ZONE))


def subject(world: World, number: str) -> Subject:
    """A subject of ONC-101 by subject number."""
    return next(s for s in world.subjects.values() if s.study == STUDY and s.number == number)


def registered(world: World, one: Subject) -> Subject:
    """The subject as the register has them: of S-0012's leaving it has not heard."""
    if world.first_day == BEGINS and one.study == STUDY and one.number == "S-0012":
        return replace(one, state="on-study-intervention", ended_on=None)
    return one


def person(world: World, mrn: str) -> Patient:
    """The person of an MRN as the research register knows them, in the hospital or not."""
    return world.patients.get(mrn) or world.outside[mrn]


def _one_person_twice(world: World) -> None:
    rng = Random(f"{world.seed}|twice")  # noqa: S311 a story, no secret
    one = replace(patient(rng, 0, born_before=BEGINS, lines=world.lines), mrn=KEPT)
    world.patients[KEPT] = one
    world.patients[RETIRED] = replace(one, mrn=RETIRED, ssn="")
    change(world, subject(world, "S-0031"), mrn=KEPT)
    change(world, subject(world, "S-0044"), mrn=RETIRED)


def _certificates(world: World, at: datetime) -> Iterator[Event]:
    late = certificate(world, world.employees["E217"], at, date(2026, 2, 28))
    good = certificate(world, world.employees["E219"], at, date(2029, 2, 27))
    yield Event(at=at, tale="E217's GCP ran out on 28 Feb; E219 renewed", messages=(late, good))
    third = subject(world, "S-0003")
    booking = _third_visit(world)
    changes = (resources.appointment(booking, third, study_of(third)),)
    message = siu(world, "S12", booking, at)
    yield Event(at=at, tale="ONC-101 S-0003 booked for Cycle 2 Day 1", messages=(message,),
                changes=changes)  # fmt: skip


def _third_visit(world: World) -> Booking:
    third = subject(world, "S-0003")
    start = datetime.combine(date(2026, 3, 4), time(10), ZONE)
    return Booking(
        id="AP9000003", mrn=third.mrn, start=start, minutes=60, reason="Cycle 2 Day 1",
        ward="RSCH", subject=third.id, visit="C2D1",
    )  # fmt: skip


def _eleventh_consents(world: World, at: datetime) -> Iterator[Event]:
    changes = consented(world, subject(world, "S-0011"), at.date(), "E217")
    yield Event(at=at, tale="ONC-101 S-0011 consented, by E217", changes=changes)


def _third_comes(world: World, at: datetime) -> Iterator[Event]:
    yield from attend(world, _third_visit(world), subject(world, "S-0003"))
    booking, stay = world.attended[-1]
    later = at.replace(hour=14)
    messages = (done(world, booking, stay, later), charged(world, booking, stay, later, ECG))
    yield Event(at=later, tale="ONC-101 S-0003: electrocardiogram charged", messages=messages)


def _coordinator_leaves(world: World, at: datetime) -> Iterator[Event]:
    yield leaves(world, world.employees["E305"], at.replace(hour=16))


def _rehired(world: World, at: datetime) -> Iterator[Event]:
    before = world.employees["E411"]
    again = replace(before, id="E918", email="e918@cedarmesa.example", hired=at.date(), left=None)
    yield hires(world, again, at)
    yield _scanned(world, at, ("S-0012", "S-0008"))


def _scanned(world: World, at: datetime, numbers: tuple[str, ...]) -> Event:
    """Scans outside any visit of the protocol, charged as the study's."""
    messages = []
    for place, number in enumerate(numbers):
        one = subject(world, number)
        booking = Booking(id=f"AP900001{place}", mrn=one.mrn, start=at, minutes=30, ward="RAD",
                          reason="Scan", subject=one.id)  # fmt: skip
        stay = new_stay(world, "O", booking.ward, study_of(one).investigator, at)
        messages += [
            adt(world, "A04", world.patients[one.mrn], at, stay=stay),
            charged(world, booking, stay, at.replace(hour=13), SCAN),
        ]
    tale = f"ONC-101 {' and '.join(numbers)}: a scan charged"
    return Event(at=at.replace(hour=13), tale=tale, messages=tuple(messages))


def _merged(world: World, at: datetime) -> Iterator[Event]:
    kept, retired = world.patients[KEPT], world.patients.pop(RETIRED)
    world.merged[RETIRED] = KEPT
    # the EDC does not know of the merge: S-0044 stays a subject, now of the same person
    twin = change(world, subject(world, "S-0044"), mrn=KEPT)
    if RETIRED in world.stays:
        world.stays[KEPT] = world.stays.pop(RETIRED)
    for booking in [b for b in world.bookings.values() if b.mrn == RETIRED]:
        world.bookings[booking.id] = replace(booking, mrn=KEPT)
    changes = (
        resources.patient(retired, replaced_by=KEPT),
        resources.subject(twin, study_of(twin)),
    )
    tale = f"{RETIRED} was {KEPT} all along: merged (ONC-101 S-0031 and S-0044)"
    yield Event(at=at, tale=tale, messages=(merge(world, kept, retired, at),), changes=changes)


CALENDAR: dict[date, Callable[[World, datetime], Iterator[Event]]] = {
    date(2026, 3, 2): _certificates,
    date(2026, 3, 3): _eleventh_consents,
    date(2026, 3, 4): _third_comes,
    date(2026, 3, 6): _coordinator_leaves,
    date(2026, 3, 9): _rehired,
    date(2026, 3, 11): _merged,
}
