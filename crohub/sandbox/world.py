"""What the made-up institution knows at one moment, and what one of its days consists of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any

from crohub.sandbox.people import Employee, Patient
from crohub.sandbox.studies import STUDIES, Study, Visit

# Arizona keeps one offset all year, so a stamp is right whatever day it falls on.
ZONE = timezone(timedelta(hours=-7))
ZONE_NAME = "America/Phoenix"
FACILITY = "CEDARMESA"  # the assigning authority in HL7
BASE = "https://cedarmesa.example"  # the stem of the identifier systems in FHIR

Resource = dict[str, Any]  # FHIR JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One HL7 message as it leaves the hospital, with the answer a careful receiver gives.

    `line` is the connection that carries it. `why` says what is wrong with it ("" = nothing).
    """

    at: datetime  # when it is sent; a late one bears an older time inside
    line: int
    control_id: str
    body: bytes
    expect: str = "AA"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: a line to read, the messages it caused, the FHIR resources it
    changed, and the resources it deleted ("Appointment/ap12")."""

    at: datetime
    tale: str
    messages: tuple[Message, ...] = ()
    changes: tuple[Resource, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A hospital visit: inpatient (I), outpatient (O) or emergency (E)."""

    number: str
    kind: str
    ward: str
    attending: str  # employee id
    began: datetime
    ended: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A patient's way through one study; `state` is a FHIR R4 research-subject-status."""

    id: str
    study: str
    site: str
    mrn: str
    state: str
    since: date  # in this state
    number: str = ""  # given with consent
    arm: str = ""
    form: str = ""  # version of the consent form signed
    obtained_by: str = ""
    consented_on: date | None = None
    enrolled_on: date | None = None
    ended_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """An appointment; `subject` and `visit` are empty for the ordinary ones."""

    id: str
    mrn: str
    start: datetime
    minutes: int
    reason: str
    ward: str
    status: str = "booked"
    subject: str = ""
    visit: str = ""


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that lasts beyond a day. Only the day's scripts change it."""

    seed: int
    first_day: date
    lines: int
    patients: dict[str, Patient] = field(default_factory=dict)  # by MRN
    outside: dict[str, Patient] = field(default_factory=dict)  # subjects it never speaks of
    merged: dict[str, str] = field(default_factory=dict)  # retired MRN → the one kept
    undo: dict[str, Patient] = field(default_factory=dict)  # wrongly merged, to be taken apart
    employees: dict[str, Employee] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)
    stays: dict[str, Stay] = field(default_factory=dict)  # open inpatient stays by MRN
    bookings: dict[str, Booking] = field(default_factory=dict)  # still to come
    planned: set[tuple[str, str]] = field(default_factory=set)  # (subject, visit) already booked
    attended: list[tuple[Booking, Stay]] = field(default_factory=list)  # research visits, done
    done: dict[tuple[str, str], date] = field(default_factory=dict)  # (subject, visit) → first day
    late: list[Message] = field(default_factory=list)  # leave tomorrow
    counts: Counter[str] = field(default_factory=Counter)

    def number(self, kind: str) -> int:
        """The next number of its kind, from 1."""
        self.counts[kind] += 1
        return self.counts[kind]


def dice(world: World, today: date, what: str) -> Random:
    """Chance that depends on the seed, the day and the purpose alone, on every machine."""
    return Random(f"{world.seed}|{today.isoformat()}|{what}")  # noqa: S311 a story, no secret


def moment(rng: Random, today: date, first: int = 7, last: int = 18) -> datetime:
    """Some time of the day between two hours, hospital time."""
    seconds = rng.randrange(first * 3600, last * 3600)
    return datetime.combine(today, time(0), ZONE) + timedelta(seconds=seconds)


def workday(on: date) -> bool:
    """Monday to Friday."""
    return on.weekday() < 5


def study_of(subject: Subject) -> Study:
    """The study a subject belongs to."""
    return next(study for study in STUDIES if study.key == subject.study)


def visit_of(booking: Booking, study: Study) -> Visit:
    """The planned visit a research appointment is for."""
    return next(visit for visit in study.visits if visit.code == booking.visit)


def often(rng: Random, mean: float) -> int:
    """A whole number around `mean`: how often a thing happens today."""
    if mean < 3:
        return int(mean) + (rng.random() < mean % 1)
    return max(0, round(rng.gauss(mean, mean**0.5)))


def doctor(world: World, rng: Random) -> str:
    """The employee id of a physician who works here."""
    return rng.choice(
        [one.id for one in world.employees.values() if one.job == "Physician" and not one.left]
    )


def new_stay(world: World, kind: str, ward: str, attending: str, began: datetime) -> Stay:
    """A stay with the next visit number."""
    number = f"V{world.number('visit'):08d}"
    return Stay(number=number, kind=kind, ward=ward, attending=attending, began=began)
