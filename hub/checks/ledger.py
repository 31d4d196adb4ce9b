"""Check 11: whether CTMS and ERP have the same money of a study: earned, posted, paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.look import Look, Record, Statement

_ERP, _CTMS = "ERP", "CTMS"
_INVOICED = ("invoiced", "paid")
_NEVER = ("draft", "approved", "void")
_CENT = Decimal("0.01")
_Sums = dict[tuple[str, str], Decimal]  # study, currency


def find(look: Look) -> Iterator[Discrepancy]:
    """Each sum that differs in these studies, and each invoice told in two ways."""
    names = look.called("Study", look.studies)
    earned, paid_there, counts = _earned(look)
    posted, posts = _posted(look)
    received, receives = _received(look)
    for place in sorted(set(earned) | set(posted)):
        if place[0] in counts and place[0] in posts:
            yield from _differ(
                look, names, place, "posted-differs",
                ("invoiced in the CTMS", earned, counts), ("posted in the ERP", posted, posts),
            )  # fmt: skip
    for place in sorted(set(paid_there) | set(received)):
        if place[0] in counts and place[0] in receives:
            yield from _differ(
                look, names, place, "paid-differs",
                ("paid in the CTMS", paid_there, counts),
                ("received in the ERP", received, receives),
            )  # fmt: skip
    yield from _invoices(look, names)


def _earned(look: Look) -> tuple[_Sums, _Sums, dict[str, str]]:
    """By study and currency what the CTMS has on invoices and as paid, without what is kept back;
    and by study which system says so."""
    rows = [one for one in look.of_studies("Receivable") if one["status"] != "entered_in_error"]
    said = look.said("Receivable", [one["id"] for one in rows])
    invoiced, paid, systems = _Sums(), _Sums(), dict[str, str]()
    for row in rows:
        for one in said.get(row["id"], ()):
            if one.role != _CTMS:
                continue
            systems[row["study_id"]] = one.system
            place = (row["study_id"], one.fields.get("currency") or row["currency"] or "")
            if one.fields.get("status") in _INVOICED:
                kept = _amount(one, "holdback_amount")
                _add(invoiced, place, _amount(one, "amount") - kept)
            _add(paid, place, _amount(one, "paid_amount"))
    return invoiced, paid, systems


def _posted(look: Look) -> tuple[_Sums, dict[str, str]]:
    """What the ERP has posted as invoices to payers, credit notes taken off."""
    rows = [one for one in look.of_studies("Invoice") if one["direction"] == "ar"]
    said = look.said("Invoice", [one["id"] for one in rows])
    found, systems = _Sums(), dict[str, str]()
    for row in rows:
        for one in said.get(row["id"], ()):
            if one.role != _ERP:
                continue
            systems[row["study_id"]] = one.system
            if one.fields.get("posted_no") and row["state"] not in _NEVER:
                amount = _amount(one, "total_amount")
                _add(found, _place(row), -amount if row["kind"] == "credit_note" else amount)
    return found, systems


def _received(look: Look) -> tuple[_Sums, dict[str, str]]:
    """What the ERP has received."""
    rows = [
        one for one in look.of_studies("Payment")
        if one["direction"] == "received" and one["status"] not in ("reversed", "void")
    ]  # fmt: skip
    said = look.said("Payment", [one["id"] for one in rows])
    found, systems = _Sums(), dict[str, str]()
    for row in rows:
        for one in said.get(row["id"], ()):
            if one.role == _ERP:
                systems[row["study_id"]] = one.system
                _add(found, _place(row), _amount(one, "amount"))
    return found, systems


def _differ(
    look: Look, names: Mapping[str, str], place: tuple[str, str], kind: str,
    one: tuple[str, _Sums, Mapping[str, str]], other: tuple[str, _Sums, Mapping[str, str]],
) -> Iterator[Discrepancy]:  # fmt: skip
    study, currency = place
    sums = [side[1].get(place, Decimal(0)) for side in (one, other)]
    if abs(sums[0] - sums[1]) <= look.amount("amount"):
        return
    name = names.get(study, "a study")
    left, right = (f"{total:,.2f} {currency}" for total in sums)
    yield Discrepancy(
        kind=kind, entity="Study", id=study, study=study, about=currency,
        sentence=f"{name}: {left} are {one[0]}, and {right} are {other[0]}: a difference of "
        f"{abs(sums[0] - sums[1]):,.2f}.",
        evidence=(
            Evidence(system=one[2][study], says=left, of=f"{name}, {one[0]}"),
            Evidence(system=other[2][study], says=right, of=f"{name}, {other[0]}"),
        ),
        act="the finance coordinator, with accounts receivable", since=_since(look, study, kind),
    )  # fmt: skip


def _since(look: Look, study: str, kind: str) -> date:
    """The last day on which something of these sums was booked: since then they differ."""
    sources = {
        "posted-differs": (("Receivable", "earned_on"), ("Invoice", "issued_on")),
        "paid-differs": (("Payment", "paid_on"), ("Receivable", "earned_on")),
    }[kind]
    days = [
        day for entity, field in sources
        for row in look.where(entity, "study_id", [study]) if (day := words.day(row[field]))
    ]  # fmt: skip
    return min(max(days, default=look.today), look.today)


def _invoices(look: Look, names: Mapping[str, str]) -> Iterator[Discrepancy]:
    """Two systems have other totals of one invoice."""
    rows = look.of_studies("Invoice")
    said = look.said("Invoice", [one["id"] for one in rows])
    for row in rows:
        totals = [s for s in said.get(row["id"], ()) if s.fields.get("total_amount") is not None]
        values = {_amount(one, "total_amount") for one in totals}
        if len(values) < 2 or max(values) - min(values) <= look.amount("amount"):
            continue
        number = f"invoice {row['invoice_no'] or row['posted_no'] or ''}".strip()
        name = f"{names.get(row['study_id'], 'a study')}: {number}"
        yield Discrepancy(
            kind="invoice-differs", entity="Invoice", id=row["id"], study=row["study_id"],
            sentence=f"{name} is over {words.listed(_shown(totals, row))}.",
            evidence=tuple(
                Evidence(system=one.system, says=f"{_amount(one, 'total_amount'):,.2f}", of=name,
                         at=one.when("total_amount"))
                for one in totals
            ),
            act="the finance coordinator, with accounts receivable",
            since=words.day_of(max(one.when("total_amount") for one in totals), look.today),
        )  # fmt: skip


def _shown(totals: Sequence[Statement], row: Record) -> list[str]:
    currency = row["currency"] or ""
    return [
        f"{_amount(one, 'total_amount'):,.2f} {currency} in the {words.role(one)}"
        for one in totals
    ]  # fmt: skip


def _place(row: Record) -> tuple[str, str]:
    return row["study_id"], row["currency"] or ""


def _add(sums: _Sums, place: tuple[str, str], amount: Decimal) -> None:
    sums[place] = sums.get(place, Decimal(0)) + amount


def _amount(said: Statement, field: str) -> Decimal:
    return Decimal(said.fields.get(field) or 0)


CHECK = Check(
    name="ledger",
    number=11,
    title="CTMS and ERP",
    says="What the CTMS has as invoiced and paid against what the ERP has posted and received, "
    "study by study and currency by currency. Only where both speak of the study.",
    kinds=(
        Kind(name="posted-differs", act="the finance coordinator",
             says="what the CTMS has on invoices is not what the ERP has posted"),
        Kind(name="paid-differs", act="the finance coordinator",
             says="what the CTMS has as paid is not what the ERP has received"),
        Kind(name="invoice-differs", act="the finance coordinator",
             says="two systems have other totals of one invoice"),
    ),
    find=find,
    tolerances={"amount": _CENT},
    tolerates={"amount": "by how much sums may differ, in the currency"},
)  # fmt: skip
