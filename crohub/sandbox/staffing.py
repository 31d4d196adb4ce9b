"""Staff who come, change department and leave, and the daily roster file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from crohub.sandbox import register
from crohub.sandbox.people import DEPARTMENTS, Employee, employee
from crohub.sandbox.personnel import certificate, master_file, personnel
from crohub.sandbox.studies import STUDIES
from crohub.sandbox.world import ZONE, Event, World, dice, moment, often, workday

COLUMNS = (
    "employee_id", "npi", "family_name", "given_name", "email", "phone", "job_title",
    "department_code", "department", "fte", "status", "hired_on", "left_on",
)  # fmt: skip


def staffing(world: World, today: date) -> Iterator[Event]:
    """Today's staff changes; on the first day the whole staff master is sent."""
    if today == world.first_day:
        yield from _master(world, today)
    if not workday(today):
        return
    rng = dice(world, today, "staffing")
    for script, mean in SCRIPTS:
        for _ in range(often(rng, mean)):
            yield script(world, rng, today)


def roster(world: World, today: date) -> bytes:
    """The roster file of a day: one line an employee, leavers included, sorted by number.

    Every tenth day one line carries a date nobody can read and a department nobody knows.
    """
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    lines.writeheader()
    slip = (today - world.first_day).days % 10 == 9
    for place, one in enumerate(sorted(world.employees.values(), key=lambda e: e.id)):
        row = _row(one)
        if slip and place == 7:
            row |= {"hired_on": "31/02/2024", "department_code": "XXX", "department": "?"}
        lines.writerow(row)
    return text.getvalue().encode()


def leaves(world: World, one: Employee, at: datetime) -> Event:
    """Somebody's last day: the job's role ends, roles in studies do not end by themselves."""
    left = world.employees[one.id] = replace(one, left=at.date())
    messages = (
        personnel(world, "B06", left, at),
        master_file(world, left, at + timedelta(minutes=1), action="MUP"),
    )
    changes = (register.practitioner(left), register.employment(left))
    return Event(at=at, tale=f"{one.id} leaves ({one.job})", messages=messages, changes=changes)


def hires(world: World, one: Employee, at: datetime) -> Event:
    """Somebody's first day."""
    world.employees[one.id] = one
    messages = (
        personnel(world, "B01", one, at),
        master_file(world, one, at + timedelta(minutes=1)),
    )
    changes = (register.practitioner(one), register.employment(one))
    return Event(at=at, tale=f"{one.id} starts ({one.job})", messages=messages, changes=changes)


def _master(world: World, today: date) -> Iterator[Event]:
    for place, one in enumerate(world.employees.values()):
        at = datetime.combine(today, time(6), ZONE) + timedelta(seconds=place)
        yield Event(at=at, tale=f"staff master: {one.id}", messages=(master_file(world, one, at),))


def _hire(world: World, rng: Random, today: date) -> Event:
    one = employee(rng, 600 + world.number("hire"), hired=today)
    return hires(world, one, moment(rng, today, 8, 10))


def _leave(world: World, rng: Random, today: date) -> Event:
    return leaves(world, _ordinary(world, rng), moment(rng, today, 15, 17))


def _move(world: World, rng: Random, today: date) -> Event:
    one, at = _ordinary(world, rng), moment(rng, today, 9, 16)
    department = rng.choice([code for code in DEPARTMENTS if code != one.department])
    one = world.employees[one.id] = replace(one, department=department)
    messages = (
        personnel(world, "B02", one, at),
        master_file(world, one, at + timedelta(minutes=1), action="MUP"),
    )
    tale = f"{one.id} moves to {DEPARTMENTS[department]}"
    return Event(at=at, tale=tale, messages=messages, changes=(register.employment(one),))


def _trained(world: World, rng: Random, today: date) -> Event:
    one, at = _ordinary(world, rng), moment(rng, today, 9, 16)
    expires = (today + timedelta(days=3 * 365)).replace(day=28)
    message = certificate(world, one, at, expires)
    return Event(at=at, tale=f"{one.id} renewed GCP training", messages=(message,))


def _ordinary(world: World, rng: Random) -> Employee:
    """Someone at work who holds no post in a study and no part in a planted story."""
    kept = {who for study in STUDIES for who in (study.investigator, study.coordinator)}
    kept |= {"E217", "E219", "E411", "E918"}
    free = [one for one in world.employees.values() if not one.left and one.id not in kept]
    return rng.choice(free)


def _row(one: Employee) -> dict[str, str]:
    return {
        "employee_id": one.id, "npi": one.npi, "family_name": one.family, "given_name": one.given,
        "email": one.email, "phone": one.phone, "job_title": one.job,
        "department_code": one.department, "department": DEPARTMENTS[one.department],
        "fte": one.fte, "status": "terminated" if one.left else "active",
        "hired_on": one.hired.isoformat(), "left_on": one.left.isoformat() if one.left else "",
    }  # fmt: skip


Script = Callable[[World, Random, date], Event]
SCRIPTS: tuple[tuple[Script, float], ...] = (  # how often on a weekday
    (_hire, 0.35),
    (_leave, 0.2),
    (_move, 0.3),
    (_trained, 0.3),
)
