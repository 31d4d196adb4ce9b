"""Which sites recruit, enter data and answer queries well."""

from __future__ import annotations

from hub.views import parts, stages
from hub.views.parts import DQ, SITE, STUDY
from hub.views.view import View, count, date, number, text
from hub.views.words import Words

_MONTH = 30.4375  # days


def _sql(on: Words) -> str:
    opened = "coalesce(si.enrolment_open_on, si.activated_on, n.first_on)"
    closed = "coalesce(si.enrolment_close_on, si.closed_on)"
    until = f"case when {closed} <= {on.today} then {closed} else {on.today} end"
    days = on.days(opened, until)
    return f"""
    select si.id as id, si.study_id, {parts.study("s")} as study, si.id as study_site_id,
        {parts.site("si", "so")} as site, so.name as institution, {opened} as open_since,
        si.target_enrolment as target, coalesce(n.enrolled, 0) as enrolled,
        {on.share("n.enrolled", "si.target_enrolment")} as target_percent,
        {_rate(on, "coalesce(n.enrolled, 0)", days)} as enrolled_per_month,
        coalesce(n.screened, 0) as screened,
        {on.share("n.screen_failed", "n.screened")} as screen_failure_percent,
        {on.share("n.lost", "n.enrolled")} as drop_out_percent,
        lag.days as median_entry_lag_days, age.days as median_query_days,
        {on.ratio("q.queries", "n.enrolled")} as queries_per_subject,
        coalesce(d.deviations, 0) as deviations, coalesce(d.grave, 0) as major_deviations,
        {on.ratio("d.deviations", "n.enrolled")} as deviations_per_subject,
        {on.worst("si.quality")} as dq_flag
    from study_site si
    left join study s on s.id = si.study_id
    left join organization so on so.id = si.organization_id
    left join ({_subjects(on)}) n on n.study_site_id = si.id
    left join ({parts.median(_lags(on), "study_site_id")}) lag on lag.study_site_id = si.id
    left join ({parts.median(_answers(on), "study_site_id")}) age on age.study_site_id = si.id
    left join ({_queries(on)}) q on q.study_site_id = si.id
    left join ({_deviations(on)}) d on d.study_site_id = si.id
    where {on.current("si")} and {on.of("si.study_id")}"""


def _rate(on: Words, count_: str, days: str) -> str:
    return on.ratio(f"{count_} * {_MONTH}", f"case when {days} > 0 then {days} end")


def _subjects(on: Words) -> str:
    return f"""
    select n.study_site_id, {stages.reached("enrolled")} as enrolled,
        {stages.reached("screened")} as screened,
        {stages.reached("screen_failed")} as screen_failed,
        count(case when n.state in ('withdrawn', 'lost_to_follow_up')
            and {stages.ENROLLED.reached} then 1 end) as lost,
        min({stages.ENROLLED.day(on)}) as first_on
    from enrollment n where {stages.counted(on)} and {on.of("n.study_id")}
    group by n.study_site_id"""


def _lags(on: Words) -> str:
    """Days from a visit to the first entry of its forms."""
    return f"""
    select f.study_site_id, {on.days("v.actual_on", "f.entered_at")} as days
    from crf_status f join participant_visit v on v.id = f.participant_visit_id
    where {on.current("f")} and {on.of("f.study_id")}"""


def _answers(on: Words) -> str:
    """Days from a query to its answer; until today, where there is none."""
    until = f"coalesce(q.answered_at, q.closed_at, {on.today})"
    return f"""
    select q.study_site_id, {on.days("q.opened_at", until)} as days
    from data_query q
    where {on.current("q")} and q.status is distinct from 'cancelled' and {on.of("q.study_id")}"""


def _queries(on: Words) -> str:
    return f"""
    select q.study_site_id, count(*) as queries from data_query q
    where {on.current("q")} and q.status is distinct from 'cancelled' and {on.of("q.study_id")}
    group by q.study_site_id"""


def _deviations(on: Words) -> str:
    return f"""
    select d.study_site_id, count(*) as deviations,
        count(case when d.severity in ('major', 'important') then 1 end) as grave
    from deviation d where {on.current("d")} and {on.of("d.study_id")}
    group by d.study_site_id"""


VIEW = View(
    name="ctms_site_performance",
    answers="Which sites recruit, enter data and answer queries well?",
    row="a site of a study",
    functions=("study set-up and site management", "enrolment and tracking of participants"),
    entities=("StudySite", "Enrollment", "CrfStatus", "DataQuery", "Deviation"),
    columns=(
        *STUDY,
        *SITE,
        text("institution", "the institution"),
        date("open_since", "open for enrolment since; else activated, else the first participant"),
        count("target", "participants planned here"),
        count("enrolled", "participants ever enrolled here (accrual)"),
        number("target_percent", "enrolled of the target, per cent"),
        number("enrolled_per_month", "enrolled for a month of 30.4375 days in which it was open"),
        count("screened", "participants who ever came into screening"),
        number("screen_failure_percent", "of them, failed, per cent"),
        number("drop_out_percent", "withdrawn or lost of those enrolled, per cent"),
        number("median_entry_lag_days", "days from a visit to the entry of its forms, median"),
        number(
            "median_query_days", "days from a query to its answer, median; open ones till today"
        ),
        number("queries_per_subject", "queries for each participant enrolled"),
        count("deviations", "protocol deviations"),
        count("major_deviations", "of them, major or important"),
        number("deviations_per_subject", "deviations for each participant enrolled"),
        DQ,
    ),
    sql=_sql,
    kept=True,
)
