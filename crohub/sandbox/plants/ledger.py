"""Studies of which the CTMS's money and the ERP's are not the same.

The control is a study of which all three agree: invoiced, posted and paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from crohub.sandbox.plants import money_words
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.money_words import NET
from crohub.sandbox.plants.trials import BREATH, JOINT, LUNG, SKIN
from crohub.sandbox.studies import Study

CHECK = "ledger"
_DAY = timedelta(days=1)


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind on a study of its own."""
    yield from _posted_less(ground)
    yield from _paid_less(ground)
    yield from _two_totals(ground)
    number, on = _billed(ground, LUNG, NET, "paid", total_amount=NET)
    _paid(ground, LUNG, number, on, NET)


def _posted_less(ground: Ground) -> Iterator[Expected]:
    less = f"{ground.rng.randint(3000, 3700)}.00"
    _billed(ground, SKIN, less, "invoiced")
    yield _expected("posted-differs", SKIN, less)


def _paid_less(ground: Ground) -> Iterator[Expected]:
    less = f"{ground.rng.randint(3000, 3700)}.00"
    number, on = _billed(ground, JOINT, NET, "paid", total_amount=NET)
    _paid(ground, JOINT, number, on, less)
    yield _expected("paid-differs", JOINT, less)


def _two_totals(ground: Ground) -> Iterator[Expected]:
    """What was earned is what the ERP posted; finance's copy of the invoice says more."""
    less = f"{ground.rng.randint(3000, 3700)}.00"
    number, _ = _billed(ground, BREATH, less, "invoiced", total_amount=NET)
    row = ground.at("tables/receivables", f"{BREATH.number} INV-{number}")
    row.update(amount=less, holdback_amount="")
    yield _expected("invoice-differs", BREATH, less)


def _billed(ground: Ground, study: Study, total: str, status: str, **told: str) -> tuple[int, date]:
    number, on = ground.number("money"), ground.ago(30, 40)
    more = {"paid_amount": NET} if status == "paid" else {}
    ground.put(money_words.earned(study, f"INV-{number}", on, status, **more))
    due = ground.today + 9 * _DAY
    ground.book(money_words.invoiced(study, number, on, due, total, **told), on)
    return number, on


def _paid(ground: Ground, study: Study, number: int, on: date, amount: str) -> None:
    paid = on + 15 * _DAY
    ground.book(money_words.received(study, number, paid, amount), paid)
    ground.put(money_words.allocated(study, number, f"INV-{number}", amount, paid))


def _expected(kind: str, study: Study, less: str) -> Expected:
    return Expected(CHECK, kind, (study.number, "3,825.00 USD", f"{float(less):,.2f} USD"))
