"""What follows in the made-up ERP from a debit memo that it was asked for: it is billed at once,
the sponsor pays, and the money is put to the invoice that it is for.

Every document is booked on two sides. A receipt that says no word of what it is for stays as it
came, until a person puts it somewhere.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from crohub.sandbox.erp import ErpState, Row, day, ticks

JOURNAL, BILLING, MEMO = "A_JournalEntryItemBasic", "A_BillingDocument", "A_DebitMemoRequest"
COMPANY = "1010"
RECEIVABLES = "0012100000"
_AGAINST = {"RV": "0041000000", "DZ": "0011001000"}  # revenue, the bank
UNSAID = {"Cycle 2 Day 1, S-0003": "R-7781"}  # what is billed, and the receipt that does not say so
_LINE = ("AccountingDocument", "LedgerGLLineItem")


def keep(erp: ErpState) -> None:
    """Has the ERP bill what it is asked for."""
    erp.made = partial(_bill, erp)


def receive(erp: ErpState) -> None:
    """Sponsors pay what they were billed and have not paid."""
    with erp.writing:
        booked = {row["AccountingDocument"] for row in erp.sets[JOURNAL]}
        for row in [row for row in erp.sets[JOURNAL] if row.get("SalesDocument")]:
            if _receipt(row) not in booked:
                _receive(erp, row)


def _bill(erp: ErpState, name: str, memo: Row) -> None:
    if name != MEMO:
        return
    number, [item] = memo[MEMO.removeprefix("A_")], memo["to_Item"]
    on, net = erp.now().date(), _net(item)
    money = {"TransactionCurrency": memo["TransactionCurrency"]}
    line = {"BillingDocumentItem": "10", "ReferenceSDDocument": number, "NetAmount": net,
            "BillingQuantity": item["RequestedQuantity"],
            "BillingDocumentItemText": item["DebitMemoRequestItemText"]} | money  # fmt: skip
    billed = {
        "BillingDocument": f"91{number[2:]}", "SDDocumentCategory": "P",
        "AccountingDocument": f"18{number}", "BillingDocumentDate": day(on),
        "PayerParty": memo["SoldToParty"], "TotalNetAmount": net, "TotalTaxAmount": "0.00",
        "TotalGrossAmount": net, "BillingDocumentIsCancelled": False,
        "LastChangeDateTime": ticks(erp.now(), offset=True), "to_Item": {"results": [line]},
    }  # fmt: skip
    erp.put(BILLING, ("BillingDocument",), **billed | money)
    said = {"Customer": memo["SoldToParty"], "AssignmentReference": number,
            "SalesDocument": number, "DocumentItemText": line["BillingDocumentItemText"],
            "CompanyCodeCurrency": memo["TransactionCurrency"]}  # fmt: skip
    _book(erp, "RV", billed["AccountingDocument"], said, Decimal(net))


def _net(item: Row) -> str:
    """What an item comes to: its price times how many."""
    price = sum(Decimal(one["ConditionRateValue"]) for one in item["to_PricingElement"])
    return f"{price * Decimal(item['RequestedQuantity']):.2f}"


def _receive(erp: ErpState, owed: Row) -> None:
    """The sponsor's money, put to the invoice where it says which."""
    receipt, currency = _receipt(owed), owed["CompanyCodeCurrency"]
    unsaid = [no for who, no in UNSAID.items() if who in owed["DocumentItemText"]]
    said = {"Customer": owed["Customer"], "CompanyCodeCurrency": currency,
            "AssignmentReference": unsaid[0] if unsaid else f"R-{receipt[-5:]}"}  # fmt: skip
    _book(erp, "DZ", receipt, said, -Decimal(owed["AmountInCompanyCodeCurrency"]))
    if not unsaid:
        on = erp.now().date()
        cleared = {"ClearingAccountingDocument": receipt, "ClearingDocFiscalYear": f"{on.year}",
                   "ClearingDate": day(on), "LedgerGLLineItem": "000001"}  # fmt: skip
        for document in (owed["AccountingDocument"], receipt):
            erp.put(JOURNAL, _LINE, AccountingDocument=document, **cleared)


def _receipt(owed: Row) -> str:
    return f"14{owed['SalesDocument']}"


def _book(erp: ErpState, kind: str, document: str, said: Row, amount: Decimal) -> None:
    """A document of two lines: what is `said` on the customer's account, and the other side."""
    on = erp.now().date()
    head = {
        "Ledger": "0L", "CompanyCode": COMPANY, "FiscalYear": f"{on.year}",
        "AccountingDocument": document, "AccountingDocumentType": kind,
        "PostingDate": day(on), "DocumentDate": day(on), "FiscalPeriod": f"{on.month:03}",
        "CreationDate": day(on), "CompanyCodeCurrency": said["CompanyCodeCurrency"],
    }  # fmt: skip
    theirs = {"GLAccount": RECEIVABLES, "FinancialAccountType": "D"} | said
    ours = {"GLAccount": _AGAINST[kind], "FinancialAccountType": "S"}
    for place, (side, money) in enumerate(((theirs, amount), (ours, -amount)), 1):
        sign = {"DebitCreditCode": "S" if money > 0 else "H", "LedgerGLLineItem": f"{place:06}"}
        erp.put(JOURNAL, _LINE, **head | side | sign, AmountInCompanyCodeCurrency=f"{money:.2f}")
