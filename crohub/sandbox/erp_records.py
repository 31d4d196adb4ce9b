"""The institution's books as its ERP shows them: sponsors as customers, the research cost centre,
and what was billed and received for each study that a sponsor pays for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from crohub.sandbox import erp_books, finance_records
from crohub.sandbox.erp import ErpState, Row, day
from crohub.sandbox.erp_books import BILLING, COMPANY, JOURNAL, RECEIVABLES
from crohub.sandbox.studies import SPONSORS, STUDIES, Study

_SETS = (
    "A_BusinessPartner", "A_CostCenter", JOURNAL, BILLING, "A_SupplierInvoice", erp_books.MEMO,
)  # fmt: skip
CUSTOMERS = {key: str(18 + place) for place, key in enumerate(SPONSORS)}
_LABORATORY = "17"


def state(now: Callable[[], datetime]) -> ErpState:
    """An ERP with its books, and `now` for its clock. What it is asked to bill it bills."""
    erp = ErpState(sets={name: [] for name in _SETS}, now=now)
    erp_books.keep(erp)
    for row in (*_partners(), _supplier()):
        erp.put("A_BusinessPartner", ("BusinessPartner",), BusinessPartnerCategory="2", **row)
    erp.put("A_CostCenter", ("CostCenter",), **_cost_centre())
    erp.put("A_SupplierInvoice", ("SupplierInvoice",), **_owed())
    for place, study in enumerate(STUDIES):
        if study.sponsor != "org-cedar":
            erp.put(BILLING, ("BillingDocument",), **_billed(study, place))
            erp.put(JOURNAL, ("AccountingDocument",), **_received(study, place))
    return erp


def _partners() -> Iterator[Row]:
    for key, number in CUSTOMERS.items():
        yield {"BusinessPartner": f"10{number}", "Customer": number, "Supplier": "",
               "BusinessPartnerFullName": SPONSORS[key],
               "BusinessPartnerIsBlocked": False}  # fmt: skip


def _supplier() -> Row:
    return {"BusinessPartner": f"10{_LABORATORY}", "Supplier": _LABORATORY, "Customer": "",
            "BusinessPartnerFullName": "Lab Works (invented)",
            "BusinessPartnerIsBlocked": False}  # fmt: skip


def _cost_centre() -> Row:
    name = {"Language": "EN", "CostCenterName": "Clinical studies"}
    return {"ControllingArea": "A000", "CostCenter": "0017101101", "CompanyCode": COMPANY,
            "ValidityStartDate": day(date(2024, 1, 1)),
            "ValidityEndDate": "/Date(253402214400000)/",  # the last day of 9999
            "to_Text": {"results": [name]}}  # fmt: skip


def _billed(study: Study, place: int) -> Row:
    on = study.started + timedelta(days=90)
    return {
        "BillingDocument": finance_records.billed(study), "SDDocumentCategory": "M",
        "BillingDocumentDate": day(on), "AccountingDocument": f"{1800000001 + place}",
        "PayerParty": CUSTOMERS[study.sponsor], "TotalNetAmount": "3825.00",
        "TotalTaxAmount": "0.00", "TotalGrossAmount": "3825.00", "TransactionCurrency": "USD",
        "BillingDocumentIsCancelled": False, "LastChangeDateTime": day(on, offset=True),
    }  # fmt: skip


def _received(study: Study, place: int) -> Row:
    on = study.started + timedelta(days=118)
    return {
        "Ledger": "0L", "CompanyCode": COMPANY, "FiscalYear": f"{on.year}",
        "AccountingDocument": finance_records.received(study), "LedgerGLLineItem": "000001",
        "PostingDate": day(on), "DocumentDate": day(on), "FiscalPeriod": f"{on.month:03}",
        "GLAccount": RECEIVABLES, "Customer": CUSTOMERS[study.sponsor], "DebitCreditCode": "H",
        "AmountInCompanyCodeCurrency": "-3825.00", "CompanyCodeCurrency": "USD",
        "AssignmentReference": f"R-{7601 + place}", "AccountingDocumentType": "DZ",
        "FinancialAccountType": "D", "CreationDate": day(on),
    }  # fmt: skip


def _owed() -> Row:
    return {"SupplierInvoice": "5105600101", "FiscalYear": "2026", "CompanyCode": COMPANY,
            "DocumentDate": day(date(2026, 2, 27)), "InvoicingParty": _LABORATORY,
            "SupplierInvoiceIDByInvcgParty": "LW-4711", "InvoiceGrossAmount": "1250.50",
            "DocumentCurrency": "USD", "ReverseDocument": "",
            "LastChangeDateTime": day(date(2026, 2, 27), offset=True)}  # fmt: skip
