"""Safety events and deviations that were reported late, not at all, or are told in two ways.

Every event is in the regulatory binder and in the sponsor's safety portal. Controls: events that
were reported on the last day of each clock, one that the portal may still lack, a deviation that
was reported in time and one that nobody needs to report.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.trials import BLOOD

CHECK = "safety"
BINDER, PORTAL = "tables/safety-event-refs", "tables/safety-cases"
_DAY = timedelta(days=1)


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind once, in another order with each seed."""
    kinds = [_to_sponsor, _to_irb, _to_authority, _told_apart, _missing, _deviation]
    ground.rng.shuffle(kinds)
    for kind in kinds:
        yield from kind(ground, ground.enrol(BLOOD))
    ground.portal_until = ground.today - ground.rng.randint(25, 40) * _DAY
    yield Expected("silence", "silent", ("safety", f"{ground.portal_until}"))


def _to_sponsor(ground: Ground, name: str) -> Iterator[Expected]:
    aware = ground.ago(10, 30)
    late = aware + ground.rng.randint(3, 6) * _DAY
    _event(ground, name, aware, "sae", reported_sponsor_on=f"{late}")
    _event(ground, name, aware - 9 * _DAY, "sae", reported_sponsor_on=f"{aware - 8 * _DAY}")
    yield _expected("sponsor-clock", name, aware, f"{late}", f"{aware + _DAY}")


def _to_irb(ground: Ground, name: str) -> Iterator[Expected]:
    aware = ground.ago(10, 30)
    _event(ground, name, aware, "unanticipated_problem", serious="no")
    _event(ground, name, aware - 9 * _DAY, "unanticipated_problem", serious="no",
           reported_irb_on=f"{aware - 4 * _DAY}")  # fmt: skip
    yield _expected("irb-clock", name, aware, "not been reported", f"{aware + 5 * _DAY}")


def _to_authority(ground: Ground, name: str) -> Iterator[Expected]:
    aware = ground.ago(20, 30)
    for day, told in ((aware, ""), (aware - 20 * _DAY, f"{aware - 5 * _DAY}")):
        _event(ground, name, day, "susar", related="yes", expected="no",
               reported_sponsor_on=f"{day + _DAY}", reported_irb_on=f"{day + 5 * _DAY}",
               reported_authority_on=told)  # fmt: skip
    yield _expected("authority-clock", name, aware, "not been reported", f"{aware + 15 * _DAY}")


def _told_apart(ground: Ground, name: str) -> Iterator[Expected]:
    aware = ground.ago(10, 30)
    number = _event(ground, name, aware, "sae", reported_sponsor_on=f"{aware}")
    ground.at(PORTAL, number)["related"] = "yes"
    yield _expected("told-apart", name, aware, "related", "no in regulatory", "yes in safety")


def _missing(ground: Ground, name: str) -> Iterator[Expected]:
    """The portal lacks an event since long ago, and one of the last days."""
    aware = ground.ago(12, 30)
    for day in (aware, ground.today - 2 * _DAY):
        number = _event(ground, name, day, "sae", reported_sponsor_on=f"{day}")
        ground.drop(PORTAL, number)
    yield _expected("missing-in", name, aware, "regulatory", "safety")


def _deviation(ground: Ground, name: str) -> Iterator[Expected]:
    found = ground.ago(20, 40)
    number = _deviates(ground, name, found, "yes")
    _deviates(ground, name, found, "yes", reported_irb_on=f"{found + 10 * _DAY}")
    _deviates(ground, name, found, "no")
    yield Expected(CHECK, "deviation-clock", (
        *name.split(), number, f"{found}", f"{found + 10 * _DAY}",
    ))  # fmt: skip


def _event(ground: Ground, name: str, aware: date, kind: str, **more: str) -> str:
    """An event of the day before somebody became aware; its number."""
    number = f"SAE-{ground.number('event'):04d}"
    said = {"serious": "yes", "related": "no", "expected": "yes", "reported_sponsor_on": "",
            "reported_irb_on": "", "reported_authority_on": "", **more}  # fmt: skip
    row = _of(ground, name) | {
        "safety_event_no": number, "kind": kind, "onset_on": f"{aware - _DAY}",
        "aware_on": f"{aware}", "status": "follow_up", **said,
    }  # fmt: skip
    ground.put(iter([(BINDER, number, row), (PORTAL, number, dict(row))]))
    return number


def _deviates(ground: Ground, name: str, found: date, reportable: str, **more: str) -> str:
    number = f"DEV-P{ground.number('deviation'):04d}"
    row = _of(ground, name) | {
        "deviation_no": number, "category": "consent", "severity": "major",
        "description": "Made up", "occurred_on": f"{found - _DAY}", "discovered_on": f"{found}",
        "reportable": reportable, "reported_irb_on": "", "status": "under_review", **more,
    }  # fmt: skip
    ground.put(iter([("tables/deviations", number, row)]))
    return number


def _of(ground: Ground, name: str) -> dict[str, Any]:
    site = BLOOD.sites[0].number
    return {"protocol_no": BLOOD.number, "site_no": site, "subject_number": name.split()[1]}


def _expected(kind: str, name: str, aware: date, *words: str) -> Expected:
    return Expected(CHECK, kind, (*name.split(), f"{aware - _DAY}", *words))
