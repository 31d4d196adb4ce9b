"""Where start-up waits: feasibility, start-up tasks, ancillary reviews, regulators."""

from __future__ import annotations

from hub.views import parts
from hub.views.parts import DQ, SITE, STUDY
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words

_WHAT = ("feasibility", "startup_task", "ancillary_review", "regulatory_submission")


def _sql(on: Words) -> str:
    each = " union all ".join(
        one(on) for one in (_feasibility, _tasks, _reviews, _submissions)
    )  # fmt: skip
    until = f"coalesce(x.ended_on, {on.today})"
    return f"""
    select x.id as id, {parts.place("x")}, x.what, x.kind, x.kind_native, x.name,
        coalesce(o.name, {on.person("p")}) as lies_with, x.waits_for, x.state, x.state_native,
        x.is_open as open, x.asked_on, x.due_on, x.ended_on,
        {on.days("x.asked_on", until)} as age_days,
        case when x.is_open then {on.days("x.due_on", on.today)} end as days_overdue,
        x.expires_on, {on.worst("x.quality")} as dq_flag
    from ({each}) x
    {parts.placed("x")}
    left join organization o on o.id = x.organization_id
    left join person p on p.id = x.person_id"""


def _feasibility(on: Words) -> str:
    return f"""
    select f.id, f.study_id, f.study_site_id, 'feasibility' as what, null as kind,
        null as kind_native, null as name, f.organization_id, f.respondent_id as person_id,
        coalesce(f.outcome, 'pending') as state, f.outcome_native as state_native,
        coalesce(f.outcome, 'pending') = 'pending' as is_open, f.sent_on as asked_on,
        null as due_on, coalesce(f.decided_on, case when f.outcome <> 'pending' then f.returned_on
        end) as ended_on, null as expires_on, f.comment as waits_for, f.quality
    from feasibility_assessment f where {on.current("f")} and {on.of("f.study_id")}"""


def _tasks(on: Words) -> str:
    return f"""
    select t.id, t.study_id, t.study_site_id, 'startup_task', t.kind, t.kind_native, t.name,
        t.organization_id, t.owner_id, t.status, t.status_native,
        coalesce(t.status, '') not in ('done', 'na'), t.started_on, t.planned_on, t.actual_on, null,
        t.waiting_for, t.quality
    from startup_task t where {on.current("t")} and {on.of("t.study_id")}"""


def _reviews(on: Words) -> str:
    ended = "('approved', 'disapproved', 'not_required', 'expired', 'withdrawn')"
    return f"""
    select a.id, a.study_id, a.study_site_id, 'ancillary_review', a.kind, a.kind_native, null,
        a.committee_id, null, a.state, a.state_native, coalesce(a.state, '') not in {ended},
        a.requested_on, a.meeting_on, a.decided_on, a.expires_on, a.comment, a.quality
    from ancillary_review a where {on.current("a")} and {on.of("a.study_id")}"""


def _submissions(on: Words) -> str:
    ended = "('approved', 'acknowledged', 'refused', 'expired', 'withdrawn')"
    return f"""
    select r.id, r.study_id, null, 'regulatory_submission', r.kind, r.kind_native, r.submission_no,
        r.authority_id, null, r.status, r.status_native, coalesce(r.status, '') not in {ended},
        r.submitted_on, r.due_on, r.decided_on, r.expires_on, null, r.quality
    from regulatory_submission r where {on.current("r")} and {on.of("r.study_id")}"""


VIEW = View(
    name="ctms_feasibility_startup",
    answers="Where does start-up wait, and since when?",
    row="a feasibility assessment, start-up task, ancillary review or regulatory submission",
    functions=("study set-up and site management", "IRB and regulatory submissions"),
    entities=("FeasibilityAssessment", "StartupTask", "AncillaryReview", "RegulatorySubmission"),
    columns=(
        *STUDY,
        *SITE,
        code("what", "what it is", _WHAT),
        text("kind", "what kind"),
        text("kind_native", "kind as the source said it"),
        text("name", "name or number"),
        text("lies_with", "the office, committee, regulator or person it lies with"),
        text("waits_for", "what it waits for, or a remark"),
        text("state", "state"),
        text("state_native", "state as the source said it"),
        flag("open", "it is not ended"),
        date("asked_on", "asked for, sent or begun"),
        date("due_on", "to be done by, or on the agenda of"),
        date("ended_on", "answered, done or decided"),
        count("age_days", "days from being asked for to its end, or to today"),
        count("days_overdue", "days since it was due; below zero: until then; of what is open"),
        date("expires_on", "last day it is good for"),
        DQ,
    ),
    sql=_sql,
)
