"""What a study's money came to, entry by entry: planned, earned, invoiced, received.

Entries are added up by whoever asks, within one currency. `owed` is what is invoiced and not
received, `due` the day it is to be paid: what has come for an invoice takes from its age.
"""

from __future__ import annotations

from hub.views.words import Words

FIGURES = ("budget", "earned", "holdback", "invoiced", "received", "owed")
_SENT = "('sent', 'partially_paid', 'paid', 'disputed')"
_CATEGORY = "coalesce(bl.category, case m.kind when 'other' then null else m.kind end, 'other')"


def entries(on: Words) -> str:
    """study_id, study_site_id, category, currency, due and FIGURES, in ten-thousandths."""
    parts = (_planned, _earned, _billed, _paid, _paid_by_line, _billed_whole, _paid_whole)
    return " union all ".join(part(on) for part in parts)


def is_out(alias: str) -> str:
    """That an invoice is out: sent, and the ERP has given it a number, or money came for it."""
    return (
        f"{alias}.direction is distinct from 'ap' and {alias}.state in {_SENT} and "
        f"({alias}.posted_no is not null or {alias}.state in ('partially_paid', 'paid'))"
    )


def _columns(place: str, due: str, **figures: str) -> str:
    known = ", ".join(f"{figures.get(name, '0')} as {name}" for name in FIGURES)
    return f"select {place}, {due} as due, {known}"


def _planned(on: Words) -> str:
    """Lines of approved budgets that somebody pays; those for each participant as often as
    participants are planned, unless they say how often."""
    often = f"case when l.per = 'subject' then {_target()} end"
    times = f"coalesce({on.amount('l.quantity')}, ({often}) * 10000, 10000)"
    place = (
        "l.study_id, coalesce(l.study_site_id, b.study_site_id) as study_site_id, "
        "l.category, coalesce(l.currency, b.currency) as currency"
    )
    return f"""
    {_columns(place, "null", budget=f"{on.amount('l.unit_amount')} * {times} / 10000")}
    from budget_line l
    join budget b on b.id = l.budget_id
    left join study s on s.id = l.study_id
    left join study_site si on si.id = coalesce(l.study_site_id, b.study_site_id)
    where {on.current("l")} and {on.current("b")} and b.status = 'approved'
        and coalesce(b.kind, 'sponsor') in ('sponsor', 'site') and {on.of("l.study_id")}"""


def _target() -> str:
    return "coalesce(si.target_enrolment, s.target_enrolment, 1)"


def _earned(on: Words) -> str:
    """Receivables; where no invoice or payment names one, its own status is believed."""
    amount, paid = on.amount("m.amount"), on.amount("m.paid_amount")
    billed = (
        f"case when m.status in ('invoiced', 'paid') and {_unnamed(on)} then {amount} else 0 end"
    )
    came = f"""case when {_unpaid(on)} then
        coalesce({paid}, case when m.status = 'paid' then {amount} end, 0) else 0 end"""
    owed = f"case when m.status = 'written_off' then 0 else {billed} - {came} end"
    figures = {
        "earned": amount, "holdback": f"coalesce({on.amount('m.holdback_amount')}, 0)",
        "invoiced": billed, "received": came, "owed": owed,
    }  # fmt: skip
    return f"""
    {_columns(_of_receivable("m.currency"), "null", **figures)}
    from receivable m left join budget_line bl on bl.id = m.budget_line_id
    where {_counts(on)}"""


def _of_receivable(currency: str) -> str:
    return f"m.study_id, m.study_site_id, {_CATEGORY} as category, {currency} as currency"


def _counts(on: Words) -> str:
    return (
        f"{on.current('m')} and m.status is distinct from 'entered_in_error' "
        f"and m.amount is not null and {on.of('m.study_id')}"
    )


def _unnamed(on: Words) -> str:
    return (
        "not exists (select 1 from invoice_line n where n.receivable_id = m.id "
        f"and {on.current('n')})"
    )


def _unpaid(on: Words) -> str:
    return f"""not exists (
        select 1 from payment_allocation q where q.receivable_id = m.id and {on.current("q")})
        and not exists (
        select 1 from invoice_line n join payment_allocation q on q.invoice_line_id = n.id
        where n.receivable_id = m.id and {on.current("q")})"""


