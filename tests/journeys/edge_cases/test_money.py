"""Awards, invoices and payments as they are: extended, credited too far, in another currency."""

from __future__ import annotations

from decimal import Decimal

AWARD = {"award_no": "AWARD-1", "title": "A trial of X", "kind": "grant", "status": "active",
         "start_on": "2025-07-01", "end_on": "2026-06-30", "original_end_on": "2026-06-30",
         "obligated_amount": "250000.00", "currency": "USD"}  # fmt: skip


def test_13_an_award_gets_more_time_and_no_more_money(told):
    """The sponsor extends the grant by a year at no cost. The award has its new last day beside the
    first one and the same money; what ended when is asked of the past; no step was illegal."""
    told.says("awards", AWARD)
    told.day("2026-05-04")
    told.says("awards", AWARD | {"status": "no_cost_ext", "end_on": "2027-06-30"})

    award = told.one("Award")
    assert (award["status"], award["end_on"], award["original_end_on"]) == (
        "no_cost_ext", "2027-06-30", "2026-06-30")  # fmt: skip
    assert told.values(award, "Award", "obligated_amount") == ["250000.00"]
    before = told.then(award, "Award", as_of="2026-05-03")
    assert (before["status"], before["end_on"]) == ("active", "2026-06-30")
    assert told.findings() == []


BILLED = {"BillingDocument": "90000012", "AccountingDocument": "1800000044",
          "SDDocumentCategory": "M", "BillingDocumentIsCancelled": False,
          "TotalGrossAmount": "1250.10", "TransactionCurrency": "USD"}  # fmt: skip
CREDIT = {"invoice_no": "90000031", "direction": "ar", "kind": "credit_note", "state": "sent",
          "corrects_no": "90000012", "total_amount": "1500.35", "currency": "USD"}  # fmt: skip


def test_14_a_credit_note_is_larger_than_the_invoice_that_it_corrects(told):
    """SAP billed 1,250.10; the credit note that corrects it is 1,500.35, since a visit of an
    earlier invoice goes with it. Both stand as they were issued, to the cent and tied to one
    another: nothing is cut to fit, and what is owed comes out below zero."""
    told.numbers = {"office": "billing"}
    told.says("billing", BILLED)
    told.says("invoices", CREDIT)

    invoice, note = (told.one("Invoice", kind=kind) for kind in ("invoice", "credit_note"))
    assert note["corrects"]["id"] == invoice["id"]
    assert (invoice["total_amount"], note["total_amount"]) == ("1250.10", "1500.35")
    owed = Decimal(invoice["total_amount"]) - Decimal(note["total_amount"])
    assert owed == Decimal("-250.25")
    told.says("billing", BILLED)
    assert told.one("Invoice", kind="invoice")["version"] == invoice["version"]
    assert told.findings() == []


def test_15_a_budget_is_in_euros_and_its_payment_comes_in_dollars(told):
    """The budget was agreed in euros, and the sponsor pays in dollars. Every amount keeps the
    currency that it was said in; the rate stands where the payment is allocated, as the ERP has it.
    When the budget itself is moved to dollars, the amount and its currency change together."""
    budget = {"budget_no": "B-1", "kind": "sponsor", "status": "approved",
              "total_amount": "1000.00", "currency": "EUR"}  # fmt: skip
    told.says("budgets", budget)
    told.says("payments", {"payment_no": "P-1", "direction": "received", "status": "posted",
                           "amount": "1083.20", "currency": "USD"})  # fmt: skip
    told.says("allocations", {"allocation_no": "A-1", "payment_no": "P-1", "amount": "1000.00",
                              "currency": "EUR", "exchange_rate": "1.0832"})  # fmt: skip

    allocation, payment = told.one("PaymentAllocation"), told.one("Payment")
    assert allocation["payment"]["id"] == payment["id"]
    assert (payment["amount"], payment["currency"]) == ("1083.20", "USD")
    shown = (allocation["amount"], allocation["currency"], allocation["exchange_rate"])
    assert shown == ("1000.00", "EUR", "1.0832")
    assert told.one("Budget")["currency"] == "EUR"

    told.day("2026-04-01")
    told.says("budgets", budget | {"total_amount": "1083.20", "currency": "USD"})
    now = told.one("Budget")
    before = told.then(now, "Budget", as_of="2026-03-31")
    assert (now["total_amount"], now["currency"]) == ("1083.20", "USD")
    assert (before["total_amount"], before["currency"]) == ("1000.00", "EUR")
    assert told.findings() == []
