"""Which participants need someone to act."""

from __future__ import annotations

from hub.model.consent import STATUSES
from hub.model.enrollment import STATES
from hub.views import parts
from hub.views.parts import DQ, SITE, STUDY
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words

_ENDED = (
    "('screen_failed', 'completed', 'withdrawn', 'lost_to_follow_up', 'died', 'off_study', "
    "'transferred')"
)


def _sql(on: Words) -> str:
    since, until = parts.window(on, "v", "vd")
    overdue = on.days(f"coalesce({until}, v.planned_on)", on.today)
    return f"""
    select n.id as id, {parts.place("n")}, n.id as enrollment_id, n.subject_number as subject_no,
        n.state, n.state_native, coalesce({on.day("c.signed_at")}, n.consented_on) as consented_on,
        c.form_name as consent_form, c.form_version as consent_version, c.status as consent_status,
        case when ea.arm_assigned is not null or ea.arm_actual is not null then 'masked' end as arm,
        coalesce(vd.name, v.visit_type) as next_visit,
        coalesce({on.day("v.scheduled_at")}, v.planned_on) as next_visit_on,
        {since} as window_from, {until} as window_to, coalesce({overdue} > 0, 1 = 0) as overdue,
        case when {overdue} > 0 then {overdue} end as days_overdue,
        {_deviations(on)} as open_deviations, {_contact(on)} as last_contact_on,
        {on.worst("n.quality", "c.quality")} as dq_flag
    from enrollment n
    {parts.placed("n")}
    left join consent c on c.id = {_consent(on)}
    left join enrollment_arm ea on ea.id = n.id
    left join participant_visit v on v.id = {_next(on)}
    left join visit_def vd on vd.id = v.visit_def_id
    where {on.current("n")} and n.state is distinct from 'entered_in_error'
        and {on.of("n.study_id")}"""


def _consent(on: Words) -> str:
    """The newest consent to the study itself."""
    return f"""(
    select c.id from consent c where c.enrollment_id = n.id and {on.current("c")}
        and coalesce(c.kind, 'main') in ('main', 'reconsent', 'short_form', 'assent')
        and c.status is distinct from 'entered_in_error'
    order by coalesce(c.signed_at, c.effective_on, '') desc, c.id desc limit 1)"""


def _next(on: Words) -> str:
    """The first visit that has not been; none once the participant has left."""
    return f"""(
    select v.id from participant_visit v where v.enrollment_id = n.id and {on.current("v")}
        and v.actual_on is null and coalesce(v.status, 'projected') in ('projected', 'scheduled')
        and coalesce(n.state, '') not in {_ENDED}
    order by coalesce(v.scheduled_at, v.planned_on, v.window_from, '9999'), v.id limit 1)"""


def _deviations(on: Words) -> str:
    return f"""(
    select count(*) from deviation d where d.enrollment_id = n.id and {on.current("d")}
        and coalesce(d.status, 'open') <> 'resolved')"""


def _contact(on: Words) -> str:
    return f"""(
    select max(v.actual_on) from participant_visit v where v.enrollment_id = n.id
        and {on.current("v")} and v.status is distinct from 'entered_in_error')"""


VIEW = View(
    name="ctms_participant_tracker",
    answers="Which participants need someone to act?",
    row="an enrollment",
    functions=("enrolment and tracking of participants",),
    entities=("Enrollment", "Consent", "ParticipantVisit", "Deviation"),
    columns=(
        *STUDY,
        *SITE,
        text("enrollment_id", "the enrollment"),
        text("subject_no", "the participant's number in the study"),
        code("state", "state", STATES),
        text("state_native", "state as the source said it"),
        date("consented_on", "signed the newest consent; else as the study's systems count"),
        text("consent_form", "the form that was signed"),
        text("consent_version", "its version"),
        code("consent_status", "status of that consent", STATUSES),
        text("arm", "masked, where one is known: to read it is to be unblinded"),
        text("next_visit", "the first visit that has not been"),
        date("next_visit_on", "when it is scheduled, else planned"),
        date("window_from", "first day of its window"),
        date("window_to", "last day of its window"),
        flag("overdue", "its window has closed"),
        count("days_overdue", "days since then"),
        count("open_deviations", "protocol deviations that are open"),
        date("last_contact_on", "the last visit that took place"),
        DQ,
    ),
    sql=_sql,
    narrowed_by=("study_id", "study_site_id", "enrollment_id"),
)
