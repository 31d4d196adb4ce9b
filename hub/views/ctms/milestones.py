"""The schedule: what was planned, what is expected, what was reached."""

from __future__ import annotations

from hub.model.milestone import KINDS, SCOPES, STATUSES
from hub.views import parts
from hub.views.parts import DQ, SITE, STUDY
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    planned = "coalesce(m.baseline_on, m.planned_on)"
    open_ = "m.actual_on is null and coalesce(m.status, '') not in ('done', 'na')"
    expected = f"coalesce(m.actual_on, case when {open_} then {_expected(on)} end)"
    return f"""
    select m.id as id, {parts.place("m")}, m.scope, m.name, m.kind, m.kind_native, m.baseline_on,
        m.planned_on, m.forecast_on, m.actual_on, {on.days(planned, expected)} as variance_days,
        m.status, m.status_native,
        case when {open_} then {on.days("coalesce(m.forecast_on, m.planned_on)", on.today)} > 0
            else {on.no("(1 = 1)")} end as overdue,
        m.critical as critical_path, case when {_waits("w")} then w.name end as blocked_by,
        {on.person("p")} as owner, {on.worst("m.quality")} as dq_flag
    from milestone m
    {parts.placed("m")}
    left join milestone w on w.id = m.waits_for_id and {on.current("w")}
    left join person p on p.id = m.owner_id
    where {on.current("m")} and {on.of("m.study_id")}"""


def _expected(on: Words) -> str:
    """When it will be: as forecast or planned, but not before today."""
    plan = "coalesce(m.forecast_on, m.planned_on)"
    return f"case when {on.days(plan, on.today)} > 0 then {on.today} else {plan} end"


def _waits(alias: str) -> str:
    return f"{alias}.actual_on is null and coalesce({alias}.status, '') not in ('done', 'na')"


VIEW = View(
    name="ctms_milestones",
    answers="Are we on schedule, and what holds us up?",
    row="a milestone of a study, country, site, contract or award",
    functions=("milestones and budgets", "study set-up and site management"),
    entities=("Milestone",),
    columns=(
        *STUDY,
        *SITE,
        code("scope", "what it is a milestone of", SCOPES),
        text("name", "name"),
        code("kind", "what is reached", KINDS),
        text("kind_native", "kind as the source said it"),
        date("baseline_on", "first plan; it never moves"),
        date("planned_on", "plan"),
        date("forecast_on", "expected now"),
        date("actual_on", "reached"),
        count("variance_days",
              "days later than first planned: as reached, else as expected, today at the earliest"),
        code("status", "status", STATUSES),
        text("status_native", "status as the source said it"),
        flag("overdue", "it should have been reached by now"),
        flag("critical_path", "on the critical path"),
        text("blocked_by", "the milestone that must come first and has not"),
        text("owner", "who sees to it"),
        DQ,
    ),
    sql=_sql,
)  # fmt: skip
