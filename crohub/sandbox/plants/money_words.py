"""Planted studies as research finance and the ERP tell them: contract, budget, who pays for what;
what was earned, invoiced and paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from crohub.sandbox.erp import day
from crohub.sandbox.erp_books import COMPANY, RECEIVABLES
from crohub.sandbox.erp_records import CUSTOMERS
from crohub.sandbox.studies import Study

Words = Iterator[tuple[str, str, dict[str, Any]]]
SIGNED = timedelta(days=30)  # before a study begins
OWN = "org-cedar"
PRICE, KEPT, NET = "4250.00", "425.00", "3825.00"
ECG, SCAN, BLOODS = "93000", "71260", "36415"
_USD = {"currency": "USD"}
_PROCEDURES = {"ECG": (ECG, "Electrocardiogram", "research_paid"),
               "CT": (SCAN, "Computed tomography of the chest", "routine_care"),
               "LAB": (BLOODS, "Blood draw", "")}  # fmt: skip


def study(of: Study) -> Words:
    """The contract of a study that a sponsor pays for, its budget and its coverage analysis: of one
    procedure it says nothing."""
    if of.sponsor == OWN:
        return
    yield "tables/contracts", of.number, _of(
        of, contract_no=f"CTA-{of.number}", title=of.title, kind="cta", state="executed",
        party_code=of.sponsor, fully_executed_on=f"{of.started - SIGNED}", value_amount="425000.00",
        holdback_percent="10", **_USD,
    )  # fmt: skip
    yield "tables/budgets", of.number, _of(
        of, budget_no=f"BUD-{of.number}", name=of.number, kind="sponsor", status="approved",
        version_no="1", contract_no=f"CTA-{of.number}", total_amount="425000.00",
        start_on=f"{of.started}", **_USD,
    )  # fmt: skip
    yield "tables/budget-lines", of.number, _of(
        of, budget_line_no=f"BUDL-{of.number}-1", budget_no=f"BUD-{of.number}",
        name="Cycle 2 Day 1", category="procedure", per="visit", quantity="1",
        visit_oid=f"{of.number}-C2D1", unit_amount=PRICE, holdback_percent="10", **_USD,
    )  # fmt: skip
    for key, (code, name, who) in _PROCEDURES.items():
        yield "tables/procedure-defs", f"{of.number} {key}", _of(
            of, procedure_oid=f"{of.number}-{key}", name=name, procedure_code=code,
            code_system="cpt",
        )  # fmt: skip
        if who:
            yield "tables/coverage-designations", f"{of.number} {key}", _of(
                of, designation_no=f"COV-{of.number}-{key}", procedure_oid=f"{of.number}-{key}",
                designation=who, quantity="1", determined_on=f"{of.started - 2 * SIGNED}",
            )  # fmt: skip


def earned(of: Study, name: str, on: date, status: str, **more: str) -> Words:
    """A line of what was earned; the subject's visit is named by `appointment_no`."""
    yield "tables/receivables", f"{of.number} {name}", _of(
        of, receivable_no=f"RCV-{of.number}-{name}", sponsor_code=of.sponsor, kind="visit",
        contract_no=f"CTA-{of.number}", budget_line_no=f"BUDL-{of.number}-1", earned_on=f"{on}",
        quantity="1", amount=PRICE, holdback_amount=KEPT, status=status, **more, **_USD,
    )  # fmt: skip


def invoiced(of: Study, number: int, on: date, due: date, total: str, **told: str) -> Words:
    """An invoice that the ERP has posted, which finance knows to be of the study."""
    yield "erp/A_BillingDocument", f"{number}", {
        "BillingDocument": f"{92_000_000 + number}", "SDDocumentCategory": "M",
        "BillingDocumentDate": day(on), "AccountingDocument": f"{1_900_000_000 + number}",
        "PayerParty": CUSTOMERS[of.sponsor], "TotalNetAmount": total, "TotalTaxAmount": "0.00",
        "TotalGrossAmount": total, "TransactionCurrency": "USD",
        "BillingDocumentIsCancelled": False, "LastChangeDateTime": day(on, offset=True),
    }  # fmt: skip
    yield "tables/invoices", f"{number}", _of(
        of, invoice_no=f"{92_000_000 + number}", direction="ar", kind="invoice",
        party_code=of.sponsor, contract_no=f"CTA-{of.number}", state="sent", issued_on=f"{on}",
        due_on=f"{due}", **told, **_USD,
    )  # fmt: skip


def received(of: Study, number: int, on: date, amount: str) -> Words:
    """Money that came into the ERP, which finance knows to be of the study."""
    yield "erp/A_JournalEntryItemBasic", f"{number}", {
        "Ledger": "0L", "CompanyCode": COMPANY, "FiscalYear": f"{on.year}",
        "AccountingDocument": f"{150_000_000 + number}", "LedgerGLLineItem": "000001",
        "PostingDate": day(on), "DocumentDate": day(on), "FiscalPeriod": f"{on.month:03}",
        "GLAccount": RECEIVABLES, "Customer": CUSTOMERS[of.sponsor], "DebitCreditCode": "H",
        "AmountInCompanyCodeCurrency": f"-{amount}", "CompanyCodeCurrency": "USD",
        "AssignmentReference": f"R-{9000 + number}", "AccountingDocumentType": "DZ",
        "FinancialAccountType": "D", "CreationDate": day(on),
    }  # fmt: skip
    yield "tables/payments", f"{number}", _of(
        of, payment_no=f"{150_000_000 + number}", direction="received", status="posted",
        party_code=of.sponsor, method="ach", paid_on=f"{on}", **_USD,
    )  # fmt: skip


def allocated(of: Study, number: int, receivable: str, amount: str, on: date) -> Words:
    """The money of a receipt, put to the invoice of the same number and what was earned."""
    yield "tables/payment-allocations", f"{number}", _of(
        of, allocation_no=f"ALC-{of.number}-{number}", payment_no=f"{150_000_000 + number}",
        receivable_no=f"RCV-{of.number}-{receivable}", invoice_no=f"{92_000_000 + number}",
        amount=amount, allocated_on=f"{on}", **_USD,
    )  # fmt: skip


def _of(of: Study, **more: str) -> dict[str, Any]:
    return {"protocol_no": of.number, **more}
