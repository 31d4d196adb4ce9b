"""The made-up ERP bills what it is asked for, once, and books it on two sides; whoever gets files
takes them whole."""

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors.formats import table_text
from crohub.sandbox import erp_books, erp_records
from crohub.sandbox.dropped import Dropped
from crohub.sandbox.erp_books import BILLING, JOURNAL, MEMO

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def erp():
    return erp_records.state(lambda: NOON)


def ask(erp, amount="3825.00", text="ONC-101 Cycle 1 Day 1, S-0001", quantity="1"):
    price = {"ConditionType": "PR00", "ConditionRateValue": amount, "ConditionCurrency": "USD"}
    item = {"Material": "STUDY", "RequestedQuantity": quantity, "DebitMemoRequestItemText": text,
            "to_PricingElement": [price]}  # fmt: skip
    return erp.make(MEMO, {"SoldToParty": "18", "TransactionCurrency": "USD", "to_Item": [item]})


def customers(erp, kind):
    return [row for row in erp.sets[JOURNAL] if row["AccountingDocumentType"] == kind
            and row["FinancialAccountType"] == "D" and "FiscalYear" in row]  # fmt: skip


def test_what_is_asked_for_is_billed_with_its_number(erp):
    memo = ask(erp, "10.05", quantity="3")

    [bill] = [row for row in erp.sets[BILLING] if row["SDDocumentCategory"] == "P"]
    [line] = bill["to_Item"]["results"]
    assert (bill["TotalNetAmount"], bill["PayerParty"]) == ("30.15", "18")
    assert line["ReferenceSDDocument"] == memo["DebitMemoRequest"]


def test_what_is_billed_is_paid_once_and_cleared(erp):
    before = len(customers(erp, "DZ"))
    ask(erp)
    erp_books.receive(erp)
    erp_books.receive(erp)

    [owed] = customers(erp, "RV")
    [receipt] = customers(erp, "DZ")[before:]
    assert receipt["AmountInCompanyCodeCurrency"] == "-3825.00"
    assert owed["ClearingAccountingDocument"] == receipt["AccountingDocument"]


def test_what_does_not_say_what_it_is_for_clears_nothing(erp):
    ask(erp, text="ONC-101 Cycle 2 Day 1, S-0003")
    erp_books.receive(erp)

    [owed] = customers(erp, "RV")
    assert "ClearingAccountingDocument" not in owed
    assert [row["AssignmentReference"] for row in customers(erp, "DZ")][-1] == "R-7781"


def test_the_two_sides_of_each_document_are_even(erp):
    for amount in ("3825.00", "0.01", "99999999.99"):
        ask(erp, amount)
    erp_books.receive(erp)

    sums = defaultdict(Decimal)
    for row in erp.sets[JOURNAL]:
        if row["AccountingDocument"][:3] in ("187", "147"):
            sums[row["AccountingDocument"]] += Decimal(row["AmountInCompanyCodeCurrency"])
    assert len(sums) == 6
    assert set(sums.values()) == {0}


def table(rows):
    return table_text.written(("no", "amount"), rows, totals="TRL", sums=("amount",))


def test_a_file_is_taken_once_and_only_whole(tmp_path):
    whole = table([("1", "10.00"), ("2", "-0.50")])
    (tmp_path / "a.csv").write_bytes(whole)
    (tmp_path / "b.csv").write_bytes(whole[:-20])
    (tmp_path / "c.csv").write_bytes(whole.replace(b"10.00", b"70.00"))
    (tmp_path / "d.csv").write_bytes(b"no,amount\r\n1,10.00\r\n")
    box = Dropped(tmp_path)

    rows = [box.read(), box.read()]

    assert rows[0] == rows[1] == [{"no": "1", "amount": "10.00"}, {"no": "2", "amount": "-0.50"}]
    assert set(box.refused) == {"b.csv", "c.csv", "d.csv"}
