"""Do the systems agree about the money of each study: earned, posted, paid."""

from __future__ import annotations

from hub.views.parts import CURRENCY, DQ, STUDY, study
from hub.views.view import View, code, money
from hub.views.words import Words

CAUSES = ("agrees", "not_invoiced", "not_posted", "not_paid", "paid_unallocated", "posted_unearned")
_SUMS = ("earned", "invoiced", "posted", "paid", "unallocated")


def _sql(on: Words) -> str:
    columns = ", ".join(f"coalesce(m.{name}, 0) as {name}" for name in _SUMS)
    return f"""
    select m.study_id || '|' || m.currency as id, m.study_id, {study("s")} as study, m.currency,
        {columns}, m.earned - m.posted as earned_not_posted, m.posted - m.paid as posted_not_paid,
        case when m.earned = m.posted and m.posted = m.paid then 'agrees'
            when m.unallocated > 0 then 'paid_unallocated'
            when m.posted > m.earned then 'posted_unearned'
            when m.earned > m.invoiced then 'not_invoiced'
            when m.invoiced > m.posted then 'not_posted' else 'not_paid' end as cause,
        {on.worst("s.quality")} as dq_flag
    from (
        select a.study_id, a.currency, {", ".join(f"sum(a.{name}) as {name}" for name in _SUMS)}
        from ({_amounts(on)}) a where a.study_id is not null and a.currency is not null
        group by a.study_id, a.currency
    ) m join study s on s.id = m.study_id and {on.current("s")}"""


def _amounts(on: Words) -> str:
    """One row an amount, in the column of what it tells."""
    total = on.amount("x.total_amount")
    signed = f"case when x.kind = 'credit_note' then -{total} else {total} end"
    billed = f"x.direction = 'ar' and x.state not in ('draft', 'void') and {on.of('x.study_id')}"
    return f"""
    select x.study_id, x.currency, {on.amount("x.amount")} as earned, 0 as invoiced, 0 as posted,
        0 as paid, 0 as unallocated
    from receivable x where {on.current("x")} and {on.of("x.study_id")}
        and x.status not in ('written_off', 'entered_in_error')
    union all
    select x.study_id, x.currency, 0, {signed}, case when x.posted_no is not null then {signed}
        else 0 end, 0, 0
    from invoice x where {on.current("x")} and {billed}
    union all
    select x.study_id, x.currency, 0, 0, 0, {on.amount("x.amount")},
        {on.amount("x.amount")} - coalesce(l.tied, 0)
    from payment x
    left join (
        select l.payment_id, l.currency, sum({on.amount("l.amount")}) as tied
        from payment_allocation l where {on.current("l")} group by l.payment_id, l.currency
    ) l on l.payment_id = x.id and l.currency = x.currency
    where {on.current("x")} and x.direction = 'received' and {on.of("x.study_id")}
        and coalesce(x.status, '') not in ('reversed', 'void')"""


VIEW = View(
    name="croms_financial_reconciliation",
    answers="Do CTMS, ERP and bank agree about a study, and if not, where does it break?",
    row="a study and a currency",
    functions=("budgets, contracts and invoices", "post-award oversight"),
    entities=("Receivable", "Invoice", "Payment", "Study"),
    columns=(
        *STUDY,
        CURRENCY,
        money("earned", "earned, as the CTMS counts"),
        money("invoiced", "on invoices that were sent; credit notes taken off"),
        money("posted", "of it, posted in the ERP"),
        money("paid", "received"),
        money("unallocated", "of it, not yet tied to an invoice or an earning"),
        money("earned_not_posted", "difference of earned and posted"),
        money("posted_not_paid", "difference of posted and paid"),
        code("cause", "the first place where it breaks", CAUSES),
        DQ,
    ),
    sql=_sql,
)