def _billed(on: Words) -> str:
    """Lines of invoices that are out; a credit note takes away."""
    amount = f"case when i.kind = 'credit_note' then -1 else 1 end * {on.amount('n.amount')}"
    owed = f"case when m.status = 'written_off' then 0 else {amount} end"
    place = _of_receivable("coalesce(n.currency, i.currency, m.currency)")
    return f"""
    {_columns(place, "coalesce(i.due_on, i.issued_on)", invoiced=amount, owed=owed)}
    from receivable m
    join invoice_line n on n.receivable_id = m.id
    join invoice i on i.id = n.invoice_id
    left join budget_line bl on bl.id = m.budget_line_id
    where {_counts(on)} and {on.current("n")} and {on.current("i")} and {is_out("i")}
        and n.amount is not null"""


def _paid(on: Words) -> str:
    return _came(on, "join payment_allocation q on q.receivable_id = m.id")


def _paid_by_line(on: Words) -> str:
    """Apart from those that name the receivable: joined by either, PostgreSQL would compare each
    with each."""
    return _came(on, """
    join invoice_line n on n.receivable_id = m.id
    join payment_allocation q on q.invoice_line_id = n.id
        and q.receivable_id is distinct from m.id""")  # fmt: skip


def _came(on: Words, allocations: str) -> str:
    """What came for a receivable, in its currency where the rate is known, else as it came."""
    same = "coalesce(q.currency, m.currency) = m.currency"
    whole = on.amount("q.amount")
    amount = f"""case when not ({same}) and q.exchange_rate is not null
        then {on.times(whole, "q.exchange_rate")} else {whole} end"""
    currency = (
        f"case when {same} or q.exchange_rate is not null then m.currency else q.currency end"
    )
    owed = f"case when m.status = 'written_off' then 0 else -({amount}) end"
    due = f"""(
        select min(coalesce(i.due_on, i.issued_on)) from invoice_line k
        join invoice i on i.id = k.invoice_id where k.receivable_id = m.id and {on.current("i")})"""
    return f"""
    {_columns(_of_receivable(currency), due, received=amount, owed=owed)}
    from receivable m
    {allocations}
    left join budget_line bl on bl.id = m.budget_line_id
    left join payment y on y.id = q.payment_id
    where {_counts(on)} and {on.current("q")} and q.amount is not null
        and coalesce(y.status, 'posted') not in ('reversed', 'void')"""


def _of_invoice(currency: str) -> str:
    return f"i.study_id, i.study_site_id, 'not_attributed' as category, {currency} as currency"


def _billed_whole(on: Words) -> str:
    """Invoices without lines that name what they are for."""
    amount = (
        f"""case when i.kind = 'credit_note' then -1 else 1 end * {on.amount("i.total_amount")}"""
    )
    return f"""
    {
        _columns(
            _of_invoice("i.currency"),
            "coalesce(i.due_on, i.issued_on)",
            invoiced=amount,
            owed=amount,
        )
    }
    from invoice i
    where {on.current("i")} and {is_out("i")} and i.direction = 'ar' and i.study_id is not null
        and i.total_amount is not null and {on.of("i.study_id")} and not exists (
            select 1 from invoice_line n where n.invoice_id = i.id
            and n.receivable_id is not null and {on.current("n")})"""


def _paid_whole(on: Words) -> str:
    """What came for an invoice as a whole."""
    amount = on.amount("q.amount")
    place = _of_invoice("coalesce(q.currency, i.currency)")
    return f"""
    {_columns(place, "coalesce(i.due_on, i.issued_on)", received=amount, owed=f"-({amount})")}
    from invoice i
    join payment_allocation q on q.invoice_id = i.id and q.receivable_id is null
        and q.invoice_line_id is null
    left join payment y on y.id = q.payment_id
    where {on.current("i")} and i.direction = 'ar' and i.study_id is not null and {on.current("q")}
        and q.amount is not null and coalesce(y.status, 'posted') not in ('reversed', 'void')
        and {on.of("i.study_id")}"""
