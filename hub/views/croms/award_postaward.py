"""How each award is spent, and what is owed to its sponsor."""

from __future__ import annotations

from hub.model.award import KINDS, STATUSES
from hub.views.parts import CURRENCY, DQ, STUDY, study
from hub.views.view import View, code, count, date, flag, money, number, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    gone, whole = on.days("w.start_on", on.today), on.days("w.start_on", "w.end_on")
    spent, obligated = "coalesce(l.spent, 0)", on.amount("w.obligated_amount")
    # spent so far, carried on to the last day at the same pace
    expected = f"{spent} * {whole} / nullif({gone}, 0)"
    return f"""
    select w.id as id, w.award_no, w.sponsor_award_no, w.title, w.kind, w.status, w.status_native,
        o.name as sponsor, {on.person("p")} as principal_investigator, u.name as department,
        w.study_id, {study("s")} as study, w.start_on, w.end_on, w.currency,
        {obligated} as obligated, {spent} as spent, {on.share(spent, obligated)} as burn_percent,
        case when {gone} > 0 then {obligated} - {expected} end as projected_balance,
        {on.real("w.f_and_a_rate")} as f_and_a_rate, coalesce(d.due, 0) as deliverables_due,
        coalesce(d.late, 0) as deliverables_late, d.next_due_on,
        e.certified as effort_certified_until,
        coalesce(w.status = 'no_cost_ext' or w.end_on > w.original_end_on, false)
            as no_cost_extension,
        {on.worst("w.quality")} as dq_flag
    from award w
    left join study s on s.id = w.study_id
    left join organization o on o.id = w.sponsor_id
    left join organization u on u.id = w.organization_id
    left join person p on p.id = w.principal_investigator_id
    left join (
        select l.award_id, l.currency,
            sum(case l.side when 'credit' then -1 else 1 end * {on.amount("l.amount")}) as spent
        from ledger_entry l where {on.current("l")} and l.kind = 'actual'
            and l.award_id is not null and l.side is not null
        group by l.award_id, l.currency
    ) l on l.award_id = w.id and l.currency = w.currency
    left join (
        select d.award_id, count(*) as due, min(d.due_on) as next_due_on,
            sum(case when d.due_on < {on.today} then 1 else 0 end) as late
        from award_deliverable d where {on.current("d")}
            and d.status in ('open', 'in_progress', 'returned') group by d.award_id
    ) d on d.award_id = w.id
    left join (
        select e.award_id, max(case when e.certified_on is not null then e.period_to end)
            as certified
        from effort_record e where {on.current("e")} and e.award_id is not null group by e.award_id
    ) e on e.award_id = w.id
    where {on.current("w")} and {on.of("w.study_id")}"""


VIEW = View(
    name="croms_award_postaward",
    answers="How fast is each award spent, and which reports are due or late?",
    row="an award",
    functions=("post-award oversight",),
    entities=("Award", "AwardDeliverable", "LedgerEntry", "EffortRecord", "Study"),
    columns=(
        text("award_no", "the institution's number"),
        text("sponsor_award_no", "the sponsor's number"),
        text("title", "title"),
        code("kind", "what it is", KINDS),
        code("status", "status", STATUSES),
        text("status_native", "status as the source said it"),
        text("sponsor", "who gives it"),
        text("principal_investigator", "principal investigator"),
        text("department", "the unit that holds it"),
        *STUDY,
        date("start_on", "first day"),
        date("end_on", "last day"),
        CURRENCY,
        money("obligated", "committed by the sponsor"),
        money("spent", "posted actuals, credits taken off"),
        number("burn_percent", "spent, per cent of what is committed"),
        money("projected_balance", "what is left on the last day at the pace so far"),
        number("f_and_a_rate", "rate for facilities and administration, per cent"),
        count("deliverables_due", "reports and the like not yet handed in"),
        count("deliverables_late", "of them past their day"),
        date("next_due_on", "the first of them is due"),
        date("effort_certified_until", "effort is certified until"),
        flag("no_cost_extension", "runs longer than first agreed, without more money"),
        DQ,
    ),
    sql=_sql,
)
