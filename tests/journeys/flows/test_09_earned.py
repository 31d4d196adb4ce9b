"""A visit that is done earns money. What may be invoiced goes to the ERP, once and less what is
kept back; what the ERP bills and what the sponsor pays comes back to the very receivable; and the
CTMS is told, in its own numbers. The amounts are the same all the way."""

import base64
import csv
import itertools
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest

from crohub.sandbox import erp_books
from crohub.sandbox.tables import written

FLOW = "earned to the ERP"
SAP = "/sap/opu/odata/sap"
MEMOS = f"{SAP}/API_DEBIT_MEMO_REQUEST_SRV/A_DebitMemoRequest"
BILLED = f"{SAP}/API_BILLING_DOCUMENT_SRV/A_BillingDocument"
BACK = ("erp-invoices", "erp-receipts", "erp-clearings")
_numbers = itertools.count(1)


def earned(institute, number, amount="4250.00", kept="425.00", **more):
    """A row more in the finance office's table of what was earned with a subject of ONC-101; the
    hub has not read it yet."""
    table = Path(institute.institution.endpoints.systems["TABLES"]) / "receivables.csv"
    row = {
        "receivable_no": f"RCV-STORY-{next(_numbers)}", "protocol_no": "ONC-101",
        "sponsor_code": "org-lumen", "subject_number": number, "kind": "visit",
        "description": f"Cycle 2 Day 1, {number}", "earned_on": "2026-03-04",
        "invoiceable_on": "2026-03-04", "status": "invoiceable", "quantity": "1",
        "amount": amount, "holdback_amount": kept, "currency": "USD",
    } | more  # fmt: skip
    with table.open(newline="") as file:
        rows = [one for one in csv.DictReader(file) if one["receivable_no"] != row["receivable_no"]]
    table.write_bytes(written([*rows, row]))
    return row["receivable_no"]


@pytest.fixture
def who(institute):
    """A subject of ONC-101."""
    one = institute.enrols("onc101")
    institute.pull("ctms-demographics", "ctms-subjects")
    return one


def receivable(institute, number):
    return institute.record("receivables", "receivable_no", number)


def told(institute, *numbers):
    """The receivables, when the ERP has taken each."""
    institute.pull("finance-receivables")
    found = [receivable(institute, number) for number in numbers]
    ids = [one["id"] for one in found]
    institute.until(lambda: all(institute.delivered("flow-receivables", one) for one in ids))
    return found


def erp(institute, path, field, value):
    """What the ERP has, by its own door."""
    secret = f"CROHUB:{institute.systems['ERP_PASSWORD']}".encode()
    asked = quote(f"{field} eq '{value}'")
    said = institute.web(
        "ERP", f"{path}?$filter={asked}", authorization=f"Basic {base64.b64encode(secret).decode()}"
    )
    return said["d"]["results"]


def memo(institute, one):
    """The debit memo that the ERP made of a receivable: one, and no more."""
    [found] = erp(institute, MEMOS, "PurchaseOrderByCustomer", one["id"].replace("-", ""))
    return found


def paid(institute, *numbers):
    """Rows that the CTMS has taken in for these receivables, from files whose totals held."""
    rows = institute.institution.paid.read()
    assert institute.institution.paid.refused == {}
    return [row for row in rows if row["receivable_no"] in numbers]


def test_a_visit_that_is_done_is_invoiced_paid_and_told_to_the_ctms(institute, who):
    number = earned(institute, who.number)
    [one] = told(institute, number)
    asked = memo(institute, one)
    institute.pull("erp-invoices")
    billed = receivable(institute, number)
    erp_books.receive(institute.erp)
    institute.pull("erp-receipts", "erp-clearings")
    institute.until(lambda: paid(institute, number), "the CTMS's row")

    [item] = asked["to_Item"]
    assert item["to_PricingElement"][0]["ConditionRateValue"] == "3825.00"  # 4,250.00 less 10 %
    [document] = erp(institute, BILLED, "AccountingDocument", f"18{asked['DebitMemoRequest']}")
    assert (document["TotalNetAmount"], document["TransactionCurrency"]) == ("3825.00", "USD")
    assert billed["status"] == "invoiced"
    settled = receivable(institute, number)
    assert (settled["status"], settled["paid_amount"]) == ("paid", "3825.00")
    [row] = paid(institute, number)
    assert (row["protocol_id"], row["subject_id"]) == ("4000", str(who.key))
    assert (row["invoice_no"], row["paid_on"]) == (document["BillingDocument"], "2026-03-02")
    assert (row["earned"], row["kept_back"]) == ("4250.00", "425.00")
    assert (row["amount"], row["currency"]) == ("3825.00", "USD")


