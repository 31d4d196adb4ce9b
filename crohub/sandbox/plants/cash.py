"""Where money leaks between a visit and the bank.

Controls: a visit that is a few days old, one that was earned, what was earned last week, an invoice
that is paid in full, one that is due tomorrow, money that came yesterday.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from crohub.sandbox.plants import money_words, oncore_words
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.money_words import NET
from crohub.sandbox.plants.trials import GUT

CHECK = "cash"
VISIT = "C2D1"
_DAY = timedelta(days=1)


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind once."""
    for kind in (_not_earned, _not_invoiced, _kept_back, _not_paid, _unallocated):
        yield from kind(ground)


def _not_earned(ground: Ground) -> Iterator[Expected]:
    name, recent, earned = (ground.enrol(GUT) for _ in range(3))
    on = ground.ago(18, 22)
    for who, day in ((name, on), (recent, ground.ago(3, 9)), (earned, on)):
        one = ground.subjects[who]
        ground.put(oncore_words.visit(GUT, one, VISIT, f"{day}", f"{day}"))
    _earn(ground, earned, on, "earned", appointment_no=f"{earned} {VISIT}")
    yield Expected(CHECK, "not-earned", (*name.split(), "Cycle 2 Day 1", f"{on}", "4,250.00"))


def _not_invoiced(ground: Ground) -> Iterator[Expected]:
    """May be invoiced since long ago; another since last week. A hub that is told of it has the ERP
    invoice both."""
    name, on = ground.enrol(GUT), ground.ago(55, 80)
    _earn(ground, name, on, "invoiceable", invoiceable_on=f"{on}")
    week = ground.ago(5, 9)
    _earn(ground, ground.enrol(GUT), week, "invoiceable", invoiceable_on=f"{week}")
    yield Expected(CHECK, "not-invoiced", (*name.split(), "4,250.00", f"{on}"), mended=True)


def _kept_back(ground: Ground) -> Iterator[Expected]:
    """Half of what was agreed is kept back."""
    name, on = ground.enrol(GUT), ground.ago(5, 30)
    _earn(ground, name, on, "earned")
    ground.at("tables/receivables", f"{GUT.number} {name.split()[1]}")["holdback_amount"] = "212.50"
    yield Expected(CHECK, "holdback-differs", (*name.split(), f"{on}", "212.50", "425.00"))


def _not_paid(ground: Ground) -> Iterator[Expected]:
    due = ground.ago(20, 40)
    number = _invoice(ground, due)
    _invoice(ground, ground.today + _DAY)
    paid = _invoice(ground, due, status="paid", paid_amount=NET)
    on = due - 2 * _DAY
    ground.book(money_words.received(GUT, paid, on, NET), on)
    ground.put(money_words.allocated(GUT, paid, f"INV-{paid}", NET, on))
    yield Expected(CHECK, "not-paid", (
        GUT.number, f"{1_900_000_000 + number}", f"{due}", "3,825.00",
    ))  # fmt: skip


def _unallocated(ground: Ground) -> Iterator[Expected]:
    """A receipt that says no word of what it is for: the CTMS does not have it as paid, either."""
    number, on = ground.number("money"), ground.ago(15, 30)
    yesterday = ground.today - _DAY
    ground.book(money_words.received(GUT, number, on, NET), on)
    ground.book(money_words.received(GUT, ground.number("money"), yesterday, NET), yesterday)
    yield Expected(CHECK, "unallocated", (GUT.number, f"R-{9000 + number}", f"{on}", "3,825.00"))
    yield Expected("ledger", "paid-differs", (GUT.number, "3,825.00 USD", "11,475.00 USD"))


def _earn(ground: Ground, name: str, on: date, status: str, **more: str) -> None:
    number = name.split()[1]
    more |= {"subject_number": number, "description": f"Cycle 2 Day 1, {number}"}
    ground.put(money_words.earned(GUT, number, on, status, **more))


def _invoice(ground: Ground, due: date, status: str = "invoiced", **more: str) -> int:
    """An invoice that the ERP posted a month before it is due, of something that was earned."""
    number, on = ground.number("money"), due - 30 * _DAY
    ground.put(money_words.earned(GUT, f"INV-{number}", on, status, **more))
    ground.book(money_words.invoiced(GUT, number, on, due, NET, total_amount=NET), on)
    return number
