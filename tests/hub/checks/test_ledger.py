"""Check 11: the money of a study in the CTMS and in the ERP."""

from __future__ import annotations

import pytest

from hub.statement import Identifier, Stated
from tests.hub.checks.test_cash import earned, invoice, payment
from tests.hub.checks.test_enrolment import study


@pytest.fixture
def told(tell):
    """The CTMS has 3,825.00 on an invoice (10 % of 4,250.00 kept back), and paid."""

    def say(*erp, paid="3825.00"):
        tell(study(), earned("R1", "2026-03-04", "paid", holdback_amount="425.00",
                             paid_amount=paid), system="ctms")  # fmt: skip
        tell(study(), *erp, system="erp")

    return say


def test_all_three_agree(told, found):
    told(invoice("900017", "2026-04-04"), payment("R-7781", "2026-03-10"))

    assert found("ledger") == []


def test_the_erp_has_posted_less(told, found):
    told(invoice("900017", "2026-04-04", total_amount="3800.00"), payment("R-1", "2026-03-10"))

    [one] = found("ledger")

    assert one.kind == "posted-differs"
    assert one.sentence == (
        "ONC-101: 3,825.00 USD are invoiced in the CTMS, and 3,800.00 USD are posted in the ERP: a "
        "difference of 25.00."
    )
    assert [(e.system, e.says) for e in one.evidence] == [
        ("ctms", "3,825.00 USD"), ("erp", "3,800.00 USD"),
    ]  # fmt: skip
    assert str(one.since) == "2026-03-04"


def test_a_credit_note_is_taken_off(told, found):
    told(invoice("900017", "2026-04-04", total_amount="3850.00"),
         invoice("900018", "2026-04-04", kind="credit_note", total_amount="25.00"),
         payment("R-1", "2026-03-10"))  # fmt: skip

    assert found("ledger") == []


def test_the_erp_has_received_what_the_ctms_does_not_know_of(told, found):
    told(invoice("900017", "2026-04-04"), payment("R-7781", "2026-03-10"), paid="0.00")

    [one] = found("ledger")

    assert one.sentence == (
        "ONC-101: 0.00 USD are paid in the CTMS, and 3,825.00 USD are received in the ERP: a "
        "difference of 3,825.00."
    )


def test_an_erp_that_does_not_speak_of_the_study_lacks_nothing(tell, found):
    tell(study(), earned("R1", "2026-03-04", "invoiced"), system="ctms")

    assert found("ledger") == []


def test_one_invoice_in_two_ways(told, tell, found):
    number = (Identifier("invoice_no", "I-1", "CM"),)

    def numbered(total):
        said = invoice("900017", "2026-04-04", total_amount=total)
        return Stated(entity="Invoice", key="900017", identifiers=number, fields=said.fields)

    told(numbered("3825.00"), payment("R-7781", "2026-03-10"))
    tell(study(), numbered("3900.00"), system="ctms")

    [one] = found("ledger")

    assert one.kind == "invoice-differs"
    assert "3,825.00 USD in the ERP" in one.sentence
    assert "3,900.00 USD in the CTMS" in one.sentence
