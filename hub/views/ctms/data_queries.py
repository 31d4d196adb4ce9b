"""How far data cleaning is: forms and queries of the EDC, site by site."""

from __future__ import annotations

from hub.views import parts
from hub.views.parts import DQ, SITE, STUDY
from hub.views.view import View, count, number
from hub.views.words import Words

_ENTERED = "('entered', 'verified', 'signed', 'frozen', 'locked')"


def _sql(on: Words) -> str:
    at = "z.study_id || '|' || coalesce(z.study_site_id, '')"
    same = "and coalesce({0}.study_site_id, '') = coalesce(z.study_site_id, '')"
    return f"""
    select {at} as id, {parts.place("z")},
        coalesce(f.expected, 0) as forms_expected, coalesce(f.entered, 0) as forms_entered,
        coalesce(f.verified, 0) as forms_verified, coalesce(f.locked, 0) as forms_locked,
        {on.share("f.entered", "f.expected")} as entered_percent,
        coalesce(q.open, 0) as queries_open, coalesce(q.answered, 0) as queries_answered,
        coalesce(q.closed, 0) as queries_closed, m.days as median_age_days,
        {on.days("q.oldest_at", on.today)} as oldest_days,
        {on.worst("s.quality", "si.quality", "f.worst", "q.worst")} as dq_flag
    from ({_places(on)}) z
    {parts.placed("z")}
    left join ({_forms(on)}) f on f.study_id = z.study_id {same.format("f")}
    left join ({_queries(on)}) q on q.study_id = z.study_id {same.format("q")}
    left join ({parts.median(_ages(on), "study_id, study_site_id")}) m
        on m.study_id = z.study_id {same.format("m")}"""


def _places(on: Words) -> str:
    return f"""
    select f.study_id, f.study_site_id from crf_status f
    where {on.current("f")} and f.study_id is not null and {on.of("f.study_id")}
    union
    select q.study_id, q.study_site_id from data_query q
    where {on.current("q")} and q.study_id is not null and {on.of("q.study_id")}"""


def _forms(on: Words) -> str:
    verified = "f.verified_at is not null or f.status in ('verified', 'signed', 'frozen', 'locked')"
    return f"""
    select f.study_id, f.study_site_id, count(*) as expected,
        count(case when f.entered_at is not null or f.status in {_ENTERED} then 1 end) as entered,
        count(case when {verified} then 1 end) as verified,
        count(case when f.locked_at is not null or f.status = 'locked' then 1 end) as locked,
        {parts.worst_of("f.quality")} as worst
    from crf_status f
    where {on.current("f")} and coalesce(f.status, '') not in ('deleted', 'not_done')
        and f.required is not false and {on.of("f.study_id")}
    group by f.study_id, f.study_site_id"""


def _queries(on: Words) -> str:
    state = "coalesce(q.status, 'open')"
    return f"""
    select q.study_id, q.study_site_id, count(case when {state} = 'open' then 1 end) as open,
        count(case when {state} = 'answered' then 1 end) as answered,
        count(case when {state} = 'closed' then 1 end) as closed,
        min(case when {state} in ('open', 'answered') then q.opened_at end) as oldest_at,
        {parts.worst_of("q.quality")} as worst
    from data_query q
    where {on.current("q")} and {on.of("q.study_id")}
    group by q.study_id, q.study_site_id"""


def _ages(on: Words) -> str:
    return f"""
    select q.study_id, q.study_site_id, {on.days("q.opened_at", on.today)} as days
    from data_query q
    where {on.current("q")} and coalesce(q.status, 'open') in ('open', 'answered')
        and {on.of("q.study_id")}"""


VIEW = View(
    name="ctms_data_queries",
    answers="How far is data cleaning?",
    row="a site of a study (none: forms whose site is not known)",
    functions=("monitoring visits", "enrolment and tracking of participants"),
    entities=("CrfStatus", "DataQuery"),
    columns=(
        *STUDY,
        *SITE,
        count("forms_expected", "forms the protocol asks for"),
        count("forms_entered", "of them, entered"),
        count("forms_verified", "of them, with source data verified"),
        count("forms_locked", "of them, locked"),
        number("entered_percent", "entered of expected, per cent"),
        count("queries_open", "queries that wait for an answer"),
        count("queries_answered", "queries that are answered and not closed"),
        count("queries_closed", "queries closed"),
        number("median_age_days", "days since queries that are not closed were asked, median"),
        count("oldest_days", "days since the oldest of them"),
        DQ,
    ),
    sql=_sql,
    kept=True,
)
