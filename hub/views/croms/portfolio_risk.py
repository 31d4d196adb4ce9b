"""Which risk indicators of which study are beyond their thresholds, and where they go."""

from __future__ import annotations

from hub.views.parts import DQ, SITE, STUDY, site, study
from hub.views.view import View, code, count, date, number, text
from hub.views.words import Words

LEVELS = ("ok", "warning", "breached")
TRENDS = ("better", "same", "worse")


def _sql(on: Words) -> str:
    value, before = on.real("k.value"), on.real("b.value")
    worse = f"case k.bad_side when 'below' then {value} < {before} else {value} > {before} end"
    return f"""
    select k.id as id, k.study_id, {study("s")} as study, k.study_site_id,
        {site("t", "o")} as site, k.indicator, k.category, {value} as value, k.unit,
        {on.real("k.warning_threshold")} as warning_threshold,
        {on.real("k.threshold")} as threshold,
        case when {_beyond(on, "k.threshold")} or k.breached then 'breached'
            when {_beyond(on, "k.warning_threshold")} then 'warning' else 'ok' end as level,
        {before} as value_before, case when {before} is null then null
            when {value} = {before} then 'same' when {worse} then 'worse' else 'better' end
            as trend,
        k.period_from, k.period_to, coalesce(r.open_risks, 0) as open_risks,
        {on.worst("k.quality")} as dq_flag
    from kri_value k
    join study s on s.id = k.study_id and {on.current("s")}
    left join study_site t on t.id = k.study_site_id
    left join organization o on o.id = t.organization_id
    left join kri_value b on b.id = (
        select p.id from kri_value p where p.study_id = k.study_id and p.indicator = k.indicator
            and coalesce(p.study_site_id, '') = coalesce(k.study_site_id, '')
            and p.period_to < k.period_to and {on.current("p")}
        order by p.period_to desc, p.id desc limit 1)
    left join (
        select r.study_id, count(*) as open_risks from risk r
        where {on.current("r")} and r.status <> 'closed' and {on.of("r.study_id")}
        group by r.study_id
    ) r on r.study_id = k.study_id
    where {on.current("k")} and {on.of("k.study_id")}"""


def _beyond(on: Words, threshold: str) -> str:
    value, limit = on.real("k.value"), on.real(threshold)
    return f"coalesce(case k.bad_side when 'below' then {value} < {limit} " \
           f"else {value} > {limit} end, false)"  # fmt: skip


VIEW = View(
    name="croms_portfolio_risk",
    answers="Which risk indicators are beyond their thresholds, and do they get better?",
    row="an indicator of a study or site in a period",
    functions=("portfolios", "compliance"),
    entities=("KriValue", "Risk", "Study", "StudySite"),
    columns=(
        *STUDY,
        *SITE,
        text("indicator", "what is measured"),
        text("category", "the risk it tells of"),
        number("value", "the value"),
        text("unit", "unit of the value"),
        number("warning_threshold", "where attention begins"),
        number("threshold", "where action is due"),
        code("level", "where the value stands", LEVELS),
        number("value_before", "the value of the period before"),
        code("trend", "against the period before", TRENDS),
        date("period_from", "first day of the period"),
        date("period_to", "last day of the period"),
        count("open_risks", "risks of the study that are not closed"),
        DQ,
    ),
    sql=_sql,
)
