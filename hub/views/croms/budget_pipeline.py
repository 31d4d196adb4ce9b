"""Where the budgets of the institution are on their way to approval."""

from __future__ import annotations

from hub.model.budget import KINDS, STATUSES
from hub.views.parts import CURRENCY, DQ, STUDY, study
from hub.views.view import View, code, count, date, money, number, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    return f"""
    select b.id as id, b.study_id, {study("s")} as study, u.name as department, o.name as sponsor,
        b.name, b.kind, b.kind_native, b.status, b.status_native, b.version_no,
        {on.amount("b.total_amount")} as total, coalesce(l.lines_total, 0) as lines_total,
        coalesce(l.lines, 0) as lines, {on.amount("p.total_amount")} as total_before, b.currency,
        {on.real("b.overhead_rate")} as overhead_rate, b.start_on, b.approved_on,
        case when b.status in ('draft', 'negotiation')
            then {on.days("b.start_on", on.today)} end as days_open,
        c.contract_no, c.state as contract_state, {on.worst("b.quality")} as dq_flag
    from budget b
    left join study s on s.id = b.study_id
    left join organization o on o.id = s.sponsor_id
    left join budget p on p.id = b.supersedes_id
    left join contract c on c.id = b.contract_id
    left join (
        select g.study_id, min(w.name) as name from study_governance g
        join organization w on w.id = g.unit_id
        where {on.current("g")} and g.role = 'owning' and {on.of("g.study_id")} group by g.study_id
    ) u on u.study_id = b.study_id
    left join (
        select x.budget_id, x.currency, count(*) as lines,
            sum(cast(round({on.real("coalesce(x.quantity, '1')")} * {on.amount("x.unit_amount")})
                as bigint)) as lines_total
        from budget_line x where {on.current("x")} group by x.budget_id, x.currency
    ) l on l.budget_id = b.id and l.currency = b.currency
    where {on.current("b")} and {on.of("b.study_id")}"""


VIEW = View(
    name="croms_budget_pipeline",
    answers="Which budgets wait for approval, since when, and for how much?",
    row="a version of a budget",
    functions=("milestones and budgets", "budgets, contracts and invoices"),
    entities=("Budget", "BudgetLine", "Contract", "Study"),
    columns=(
        *STUDY,
        text("department", "the unit that owns the study"),
        text("sponsor", "sponsor"),
        text("name", "name"),
        code("kind", "whose budget it is", KINDS),
        text("kind_native", "kind as the source said it"),
        code("status", "how far it is", STATUSES),
        text("status_native", "status as the source said it"),
        text("version_no", "version"),
        money("total", "in all, as the source counts"),
        money("lines_total", "quantity times amount of its lines"),
        count("lines", "its lines"),
        money("total_before", "in all, of the version it replaces"),
        CURRENCY,
        number("overhead_rate", "overhead, per cent"),
        date("start_on", "first day"),
        date("approved_on", "approved"),
        count("days_open", "days since its first day, while it is not approved"),
        text("contract_no", "the contract it belongs to"),
        text("contract_state", "how far that contract is"),
        DQ,
    ),
    sql=_sql,
)