def test_a_payment_hangs_together_with_what_was_earned(institute, who):
    number = earned(institute, who.number)
    [one] = told(institute, number)
    erp_books.receive(institute.erp)
    institute.pull(*BACK)

    [part] = institute.records("payment-allocations", receivable=one["id"])
    payment = institute.get(f"/api/v1/payments/{part['payment']['id']}")
    invoice = institute.get(f"/api/v1/invoices/{part['invoice']['id']}")
    [line] = institute.records("invoice-lines", receivable=one["id"])
    assert part["amount"] == payment["amount"] == invoice["total_amount"] == line["amount"]
    assert line["invoice"]["id"] == invoice["id"]
    assert payment["party"]["id"] == invoice["party"]["id"] == one["sponsor"]["id"]
    assert one["enrollment"]["id"] == institute.record(
        "enrollments", "registration_no", who.key
    )["id"]  # fmt: skip


def test_the_totals_are_equal_at_every_stage_and_nothing_is_said_twice(institute, who):
    amounts = [("4250.00", "425.00", "USD"), ("0.10", "", "USD"), ("1234.56", "123.46", "EUR"),
               ("9999999.99", "0.01", "USD")]  # fmt: skip
    numbers = [earned(institute, who.number, a, k, currency=c) for a, k, c in amounts]
    ours = told(institute, *numbers)
    for _ in range(2):  # once more: nothing may come of it
        erp_books.receive(institute.erp)
        institute.pull(*BACK, "finance-receivables")
        institute.until(lambda: len(paid(institute, *numbers)) >= len(numbers))
        institute.rest()

    memos = [memo(institute, one) for one in ours]
    bills = [erp(institute, BILLED, "AccountingDocument", f"18{m['DebitMemoRequest']}")[0]
             for m in memos]  # fmt: skip
    parts = [p for one in ours for p in institute.records("payment-allocations",
                                                          receivable=one["id"])]  # fmt: skip
    rows = paid(institute, *numbers)
    assert _totals((c, Decimal(a) - Decimal(k or 0)) for a, k, c in amounts) == {
        "USD": Decimal("10003825.08"),
        "EUR": Decimal("1111.10"),
    }
    expected = _totals((c, Decimal(a) - Decimal(k or 0)) for a, k, c in amounts)
    assert _totals((b["TransactionCurrency"], b["TotalNetAmount"]) for b in bills) == expected
    assert _totals((p["currency"], p["amount"]) for p in parts) == expected
    assert _totals((r["currency"], r["amount"]) for r in rows) == expected
    assert len(memos) == len(parts) == len(rows) == len(numbers)
    assert [len(institute.deliveries("flow-receivables", one["id"])) for one in ours] == [1] * 4


def test_a_receipt_that_does_not_say_what_it_is_for_pays_nothing(institute):
    """S-0003's Cycle 2 Day 1: 3,825.00 came as R-7781, and nobody has put it anywhere."""
    number = earned(institute, "S-0003")
    [one] = told(institute, number)
    erp_books.receive(institute.erp)
    institute.pull(*BACK)
    institute.rest()

    came = [p for p in institute.records("payments") if p["reference"] == "R-7781"]
    assert [(p["amount"], p["currency"], p["status"]) for p in came] == [
        ("3825.00", "USD", "posted")
    ]
    assert institute.records("payment-allocations", payment=came[0]["id"]) == []
    assert receivable(institute, number)["status"] == "invoiced"
    assert paid(institute, number) == []
    assert institute.deliveries("flow-receivables", one["id"])[0]["confirmed"]


def test_what_is_earned_but_not_to_be_invoiced_yet_is_not_said(institute, who):
    number = earned(institute, who.number, status="earned", invoiceable_on="")
    institute.pull("finance-receivables")
    institute.rest()
    one = receivable(institute, number)
    nothing = institute.deliveries("flow-receivables", one["id"])
    earned(institute, who.number, receivable_no=number)
    [later] = told(institute, number)

    assert (one["status"], nothing) == ("earned", [])
    assert memo(institute, later)["TransactionCurrency"] == "USD"


def test_what_is_taken_back_and_may_be_invoiced_again_is_asked_for_once(institute, who):
    number = earned(institute, who.number)
    [one] = told(institute, number)
    first = memo(institute, one)
    for status in ("earned", "invoiceable"):
        earned(institute, who.number, receivable_no=number, status=status)
        [one] = told(institute, number)
    institute.rest()

    assert len(institute.delivered("flow-receivables", one["id"])) == 2
    assert memo(institute, one)["DebitMemoRequest"] == first["DebitMemoRequest"]


def test_a_sponsor_whom_the_erp_does_not_know_is_asked_for_nothing(institute, who):
    before = len(institute.erp.sets["A_DebitMemoRequest"])
    number = earned(institute, who.number, sponsor_code="org-nobody")
    institute.pull("finance-receivables")
    institute.rest()

    [waits] = institute.deliveries("flow-receivables", receivable(institute, number)["id"])
    assert (waits["state"], waits["detail"]) == ("waiting", "sponsor.key is not known yet")
    assert len(institute.erp.sets["A_DebitMemoRequest"]) == before
    assert institute.counts(FLOW)["held"] > 0


def _totals(said):
    totals = defaultdict(Decimal)
    for currency, amount in said:
        totals[currency] += Decimal(amount)
    return dict(totals)
