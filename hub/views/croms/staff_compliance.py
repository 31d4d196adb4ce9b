"""Who may not work: each person on a study against each training that is required there."""

from __future__ import annotations

from hub.model.staff_assignment import ROLES
from hub.views.parts import DQ, PERSON, STUDY, on_study, study
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words

STATUSES = ("met", "in_grace", "expired", "missing")


def _sql(on: Words) -> str:
    left = on.days(on.today, "m.expires_on")
    status = f"""case when m.completed_on is null then 'missing' when m.expires_on is null
        or m.expires_on >= {on.today} then 'met'
        when {left} >= -coalesce(r.grace_days, 0) then 'in_grace' else 'expired' end"""
    return f"""
    select m.person_id || '|' || m.study_id || '|' || r.id as id, m.person_id,
        {on.person("p")} as person, p.department, m.role, m.study_id, {study("s")} as study,
        r.name as requirement, r.course_group, {status} as status, m.completed_on, m.expires_on,
        {left} as days_left,
        d.person_id is not null and {status} in ('expired', 'missing')
            as delegated_without_valid_training,
        {on.worst("p.quality")} as dq_flag
    from ({_met(on)}) m
    join person p on p.id = m.person_id and {on.current("p")}
    join study s on s.id = m.study_id and {on.current("s")}
    join training_requirement r on r.id = m.requirement_id
    left join (
        select distinct d.person_id, d.study_id from delegation d
        where {on.current("d")} and d.status = 'active' and {on.of("d.study_id")}
            and coalesce(d.end_on, '9') >= {on.today}
    ) d on d.person_id = m.person_id and d.study_id = m.study_id"""


def _met(on: Words) -> str:
    """Each requirement of each person on each study, with the last completion that meets it; one
    that has no end lasts."""
    return f"""
    select a.person_id, a.study_id, a.role, r.id as requirement_id,
        max(c.completed_on) as completed_on,
        case when count(c.id) = count(c.expires_on) then max(c.expires_on) end as expires_on
    from ({_assigned(on)}) a
    join training_requirement r on {on.current("r")} and r.active is not false
        and coalesce(r.start_on, '') <= {on.today} and coalesce(r.end_on, '9') >= {on.today}
        and (r.study_id is null or r.study_id = a.study_id) and {_asks(on)}
    left join training_record c on c.person_id = a.person_id and {on.current("c")}
        and c.completed_on is not null and c.status in ('completed', 'expired', 'waived')
        and (c.study_id is null or c.study_id = a.study_id)
        and (c.course_code = r.course_code
            or (r.course_code is null and c.course_group = r.course_group))
    group by a.person_id, a.study_id, a.role, r.id"""


def _assigned(on: Words) -> str:
    """Who works on which study today, one row each: with several roles the first by name."""
    return f"""select a.person_id, a.study_id, min(a.role) as role from staff_assignment a
        where {on_study(on, "a")} and {on.of("a.study_id")} group by a.person_id, a.study_id"""


def _asks(on: Words) -> str:
    """That a requirement is for everyone, or for a role the person has on the study."""
    return f"""(r.roles is null or exists (
        select 1 from staff_assignment x, {on.each("r.roles", "wanted")}
        where x.person_id = a.person_id and x.study_id = a.study_id and {on_study(on, "x")}
            and wanted.value = x.role))"""


VIEW = View(
    name="croms_staff_compliance",
    answers="Who may not work on which study, for want of which training?",
    row="a person, a study and a requirement",
    functions=("credentials, certifications and training", "compliance"),
    entities=("Person", "StaffAssignment", "TrainingRequirement", "TrainingRecord", "Delegation"),
    columns=(
        *PERSON,
        text("department", "the person's department"),
        code("role", "role on the study", ROLES),
        *STUDY,
        text("requirement", "what is required"),
        text("course_group", "the kind of course that meets it"),
        code("status", "whether it is met today", STATUSES),
        date("completed_on", "last completed"),
        date("expires_on", "last day it is good for; none: does not expire"),
        count("days_left", "days until then, negative once it has passed"),
        flag("delegated_without_valid_training", "has delegated tasks there and may not do them"),
        DQ,
    ),
    sql=_sql,
    narrowed_by=("person_id", "study_id", "department", "status", "requirement"),
)
