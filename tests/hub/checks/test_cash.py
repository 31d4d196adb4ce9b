"""Check 6: each step from a visit to the cash, and where it leaks."""

from __future__ import annotations

import pytest

from hub.statement import Ref, Stated
from tests.hub.checks.test_enrolment import study, subject

PAYER = Stated(entity="Organization", key="ACME", fields={"name": "Acme Pharma"})


def of(entity, key, **fields):
    return Stated(entity=entity, key=key, fields={"study": Ref("Study", "p1")} | fields)


def visit(key, on, status="completed"):
    fields = {"enrollment": Ref("Enrollment", "S-0003"), "visit_def": Ref("VisitDef", "C2D1"),
              "status": status, "actual_on": on}  # fmt: skip
    return Stated(entity="ParticipantVisit", key=key, fields=fields)


def earned(key, on, status="earned", **fields):
    said = {"enrollment": Ref("Enrollment", "S-0003"), "status": status, "earned_on": on,
            "amount": "4250.00", "currency": "USD",
            "budget_line": Ref("BudgetLine", "L1")}  # fmt: skip
    return of("Receivable", key, **said, **fields)


@pytest.fixture
def ctms(tell):
    """A visit of 4,250.00 with 10 % kept back, and one that was earned, invoiced and paid."""

    def says(*given):
        tell(
            study(), PAYER, subject("S-0003", "on_treatment"), of("VisitDef", "C2D1", name="C2D1"),
            of("BudgetLine", "L1", name="C2D1", visit_def=Ref("VisitDef", "C2D1"),
               unit_amount="4250.00", currency="USD", holdback_percent="10"),
            earned("R0", "2026-01-10", "paid", holdback_amount="425.00",
                   participant_visit=Ref("ParticipantVisit", "v0")),
            visit("v0", "2026-01-10"), *given, system="ctms",
        )  # fmt: skip

    return says


def test_a_visit_that_earned_nothing(ctms, found):
    ctms(visit("v1", "2026-02-10"), visit("v2", "2026-03-04"), visit("v3", "2026-02-01", "missed"))

    [one] = found("cash")

    assert one.kind == "not-earned"
    assert one.sentence == (
        "ONC-101 S-0003: C2D1 was held on 2026-02-10, the budget pays 4,250.00 USD for it, and "
        "nothing was earned with it."
    )
    assert str(one.since) == "2026-02-24"


def test_what_lies_about_and_is_on_no_invoice(ctms, found):
    ctms(earned("R1", "2026-01-05", holdback_amount="425.00"),
         earned("R2", "2026-03-01", holdback_amount="425.00"))  # fmt: skip

    [one] = found("cash")

    assert one.sentence == (
        "ONC-101 S-0003: 4,250.00 USD earned on 2026-01-05 are on no invoice yet."
    )
    assert str(one.since) == "2026-02-19"


def test_another_share_is_kept_back_than_was_agreed(ctms, found):
    ctms(earned("R1", "2026-03-01", holdback_amount="212.50"))

    [one] = found("cash")

    assert one.kind == "holdback-differs"
    assert one.sentence == (
        "ONC-101 S-0003: 4,250.00 USD earned on 2026-03-01: 212.50 are kept back, and the agreed "
        "10 % would be 425.00."
    )


@pytest.fixture
def erp(tell, ctms):
    ctms()

    def says(*given):
        tell(Stated(entity="Study", key="p1", identifiers=study().identifiers, fields={}),
             PAYER, *given, system="erp")  # fmt: skip

    return says


def invoice(key, due, **fields):
    said = {"direction": "ar", "kind": "invoice", "state": "sent", "posted_no": key,
            "party": Ref("Organization", "ACME"), "issued_on": "2026-01-01", "due_on": due,
            "total_amount": "3825.00", "currency": "USD"}  # fmt: skip
    return of("Invoice", key, **said | fields)


def payment(key, on, amount="3825.00", **fields):
    said = {"direction": "received", "status": "posted", "reference": key, "paid_on": on,
            "party": Ref("Organization", "ACME"), "amount": amount, "currency": "USD"}  # fmt: skip
    return of("Payment", key, **said | fields)


def tie(key, amount, **refs):
    fields = {name: Ref(*ref) for name, ref in refs.items()}
    return of("PaymentAllocation", key, amount=amount, currency="USD", **fields)


def test_an_invoice_past_its_day_with_money_owed(erp, found):
    erp(invoice("900017", "2026-02-01"), invoice("900018", "2026-02-01"),
        invoice("900019", "2026-03-10"), payment("R-1", "2026-02-20"),
        tie("A1", "3800.00", payment=("Payment", "R-1"), invoice=("Invoice", "900017")),
        tie("A2", "25.00", payment=("Payment", "R-1"), invoice=("Invoice", "900018")))  # fmt: skip

    first, second = found("cash")

    assert first.sentence == (
        "ONC-101: invoice 900017 to Acme Pharma was due on 2026-02-01, and 25.00 of 3,825.00 USD "
        "are not paid."
    )
    assert "invoice 900018" in second.sentence
    assert "3,800.00 of 3,825.00" in second.sentence
    assert {one.act for one in (first, second)} == {"accounts receivable"}


def test_money_that_is_tied_to_nothing(erp, found):
    erp(payment("R-7781", "2026-02-20"), payment("R-7782", "2026-03-10"),
        payment("R-7783", "2026-02-20", status="reversed"))  # fmt: skip

    [one] = found("cash")

    assert one.kind == "unallocated"
    assert one.sentence == (
        "ONC-101: receipt R-7781 of 2026-02-20 over 3,825.00 USD from Acme Pharma: 3,825.00 are "
        "tied to no invoice and to nothing earned."
    )
    assert str(one.since) == "2026-03-02"


def test_all_is_well_where_each_step_follows(erp, found):
    erp(invoice("900017", "2026-02-01", state="paid"), payment("R-1", "2026-01-20"),
        tie("A1", "3825.00", payment=("Payment", "R-1"), invoice=("Invoice", "900017")),
        )  # fmt: skip

    assert found("cash") == []
