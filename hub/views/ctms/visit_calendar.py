"""Which visits are due, done and missed."""

from __future__ import annotations

from hub.model.participant_visit import STATUSES
from hub.views import parts
from hub.views.parts import CURRENCY, DQ, SITE, STUDY
from hub.views.view import View, code, count, date, instant, money, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    since, until = parts.window(on, "v", "vd")
    early, late = on.days("v.actual_on", since), on.days(until, "v.actual_on")
    overdue = on.days(f"coalesce({until}, v.planned_on)", on.today)
    waiting = "v.actual_on is null and coalesce(v.status, 'projected') in ('projected','scheduled')"
    return f"""
    select v.id as id, coalesce(v.study_id, n.study_id) as study_id, {parts.study("s")} as study,
        n.study_site_id, {parts.site("si", "so")} as site, v.enrollment_id,
        n.subject_number as subject_no, coalesce(vd.name, v.visit_type) as visit, v.sequence,
        v.planned_on, {since} as window_from, {until} as window_to, v.scheduled_at, v.actual_on,
        v.status, v.status_native,
        case when {early} > 0 then {early} when {late} > 0 then {late}
            when {early} is not null or {late} is not null then 0 end as out_of_window_days,
        case when {waiting} and {overdue} > 0 then {overdue} end as days_overdue,
        {_procedures(on, "vp.done is true")} as procedures_done,
        {_procedures(on, "1 = 1")} as procedures_total, {_value(on)} as billable_value,
        b.currency, {on.worst("v.quality")} as dq_flag
    from participant_visit v
    left join enrollment n on n.id = v.enrollment_id
    left join study s on s.id = coalesce(v.study_id, n.study_id)
    left join study_site si on si.id = n.study_site_id
    left join organization so on so.id = si.organization_id
    left join visit_def vd on vd.id = v.visit_def_id
    left join budget b on b.id = {_budget(on)}
    where {on.current("v")} and v.status is distinct from 'entered_in_error'
        and {_asked_for(on)}"""


def _asked_for(on: Words) -> str:
    """A visit names its study, or its enrollment does."""
    if not on.narrowed:
        return "1 = 1"
    of = f"select n.id from enrollment n where {on.of('n.study_id')}"
    enrolled = on.among("v.enrollment_id", of)
    return f"({on.of('v.study_id')} or (v.study_id is null and {enrolled}))"


def _procedures(on: Words, which: str) -> str:
    return f"""(
    select count(*) from visit_procedure vp
    where vp.participant_visit_id = v.id and {on.current("vp")} and {which})"""


def _budget(on: Words) -> str:
    """The approved budget that the visit is paid by, the newest."""
    return f"""(
    select b.id from budget_line l join budget b on b.id = l.budget_id
    where l.visit_def_id = v.visit_def_id and {on.current("l")} and {on.current("b")}
        and b.status = 'approved' and l.currency = b.currency
    order by coalesce(b.approved_on, '') desc, b.id desc limit 1)"""


def _value(on: Words) -> str:
    times = f"coalesce({on.amount('l.quantity')}, 10000)"
    return f"""(
    select cast(sum({on.amount("l.unit_amount")} * {times} / 10000) as bigint)
    from budget_line l where l.visit_def_id = v.visit_def_id and l.budget_id = b.id
        and l.currency = b.currency and {on.current("l")})"""


VIEW = View(
    name="ctms_visit_calendar",
    answers="Which visits are due, done and missed?",
    row="a participant's visit",
    functions=("enrolment and tracking of participants",),
    entities=("ParticipantVisit", "VisitDef", "VisitProcedure", "BudgetLine"),
    columns=(
        *STUDY,
        *SITE,
        text("enrollment_id", "the enrollment"),
        text("subject_no", "the participant's number in the study"),
        text("visit", "the visit as the protocol calls it, else as the source did"),
        count("sequence", "which repetition"),
        date("planned_on", "due by the protocol"),
        date("window_from", "first day of its window"),
        date("window_to", "last day of its window"),
        instant("scheduled_at", "start of the appointment"),
        date("actual_on", "took place"),
        code("status", "status", STATUSES),
        text("status_native", "status as the source said it"),
        count("out_of_window_days", "days outside its window, of a visit that took place"),
        count("days_overdue", "days since the window closed, of one that has not"),
        count("procedures_done", "procedures done"),
        count("procedures_total", "procedures planned or done"),
        money("billable_value", "what the newest approved budget pays for it, in its currency"),
        CURRENCY,
        DQ,
    ),
    sql=_sql,
    narrowed_by=("study_id", "study_site_id", "enrollment_id"),
)
