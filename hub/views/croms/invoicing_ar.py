"""What was invoiced and not paid, how old it is, and what was earned and never invoiced."""

from __future__ import annotations

from hub.model.invoice import STATES
from hub.views.parts import CURRENCY, DQ, STUDY, aged, ageing, study
from hub.views.view import View, code, count, date, money, text
from hub.views.words import Words

_OWED = "('sent', 'partially_paid', 'paid', 'disputed')"  # nobody owes what was never sent


def _sql(on: Words) -> str:
    return f"""
    select v.id as id, v.sponsor, v.study_id, v.study, v.invoice_no, v.posted_no, v.state,
        v.state_native, v.amount, v.currency, v.issued_on, v.due_on, v.paid, v.outstanding,
        case when v.outstanding > 0 then {on.days("v.due_on", on.today)} end as days_overdue,
        {ageing(on, "v.outstanding", "v.due_on", total="")}, v.unbilled_earned, v.dq_flag
    from ({_invoices(on)} union all {_unbilled(on)}) v"""


def _invoices(on: Words) -> str:
    total, paid = on.amount("i.total_amount"), "coalesce(a.paid, 0)"
    total = f"case when i.kind = 'credit_note' then -{total} else {total} end"
    owed = f"case when i.state in {_OWED} then {total} - {paid} else 0 end"
    return f"""
    select i.id as id, o.name as sponsor, i.study_id, {study("s")} as study, i.invoice_no,
        i.posted_no, i.state, i.state_native, {total} as amount, i.currency, i.issued_on,
        i.due_on, {paid} as paid, {owed} as outstanding, 0 as unbilled_earned,
        {on.worst("i.quality")} as dq_flag
    from invoice i
    left join study s on s.id = i.study_id
    left join organization o on o.id = i.party_id
    left join (
        select l.invoice_id, l.currency, sum({on.amount("l.amount")}) as paid
        from payment_allocation l where {on.current("l")} and l.invoice_id is not null
            and ({on.of("l.study_id")} or l.study_id is null)
        group by l.invoice_id, l.currency
    ) a on a.invoice_id = i.id and a.currency = i.currency
    where {on.current("i")} and i.direction = 'ar' and {on.of("i.study_id")}"""


def _unbilled(on: Words) -> str:
    """What was earned with no invoice: one row a study and currency."""
    return f"""
    select m.study_id || '|unbilled|' || m.currency as id, min(o.name), m.study_id,
        min({study("s")}), null, null, null, null, null, m.currency, null, null, 0, 0,
        sum({on.amount("m.amount")}), {on.worst("min(s.quality)")}
    from receivable m
    join study s on s.id = m.study_id and {on.current("s")}
    left join organization o on o.id = coalesce(m.sponsor_id, s.sponsor_id)
    where {on.current("m")} and m.status in ('earned', 'invoiceable') and {on.of("m.study_id")}
    group by m.study_id, m.currency"""


VIEW = View(
    name="croms_invoicing_ar",
    answers="Which invoices are not paid, how old are they, and what was never invoiced?",
    row="an invoice to a payer; or a study's earnings in a currency that no invoice names",
    functions=("budgets, contracts and invoices",),
    entities=("Invoice", "PaymentAllocation", "Receivable", "Study", "Organization"),
    columns=(
        text("sponsor", "who owes it"),
        *STUDY,
        text("invoice_no", "number; none: not invoiced, or the ERP has given none"),
        text("posted_no", "the ERP's document number; none: it is not posted"),
        code("state", "state", STATES),
        text("state_native", "state as the source said it"),
        money("amount", "with tax"),
        CURRENCY,
        date("issued_on", "issued"),
        date("due_on", "to be paid by"),
        money("paid", "of it, paid"),
        money("outstanding", "of it, still owed"),
        count("days_overdue", "days past the due day, negative before it; while something is owed"),
        *aged(),
        money("unbilled_earned", "earned and on no invoice"),
        DQ,
    ),
    sql=_sql,
)
