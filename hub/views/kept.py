"""What institution-wide questions are answered from: sums of each study that are kept, and how
they are made of the records."""

from __future__ import annotations

from hub.views import stages
from hub.views.words import Words

_ENDED_SITES = "('closed_out', 'archived', 'terminated', 'withdrawn', 'not_selected')"
_PLANNED_SITES = "('identified', 'feasibility', 'selected', 'start_up')"


def of_studies(on: Words) -> str:
    """A row a study: participants by how far they came, sites, what is open."""
    return f"""
    select s.id as study_id, coalesce(n.subjects, 0) as subjects,
        coalesce(n.consented, 0) as consented, coalesce(n.screened, 0) as screened,
        coalesce(n.screen_failed, 0) as screen_failed, coalesce(n.enrolled, 0) as enrolled,
        coalesce(n.on_treatment, 0) as on_treatment, coalesce(n.withdrawn, 0) as withdrawn,
        coalesce(n.completed, 0) as completed, n.first_enrolled_on,
        coalesce(si.planned, 0) as sites_planned, coalesce(si.active, 0) as sites_active,
        coalesce(si.closed, 0) as sites_closed,
        coalesce(d.open, 0) + coalesce(f.open, 0) + coalesce(c.open, 0) as open_issues
    from study s
    left join ({_subjects(on)}) n on n.study_id = s.id
    left join ({_sites(on)}) si on si.study_id = s.id
    left join ({_open(on, "deviation", "'resolved'")}) d on d.study_id = s.id
    left join ({_open(on, "monitoring_finding", "'verified', 'closed'")}) f on f.study_id = s.id
    left join ({_open(on, "compliance_item", "'resolved', 'waived'")}) c on c.study_id = s.id
    where {on.current("s")} and {on.of("s.id")}"""


def of_years(on: Words) -> str:
    """Accrual: a row a study and year in which somebody was enrolled, as far as days are known."""
    day = stages.ENROLLED.day(on)
    return f"""
    select n.study_id, substr({day}, 1, 4) as year, count(*) as enrolled
    from enrollment n
    where {stages.counted(on)} and n.study_id is not null and {day} is not null
        and {on.of("n.study_id")}
    group by n.study_id, substr({day}, 1, 4)"""


def _subjects(on: Words) -> str:
    return f"""
    select n.study_id, count(*) as subjects, {stages.reached("consented")} as consented,
        {stages.reached("screened")} as screened,
        {stages.reached("screen_failed")} as screen_failed,
        {stages.reached("enrolled")} as enrolled, {stages.standing("on_treatment")} as on_treatment,
        {stages.standing("withdrawn")} as withdrawn, {stages.standing("completed")} as completed,
        min({stages.ENROLLED.day(on)}) as first_enrolled_on
    from enrollment n
    where {stages.counted(on)} and {on.of("n.study_id")}
    group by n.study_id"""


def _sites(on: Words) -> str:
    return f"""
    select si.study_id, count(case when si.status in {_PLANNED_SITES} then 1 end) as planned,
        count(case when si.status not in {_PLANNED_SITES} and si.status not in {_ENDED_SITES}
            then 1 end) as active,
        count(case when si.status in {_ENDED_SITES} then 1 end) as closed
    from study_site si
    where {on.current("si")} and {on.of("si.study_id")}
    group by si.study_id"""


def _open(on: Words, table: str, ends: str) -> str:
    return f"""
    select x.study_id, count(*) as open from {table} x
    where {on.current("x")} and coalesce(x.status, 'open') not in ({ends}) and {on.of("x.study_id")}
    group by x.study_id"""
