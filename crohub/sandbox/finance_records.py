"""What the research finance office keeps in tables: awards, contracts, budgets and who pays for
what; what was earned, invoiced and paid. One table a file, by its name.

Invoices and payments go by the ERP's numbers. What may be invoiced is the ERP's to invoice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from crohub.sandbox.office_records import Row, Tables, iso
from crohub.sandbox.studies import STUDIES, Study, Visit
from crohub.sandbox.world import Subject, World, study_of

_PAYING = [study for study in STUDIES if study.sponsor != "org-cedar"]
_USD = {"currency": "USD"}
_COVERED = {"ECG": "research_paid", "CT": "routine_care"}
PRICED = "C2D1"  # the visit that budgets have a price for


def tables(world: World) -> Tables:
    """Every table, as it stands."""
    return {**_agreed(world), **_priced(), **_earned(world), **_booked()}


def _agreed(world: World) -> Tables:
    return {
        "accounting-codes": [
            _of(one, chartstring=_chart(one), name=one.number, company="10", fund="4400",
                cost_centre="CC100", organization_code="CRO", active="yes")
            for one in STUDIES
        ],
        "awards": [
            _of(one, award_no=f"AWD-{one.number}", title=one.title, kind="grant", status="active",
                sponsor_code=one.sponsor, organization_code="org-cedar",
                start_on=iso(one.started), obligated_amount="250000.00", chartstring=_chart(one),
                principal_investigator_email=world.employees[one.investigator].email) | _USD
            for one in STUDIES
        ],
        "award-deliverables": [
            _of(one, deliverable_no=f"RPPR-{one.number}", award_no=f"AWD-{one.number}",
                kind="rppr", name="Progress report", due_on=iso(one.started, 365),
                status="in_progress")
            for one in STUDIES
        ],
        "contracts": [
            _of(one, contract_no=f"CTA-{one.number}", title=one.title, kind="cta",
                state="executed", party_code=one.sponsor,
                fully_executed_on=iso(one.started, -30), value_amount="425000.00",
                holdback_percent="10") | _USD
            for one in _PAYING
        ],
    }  # fmt: skip


def _priced() -> Tables:
    return {
        "budgets": [
            _of(one, budget_no=f"BUD-{one.number}", name=one.number, kind="sponsor",
                status="approved", version_no="1", contract_no=f"CTA-{one.number}",
                total_amount="425000.00", start_on=iso(one.started)) | _USD
            for one in _PAYING
        ],
        "budget-lines": [
            _of(one, budget_line_no=f"BUDL-{one.number}-1", budget_no=f"BUD-{one.number}",
                name="Cycle 2 Day 1", category="procedure", per="visit", quantity="1",
                procedure_oid=f"{one.number}-ECG", unit_amount="4250.00",
                holdback_percent="10") | _USD
            for one in _PAYING
        ],
        "coverage-designations": [
            _of(one, designation_no=f"COV-{one.number}-{place}",
                procedure_oid=f"{one.number}-{what}", designation=who, quantity="1",
                determined_on=iso(one.started, -60))
            for one in STUDIES
            for place, (what, who) in enumerate(_COVERED.items(), 1)
        ],
        "purchase-orders": [
            _of(one, purchase_order_no=f"PO-{one.number}", order_no=f"45{place:08}",
                status="approved", supplier_code=one.sponsor, description="Study kits",
                ordered_on=iso(one.started, -14), total_amount="1250.00") | _USD
            for place, one in enumerate(_PAYING, 1)
        ],
    }  # fmt: skip


def _earned(world: World) -> Tables:
    """The first visit was paid, of which 10 % are held back until the end; others are earned."""
    return {
        "receivables": [
            *(_receivable(one, "1", one.started + timedelta(days=60), status="paid",
                          description="First visit", paid_amount="3825.00") for one in _PAYING),
            *_owed(world),
        ],
        "invoices": [
            _of(one, invoice_no=billed(one), direction="ar", kind="invoice",
                party_code=one.sponsor, contract_no=f"CTA-{one.number}", state="sent",
                issued_on=iso(one.started, 90), due_on=iso(one.started, 120),
                total_amount="3825.00", open_amount="0.00") | _USD
            for one in _PAYING
        ],
        "payments": [
            _of(one, payment_no=received(one), direction="received", status="posted",
                party_code=one.sponsor, method="ach", paid_on=iso(one.started, 118),
                amount="3825.00", unallocated_amount="0.00") | _USD
            for one in _PAYING
        ],
        "payment-allocations": [
            _of(one, allocation_no=f"ALC-{one.number}-1", payment_no=received(one),
                receivable_no=f"RCV-{one.number}-1", invoice_no=billed(one),
                amount="3825.00", allocated_on=iso(one.started, 119)) | _USD
            for one in _PAYING
        ],
    }  # fmt: skip


def _owed(world: World) -> Iterator[Row]:
    """What may be invoiced: the treatment of a first subject of each study, and from the first day
    on each visit that has a price of its own, done."""
    for one in _PAYING:
        first = next(s for s in world.subjects.values() if s.study == one.key and s.enrolled_on)
        yield _visit(one, first, one.visits[1], first.enrolled_on or one.started)
    for (who, code), on in world.done.items():
        subject = world.subjects[who]
        study = study_of(subject)
        if code == PRICED and study in _PAYING:
            visit = next(visit for visit in study.visits if visit.code == code)
            yield _visit(study, subject, visit, on)


def _visit(study: Study, one: Subject, visit: Visit, on: date) -> Row:
    return _receivable(
        study, f"{one.number}-{visit.code}", on, subject_number=one.number, status="invoiceable",
        description=f"{visit.name}, {one.number}", invoiceable_on=on.isoformat(),
    )  # fmt: skip


def _receivable(study: Study, number: str, on: date, **more: str) -> Row:
    row = _of(study, receivable_no=f"RCV-{study.number}-{number}", sponsor_code=study.sponsor,
              kind="visit", contract_no=f"CTA-{study.number}", earned_on=on.isoformat(),
              budget_line_no=f"BUDL-{study.number}-1", quantity="1",
              amount="4250.00", holdback_amount="425.00")  # fmt: skip
    return row | more | _USD


def _booked() -> Tables:
    return {
        "ledger-entries": [
            _of(one, ledger_entry_no=f"GL-{one.number}-1", document_no="100001", line_no="1",
                kind="actual", posted_on=iso(one.started, 119), company="10", gl_account="4100",
                chartstring=_chart(one), side="credit", amount="3825.00",
                payment_no=received(one), party_code=one.sponsor) | _USD
            for one in _PAYING
        ]
    }  # fmt: skip


def billed(study: Study) -> str:
    """The ERP's number of what was billed for a study before the first day."""
    return f"{90000001 + STUDIES.index(study)}"


def received(study: Study) -> str:
    """The ERP's number of what was paid of it."""
    return f"{140000001 + STUDIES.index(study)}"


def _of(study: Study, **more: str) -> Row:
    return {"protocol_no": study.number, **more}


def _chart(study: Study) -> str:
    return f"10-4400-{7700 + STUDIES.index(study)}"
