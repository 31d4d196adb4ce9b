"""Money of a study: planned, earned, invoiced, received, outstanding."""

from __future__ import annotations

from hub.model import budget_line
from hub.views import ledger, parts, stages
from hub.views.parts import CURRENCY, DQ, SITE, STUDY
from hub.views.view import View, code, money
from hub.views.words import Words

_CATEGORIES = (*budget_line.CATEGORIES, "milestone", "holdback", "not_attributed")
_PER_SUBJECT = "('visit', 'procedure')"


def _sql(on: Words) -> str:
    late = on.days("x.due", on.today)
    keys = "e.study_id, e.study_site_id, e.category, e.currency"
    sums = ", ".join(f"cast(sum(e.{name}) as bigint) as {name}" for name in ledger.FIGURES)
    ages = ", ".join(f"cast(x.{column.name} as bigint) as {column.name}" for column in parts.aged())
    return f"""
    select x.study_id || '|' || coalesce(x.study_site_id, '') || '|' || coalesce(x.category, '')
            || '|' || coalesce(x.currency, '') as id,
        {parts.place("x")}, x.category, x.budget, x.earned, x.invoiced, x.received,
        x.owed as outstanding, {ages}, x.holdback, {_forecast()} as forecast, x.currency,
        {on.worst("s.quality", "si.quality")} as dq_flag
    from (
        select {keys}, {sums}, {parts.ageing(on, "e.owed", "", days="e.late")}
        from (
            select x.*, case when x.owed <> 0 then coalesce({late}, 0) else 0 end as late
            from ({ledger.entries(on)}) x where x.study_id is not null
        ) e group by {keys}
    ) x
    {parts.placed("x")}
    left join ({_enrolled(on)}) n on n.study_id = x.study_id
        and coalesce(n.study_site_id, '') = coalesce(x.study_site_id, '')"""


def _forecast() -> str:
    """What is earned visit by visit goes on at that rate until the target is met."""
    target = "coalesce(si.target_enrolment, s.target_enrolment)"
    return f"""case when x.category in {_PER_SUBJECT} and n.enrolled > 0 and {target} > n.enrolled
        then x.earned * {target} / n.enrolled
        when x.earned > x.budget then x.earned else x.budget end"""


def _enrolled(on: Words) -> str:
    """A row a site, and one a study for money that is of no site."""
    if not on.live:
        return f"""
        select k.study_id, k.study_site_id, max(k.enrolled_so_far) as enrolled
        from enrollment_sum k
        where k.study_site_id is not null and {on.of("k.study_id")}
        group by k.study_id, k.study_site_id
        union all select k.study_id, null, k.enrolled from study_sum k
        where {on.of("k.study_id")}"""
    counted = f"{stages.reached('enrolled')} as enrolled"
    of = f"where {stages.counted(on)} and {on.of('n.study_id')}"
    return f"""
    select n.study_id, n.study_site_id, {counted} from enrollment n {of}
        and n.study_site_id is not null group by n.study_id, n.study_site_id
    union all select n.study_id, null, {counted} from enrollment n {of} group by n.study_id"""


VIEW = View(
    name="ctms_budget_vs_actual",
    answers="What was planned, earned, invoiced and received, and what is outstanding?",
    row="a kind of money of a site of a study, in one currency",
    functions=("milestones and budgets", "budgets, contracts and invoices"),
    entities=("Budget", "BudgetLine", "Receivable", "Invoice", "InvoiceLine", "PaymentAllocation",
              "Payment"),
    columns=(
        *STUDY,
        *SITE,
        code("category", "what for; not_attributed: an invoice that does not say", _CATEGORIES),
        money("budget", "planned: lines of approved budgets with a sponsor"),
        money("earned", "earned, before anything is kept back"),
        money("invoiced", "on an invoice that is out: sent, with a number of the ERP"),
        money("received", "paid"),
        money("outstanding", "invoiced and not paid"),
        *parts.aged(),
        money("holdback", "of what is earned, kept back until the end"),
        money("forecast", "earned at completion, as it looks now"),
        CURRENCY,
        DQ,
    ),
    sql=_sql,
    kept=True,
)  # fmt: skip
