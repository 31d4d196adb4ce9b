"""Who has too much to do: effort and visits of each person, month by month."""

from __future__ import annotations

from hub.views.parts import DQ, PERSON, on_study
from hub.views.view import View, count, flag, number, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    return f"""
    select m.person_id || '|' || m.month as id, m.person_id, {on.person("p")} as person,
        p.department, m.month, coalesce(w.studies, 0) as studies,
        coalesce(w.active_subjects, 0) as active_subjects, {_visits(on)} as visits,
        m.effort_planned, m.effort_actual, m.effort_certified, m.capacity_hours, m.planned_hours,
        m.actual_hours,
        coalesce(m.effort_planned, 0) > 100 or coalesce(m.planned_hours > m.capacity_hours, false)
            as over_allocated,
        {on.worst("p.quality")} as dq_flag
    from ({_effort(on)}) m
    join person p on p.id = m.person_id and {on.current("p")}
    left join (
        select a.person_id, count(distinct a.study_id) as studies,
            sum(n.active) as active_subjects
        from (select distinct a.person_id, a.study_id from staff_assignment a
              where {on_study(on, "a")}) a
        left join (
            select n.study_id, count(*) as active from enrollment n where {on.current("n")}
                and n.state in ('enrolled', 'randomised', 'on_treatment', 'follow_up')
            group by n.study_id
        ) n on n.study_id = a.study_id
        group by a.person_id
    ) w on w.person_id = m.person_id"""


def _visits(on: Words) -> str:
    """Counted for each person and month: those of everybody are a million rows."""
    return f"""(
        select count(*) from enrollment n join participant_visit x on x.enrollment_id = n.id
        where n.registering_person_id = m.person_id and {on.month("x.actual_on")} = m.month
            and {on.current("x")} and x.status in ('completed', 'partial'))"""


def _effort(on: Words) -> str:
    """A person's effort by the month in which the period begins."""
    sums = ", ".join(
        f"sum({on.real(f'e.{column}')}) as {name}"
        for column, name in (
            ("planned_percent", "effort_planned"), ("actual_percent", "effort_actual"),
            ("certified_percent", "effort_certified"), ("planned_hours", "planned_hours"),
            ("actual_hours", "actual_hours"),
        )
    )  # fmt: skip
    return f"""select e.person_id, {on.month("e.period_from")} as month, {sums},
            max({on.real("e.available_hours")}) as capacity_hours
        from effort_record e where {on.current("e")} and length(e.period_from) >= 7
            and e.person_id is not null
        group by e.person_id, {on.month("e.period_from")}"""


VIEW = View(
    name="croms_workload",
    answers="Who has too much to do, and who has time?",
    row="a person and a month",
    functions=("resource allocation",),
    entities=("EffortRecord", "Person", "StaffAssignment", "Enrollment", "ParticipantVisit"),
    columns=(
        *PERSON,
        text("department", "the person's department"),
        text("month", "the month, 2026-03"),
        count("studies", "studies the person works on now"),
        count("active_subjects", "participants on study there now"),
        count("visits", "visits held that month of participants the person registered"),
        number("effort_planned", "planned, per cent of working time"),
        number("effort_actual", "worked, per cent of working time"),
        number("effort_certified", "certified, per cent of working time"),
        number("capacity_hours", "hours the person has at all"),
        number("planned_hours", "planned, hours"),
        number("actual_hours", "worked, hours"),
        flag("over_allocated", "planned beyond 100 per cent or beyond the hours there are"),
        DQ,
    ),
    sql=_sql,
    narrowed_by=("person_id", "month", "department"),
)
