"""Charges of a study that should not be as they are.

Controls: charges on the day of consent and on the last day on study, what the study pays billed to
the study, routine care billed to the insurance with all that marks it as a trial's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.hospital_words import charged, registered
from crohub.sandbox.plants.money_words import BLOODS, ECG, SCAN
from crohub.sandbox.plants.trials import GUT

CHECK = "billing"
_DAY = timedelta(days=1)


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind once, in another order with each seed."""
    kinds = [_before_consent, _after_the_end, _insured, _unmarked, _undecided]
    ground.rng.shuffle(kinds)
    for kind in kinds:
        yield from kind(ground, ground.enrol(GUT))
    # somebody comes to the hospital today, which is therefore not silent
    who = ground.person(GUT)
    ground.sent.append(registered(who, ground.number("registration"), ground.today))


def _before_consent(ground: Ground, name: str) -> Iterator[Expected]:
    began = ground.subjects[name].consented_on
    assert began  # noqa: S101 - whoever is enrolled has consented
    early = began - ground.rng.randint(2, 9) * _DAY
    for on in (early, began):
        _charge(ground, name, on, ECG, "STUDY")
    yield _expected("off-study", name, ECG, early, f"{began}")


def _after_the_end(ground: Ground, name: str) -> Iterator[Expected]:
    ended = ground.ago(12, 25)
    ground.leaves(name, ended)
    late = ended + ground.rng.randint(3, 9) * _DAY
    for on in (late, ended):
        _charge(ground, name, on, ECG, "STUDY")
    yield _expected("off-study", name, ECG, late, f"{ended}")


def _insured(ground: Ground, name: str) -> Iterator[Expected]:
    """What the study pays goes to an insurance; another day's goes to the study."""
    on, plan = ground.ago(5, 30), ground.rng.choice(("MEDICARE", "COPPER"))
    _charge(ground, name, on, ECG, plan)
    _charge(ground, name, on - _DAY, ECG, "STUDY")
    yield _expected("wrong-payer", name, ECG, on, plan)


def _unmarked(ground: Ground, name: str) -> Iterator[Expected]:
    """Routine care goes to the insurance without a modifier and the number of the trial."""
    on = ground.ago(5, 30)
    _charge(ground, name, on, SCAN, "COPPER")
    _charge(ground, name, on - _DAY, SCAN, "COPPER", marks=("Q1",), nct=GUT.nct)
    yield _expected("unmarked", name, SCAN, on, "Q0 or Q1")


def _undecided(ground: Ground, name: str) -> Iterator[Expected]:
    """Nobody has decided who pays for a blood draw."""
    on = ground.ago(5, 30)
    _charge(ground, name, on, BLOODS, "STUDY")
    yield _expected("no-designation", name, BLOODS, on)


def _charge(
    ground: Ground, name: str, on: date, code: str, plan: str, *, marks: tuple[str, ...] = (),
    nct: str = "",
) -> None:  # fmt: skip
    who = ground.patients[ground.subjects[name].mrn]
    number = ground.number("charge")
    ground.sent.append(charged(GUT, who, number, on, code, plan, marks=marks, nct=nct))


def _expected(kind: str, name: str, code: str, on: date, *words: str) -> Expected:
    return Expected(CHECK, kind, (*name.split(), f"{code} of {on}", *words))
