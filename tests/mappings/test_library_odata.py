"""The packaged mappings of an ERP that speaks OData, in and out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from connectors.record import Record
from hub.statement import Identifier, Stated
from mappings.cases import run_cases
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.outbound import Wait, outbound
from mappings.setting import Setting
from mappings.values import NotUnderstood
from tests.mappings.test_library_outbound import Shown

CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)
NAMES = [name for name in LIBRARY.inbound if name.startswith("odata/")]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_has_two_cases_or_more_and_they_hold(name):
    spec = LIBRARY.inbound[name]

    assert [str(failure) for failure in run_cases(spec, CODES)] == []
    assert len(spec.cases) >= 2


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("/Date(1772323200000)/", "2026-03-01"),
        ("/Date(1772323200000+0000)/", "2026-03-01"),
        ("/Date(-86400000)/", "1969-12-31"),
        ("2026-03-01", "2026-03-01"),
        ("/Date(999999999999999)/", None),
    ],
)
def test_a_date_is_read_as_either_version_writes_it(written, day):
    body = {"CompanyCode": "1", "FiscalYear": "2026", "AccountingDocument": "1",
            "LedgerGLLineItem": "1", "PostingDate": written}  # fmt: skip
    record = Record(
        stream="ledger", message_key="1", at=NOON, body=json.dumps(body).encode(),
        media="application/json",
    )  # fmt: skip
    (said,) = (
        one for one in LIBRARY.reader(["odata/ledger-entry"])(record).statements
        if isinstance(one, Stated)
    )  # fmt: skip

    assert said.fields.get("posted_on") == day


def say(name, view):
    mapping = outbound(LIBRARY.outbound[name], Setting(codes=CODES))
    return mapping.render(view, delivery_id="D1", now=NOON)


def invoice(key="18", **changes):
    fields = {"direction": "ar", "state": "approved", "invoice_no": "ONC-7", "currency": "USD",
              "subtotal_amount": "100.50", "issued_on": "2026-03-01"} | changes  # fmt: skip
    study = Shown(ids=[Identifier("sponsor_protocol_no", "ONC-101", "SPONSOR")])
    return Shown(fields, {"party": Shown(key=key), "study": study})


def test_an_erp_is_asked_for_a_debit_memo_with_its_item_and_our_number():
    delivery = say("odata/invoice", invoice())
    body = json.loads(delivery.body)

    assert delivery.target == {"object": "debit_memo", "id": "0198-1"}
    assert body["SoldToParty"] == "18"
    assert body["DebitMemoRequestDate"] == "2026-03-01T00:00:00"
    (item,) = body["to_Item"]
    assert item["DebitMemoRequestItemText"] == "ONC-101 ONC-7"
    assert item["to_PricingElement"][0]["ConditionRateValue"] == "100.50"


def test_no_debit_memo_for_whom_the_erp_does_not_know_or_for_what_we_owe():
    assert isinstance(say("odata/invoice", invoice(key=None)), Wait)
    assert isinstance(say("odata/invoice", invoice(issued_on=None)), Wait)
    mapping = outbound(LIBRARY.outbound["odata/invoice"], Setting(codes=CODES))
    before = invoice(state="draft")
    assert mapping.wants(invoice(), before)
    assert not mapping.wants(invoice(direction="ap"), before)


def test_what_may_be_invoiced_without_an_invoice_is_asked_for_as_well():
    fields = {"status": "invoiceable", "amount": "75.25", "currency": "USD",
              "description": "Cycle 1 Day 1", "invoiceable_on": "2026-03-01"}  # fmt: skip
    delivery = say("odata/receivable", Shown(fields, {"sponsor": Shown(key="18")}))

    (item,) = json.loads(delivery.body)["to_Item"]
    assert item["DebitMemoRequestItemText"] == "Cycle 1 Day 1"
    assert item["to_PricingElement"][0]["ConditionRateValue"] == "75.25"


@pytest.mark.parametrize(
    ("amount", "kept", "asked"),
    [
        ("4250.00", "425.00", "3825.00"),
        ("4250.00", None, "4250.00"),
        ("0.30", "0.1", "0.20"),  # 0.3 - 0.1 is no 0.2 to a computer that rounds
        ("12345678901234567890.05", "0.01", "12345678901234567890.04"),
        ("425.00", "425.00", "0.00"),
    ],
)
def test_what_is_kept_back_is_not_asked_for(amount, kept, asked):
    fields = {"status": "invoiceable", "amount": amount, "holdback_amount": kept,
              "currency": "USD", "invoiceable_on": "2026-03-01"}  # fmt: skip
    delivery = say("odata/receivable", Shown(fields, {"sponsor": Shown(key="18")}))

    (item,) = json.loads(delivery.body)["to_Item"]
    assert item["to_PricingElement"][0]["ConditionRateValue"] == asked


def test_more_kept_back_than_earned_is_nothing_to_ask_for():
    fields = {"status": "invoiceable", "amount": "100.00", "holdback_amount": "100.01",
              "currency": "USD", "invoiceable_on": "2026-03-01"}  # fmt: skip

    with pytest.raises(NotUnderstood, match="no larger than the amount"):
        say("odata/receivable", Shown(fields, {"sponsor": Shown(key="18")}))


def test_what_is_paid_counts_after_what_was_billed_on_the_same_day():
    def at(name, body):
        record = Record(stream="s", message_key="1", at=NOON, body=json.dumps(body).encode(),
                        media="application/json")  # fmt: skip
        [one] = [said for said in LIBRARY.reader([name])(record).statements
                 if said.entity == "Receivable"]  # fmt: skip
        return one.fields["status"], one.at

    day = "/Date(1772323200000)/"
    items = {"results": [{"BillingDocumentItem": "10", "ReferenceSDDocument": "7"}]}
    billed = at("odata/receivable-billed", {
        "BillingDocument": "9", "SDDocumentCategory": "P", "BillingDocumentDate": day,
        "BillingDocumentIsCancelled": False, "to_Item": items,
    })  # fmt: skip
    paid = at("odata/receivable-cleared", {
        "CompanyCode": "1", "FiscalYear": "2026", "AccountingDocument": "18",
        "LedgerGLLineItem": "1", "FinancialAccountType": "D", "DebitCreditCode": "S",
        "SalesDocument": "7", "ClearingAccountingDocument": "14", "ClearingDate": day,
        "AmountInCompanyCodeCurrency": "1.00",
    })  # fmt: skip

    assert (billed[0], paid[0]) == ("invoiced", "paid")
    assert billed[1] < paid[1]
