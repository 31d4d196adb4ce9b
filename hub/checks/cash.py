"""Check 6: from the visit to the cash: done, earned, invoiced, paid, and where it leaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.evidence import told
from hub.checks.look import Look, Record

_DONE = ("completed", "partial")
_OWED = ("sent", "partially_paid", "disputed")
_CENT = Decimal("0.01")


def find(look: Look) -> Iterator[Discrepancy]:
    """Each leak of these studies."""
    studies = look.called("Study", look.studies)
    yield from _not_earned(look, studies)
    yield from _earnings(look, studies)
    yield from _not_paid(look, studies)
    yield from _unallocated(look, studies)


def _not_earned(look: Look, studies: dict[str, str]) -> Iterator[Discrepancy]:
    """A visit that the budget pays for was held, and nothing was earned with it. Only studies of
    which somebody counts earnings are looked at."""
    lines = [one for one in look.of_studies("BudgetLine") if one["visit_def_id"]]
    paid_for = {one["visit_def_id"]: one for one in lines if _decimal(one["unit_amount"])}
    earnings = look.of_studies("Receivable")
    counted = {one["study_id"] for one in earnings}
    earned = {one["participant_visit_id"] for one in earnings}
    enrolled = {one["id"]: one["study_id"] for one in look.of_studies("Enrollment")}
    visits = [
        one for one in look.where("ParticipantVisit", "enrollment_id", enrolled)
        if one["status"] in _DONE and one["visit_def_id"] in paid_for and one["id"] not in earned
        and enrolled[one["enrollment_id"]] in counted
    ]  # fmt: skip
    subjects = look.called("Enrollment", [one["enrollment_id"] for one in visits])
    planned = look.called("VisitDef", [one["visit_def_id"] for one in visits])
    for one in visits:
        done = words.day(one["actual_on"])
        if done is None or not _is_past(look, done, "earn_days"):
            continue
        line, study = paid_for[one["visit_def_id"]], enrolled[one["enrollment_id"]]
        who = subjects.get(one["enrollment_id"], "a subject")
        name = f"{studies.get(study, 'a study')} {who}"
        visit = planned.get(one["visit_def_id"], "a visit")
        yield Discrepancy(
            kind="not-earned", entity="ParticipantVisit", id=one["id"], study=study,
            sentence=f"{name}: {visit} was held on {done}, the budget pays {_money(line)} for it, "
            "and nothing was earned with it.",
            evidence=(
                *told(look, "ParticipantVisit", [one["id"]], "actual_on", says="held on {}",
                      of=f"{name}, {visit}"),
                *told(look, "BudgetLine", [line["id"]], "unit_amount", says="{}",
                      of=f"budget line {line['name'] or visit}"),
            ),
            act="the finance coordinator", since=_due(look, done, "earn_days"),
        )  # fmt: skip


def _earnings(look: Look, studies: dict[str, str]) -> Iterator[Discrepancy]:
    """What was earned lies about, or less or more is kept back than was agreed."""
    rows = look.of_studies("Receivable")
    subjects = look.called("Enrollment", [one["enrollment_id"] for one in rows])
    agreed = _holdbacks(look, rows)
    for one in rows:
        since = words.day(one["invoiceable_on"]) or words.day(one["earned_on"])
        of = f"{studies.get(one['study_id'], 'a study')} " \
             f"{subjects.get(one['enrollment_id'], '')}".strip()  # fmt: skip
        what = f"{of}: {_money(one)} earned on {one['earned_on']}"
        is_open = one["status"] in ("earned", "invoiceable")
        if is_open and since and _is_past(look, since, "invoice_days"):
            yield _of_earning(
                look, one, "not-invoiced", f"{what} are on no invoice yet.",
                since=_due(look, since, "invoice_days"), what=what,
            )  # fmt: skip
        share, kept = agreed.get(one["id"]), _decimal(one["holdback_amount"])
        amount = _decimal(one["amount"])
        if share is None or kept is None or amount is None:
            continue
        right = (amount * share / 100).quantize(_CENT)
        if abs(right - kept) > look.amount("holdback_amount"):
            yield _of_earning(
                look, one, "holdback-differs",
                f"{what}: {kept:,.2f} are kept back, and the agreed {share.normalize():f} % "
                f"would be {right:,.2f}.",
                since=words.day(one["earned_on"]) or look.today, what=what,
            )  # fmt: skip


def _holdbacks(look: Look, rows: Iterable[Record]) -> dict[str, Decimal]:
    """By earning the share that is kept back, per cent: of the budget line, else the contract."""
    found: dict[str, Decimal] = {}
    rows = list(rows)
    lines = _shares(look, "BudgetLine", [one["budget_line_id"] for one in rows])
    contracts = _shares(look, "Contract", [one["contract_id"] for one in rows])
    for one in rows:
        share = lines.get(one["budget_line_id"], contracts.get(one["contract_id"]))
        if share is not None:
            found[one["id"]] = share
    return found


def _shares(look: Look, entity: str, ids: Iterable[str | None]) -> dict[str | None, Decimal]:
    rows = look.where(entity, "id", ids)
    return {
        one["id"]: share for one in rows if (share := _decimal(one["holdback_percent"])) is not None
    }


def _of_earning(
    look: Look, one: Record, kind: str, sentence: str, *, since: date, what: str
) -> Discrepancy:
    evidence = [*told(look, "Receivable", [one["id"]], "status", says="{}", of=what)]
    for field in ("amount", "holdback_amount"):
        evidence += told(look, "Receivable", [one["id"]], field, says="{}", of=_FIELDS[field])
    return Discrepancy(
        kind=kind, entity="Receivable", id=one["id"], study=one["study_id"], sentence=sentence,
        evidence=tuple(evidence), act="the finance coordinator", since=since,
    )  # fmt: skip


def _not_paid(look: Look, studies: dict[str, str]) -> Iterator[Discrepancy]:
    """An invoice is past its day, and money is still owed on it."""
    rows = [
        one for one in look.of_studies("Invoice")
        if one["direction"] == "ar" and one["state"] in _OWED and one["kind"] != "credit_note"
    ]  # fmt: skip
    paid = _paid(look, "invoice_id", rows)
    parties = look.called("Organization", [one["party_id"] for one in rows])
    for one in rows:
        total, due = _decimal(one["total_amount"]), words.day(one["due_on"])
        if total is None or due is None or not _is_past(look, due, "pay_days"):
            continue
        left = total - paid.get((one["id"], one["currency"]), Decimal(0))
        if left <= look.amount("paid_amount"):
            continue
        name = one["posted_no"] or one["invoice_no"] or "an invoice"
        what = f"{studies.get(one['study_id'], 'a study')}: invoice {name}"
        yield Discrepancy(
            kind="not-paid", entity="Invoice", id=one["id"], study=one["study_id"],
            sentence=f"{what} to {parties.get(one['party_id'], 'the payer')} was due on {due}, and "
            f"{left:,.2f} of {total:,.2f} {one['currency'] or ''}".rstrip() + " are not paid.",
            evidence=(
                *told(look, "Invoice", [one["id"]], "total_amount", says="{}", of=f"{what}, total"),
                *told(look, "Invoice", [one["id"]], "state", says="{}", of=f"{what}, state"),
            ),
            act="accounts receivable", since=_due(look, due, "pay_days"),
        )  # fmt: skip


def _unallocated(look: Look, studies: dict[str, str]) -> Iterator[Discrepancy]:
    """Money came, and nobody has said what for."""
    rows = [
        one for one in look.of_studies("Payment")
        if one["direction"] == "received" and one["status"] not in ("reversed", "void", "announced")
    ]  # fmt: skip
    tied = _paid(look, "payment_id", rows)
    parties = look.called("Organization", [one["party_id"] for one in rows])
    for one in rows:
        came = words.day(one["paid_on"]) or words.day(one["posted_on"])
        amount = _decimal(one["amount"])
        if amount is None or came is None or not _is_past(look, came, "allocate_days"):
            continue
        left = amount - tied.get((one["id"], one["currency"]), Decimal(0))
        if left <= look.amount("paid_amount"):
            continue
        name = f"receipt {one['reference'] or one['posted_no'] or ''}".strip()
        what = f"{studies.get(one['study_id'], 'a study')}: {name}"
        yield Discrepancy(
            kind="unallocated", entity="Payment", id=one["id"], study=one["study_id"],
            sentence=f"{what} of {came} over {_money(one)} from "
            f"{parties.get(one['party_id'], 'a payer')}: {left:,.2f} are tied to no invoice and to "
            "nothing earned.",
            evidence=(
                *told(look, "Payment", [one["id"]], "amount", says="{}", of=f"{what}, amount"),
                Evidence(system="crohub", says=f"{amount - left:,.2f} allocated", of=what),
            ),
            act="accounts receivable", since=_due(look, came, "allocate_days"),
        )  # fmt: skip


def _paid(look: Look, column: str, rows: Iterable[Record]) -> dict[tuple[str, str | None], Decimal]:
    """By invoice or payment, and currency: what allocations tie to it."""
    found: dict[tuple[str, str | None], Decimal] = {}
    for one in look.where("PaymentAllocation", column, [row["id"] for row in rows]):
        place = (one[column], one["currency"])
        found[place] = found.get(place, Decimal(0)) + (_decimal(one["amount"]) or 0)
    return found


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _money(row: Record) -> str:
    amount = _decimal(row["amount"] if "amount" in row else row["unit_amount"])
    return f"{amount or 0:,.2f} {row['currency'] or ''}".rstrip()


def _is_past(look: Look, since: date, name: str) -> bool:
    return _due(look, since, name) < look.today


def _due(look: Look, since: date, name: str) -> date:
    return since + timedelta(days=look.days(name))


_FIELDS = {"amount": "amount earned", "holdback_amount": "of it, kept back"}

CHECK = Check(
    name="cash",
    number=6,
    title="From the visit to the cash",
    says="What was done, earned, invoiced and paid, step by step, as EDC or EHR, CTMS and ERP tell "
    "it.",
    kinds=(
        Kind(name="not-earned", act="the finance coordinator",
             says="a visit that the budget pays for was held, and nothing was earned with it"),
        Kind(name="not-invoiced", act="the finance coordinator",
             says="what was earned has been on no invoice for too long"),
        Kind(name="holdback-differs", act="the finance coordinator",
             says="more or less is kept back than the budget or contract says"),
        Kind(name="not-paid", act="accounts receivable",
             says="an invoice is past its day, and money is owed on it"),
        Kind(name="unallocated", act="accounts receivable",
             says="money came, and it is tied to nothing"),
    ),
    find=find,
    tolerances={
        "earn_days": 14, "invoice_days": 45, "pay_days": 15, "allocate_days": 10,
        "holdback_amount": _CENT, "paid_amount": _CENT,
    },
    tolerates={
        "earn_days": "days after a visit until something must be earned with it",
        "invoice_days": "days that what was earned may be on no invoice",
        "pay_days": "days past its day that an invoice may be open",
        "allocate_days": "days that money may be tied to nothing",
        "holdback_amount": "by how much, in the currency, what is kept back may differ",
        "paid_amount": "what may be left open, in the currency",
    },
)  # fmt: skip
