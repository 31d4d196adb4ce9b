"""Which sites are late."""

from __future__ import annotations

from hub.model.countries import COUNTRIES
from hub.model.study_site import STATES
from hub.views import parts, stages
from hub.views.approval import approval
from hub.views.parts import DQ, STUDY
from hub.views.view import View, code, count, date, text
from hub.views.words import Words

_ADVANCED = "('executed', 'amended')"


def _sql(on: Words) -> str:
    return f"""
    select si.id as id, si.study_id, {parts.study("s")} as study, si.id as study_site_id,
        si.site_number as site_no, so.name as institution, si.country,
        {on.person("p")} as principal_investigator, si.status, si.status_native,
        {_since(on)} as status_since, {on.days(_since(on), on.today)} as days_in_status,
        coalesce(t.done, 0) as startup_done, coalesce(t.tasks, 0) as startup_total,
        ap.approval_on as irb_approval_on, ap.expires_on as irb_expires_on, board.name as irb_board,
        {_contract(on)} as contract_executed_on, coalesce(si.initiated_on, mv.siv_on) as siv_on,
        si.activated_on, n.first_on as first_subject_on, si.target_enrolment as target,
        coalesce(n.enrolled, 0) as enrolled, mv.last_on as last_monitoring_on,
        mv.next_on as next_monitoring_on, {_monitors(on)} as monitors,
        {on.worst("si.quality", "s.quality")} as dq_flag
    from study_site si
    left join study s on s.id = si.study_id
    left join organization so on so.id = si.organization_id
    left join person p on p.id = si.principal_investigator_id
    left join ({_tasks(on)}) t on t.study_site_id = si.id
    left join ({_subjects(on)}) n on n.study_site_id = si.id
    left join ({_visits(on)}) mv on mv.study_site_id = si.id
    left join irb_submission ap on ap.id = {approval(on, "si.study_id", "si.id")}
    left join organization board on board.id = ap.board_id
    where {on.current("si")} and {on.of("si.study_id")}"""


def _since(on: Words) -> str:
    return f"""(
    select max(h.started_on) from study_site_state h where h.study_site_id = si.id
        and h.state = si.status and {on.current("h")})"""


def _contract(on: Words) -> str:
    return f"""(
    select max(c.fully_executed_on) from contract c where c.study_id = si.study_id
        and (c.study_site_id = si.id or c.study_site_id is null) and {on.current("c")}
        and c.kind in ('cta', 'work_order') and c.state in {_ADVANCED})"""


def _monitors(on: Words) -> str:
    return f"""(
    select {on.joined(on.person("mp"))} from staff_assignment sa
        join person mp on mp.id = sa.person_id
    where sa.study_id = si.study_id and sa.role = 'monitor_cra' and {on.current("sa")}
        and (sa.study_site_id = si.id or sa.study_site_id is null)
        and coalesce(sa.status, 'active') = 'active')"""


def _tasks(on: Words) -> str:
    return f"""
    select t.study_site_id, count(*) as tasks, count(case when t.status = 'done' then 1 end) as done
    from startup_task t
    where {on.current("t")} and coalesce(t.status, '') <> 'na' and {on.of("t.study_id")}
    group by t.study_site_id"""


def _subjects(on: Words) -> str:
    return f"""
    select n.study_site_id, {stages.reached("enrolled")} as enrolled,
        min({stages.ENROLLED.day(on)}) as first_on
    from enrollment n where {stages.counted(on)} and {on.of("n.study_id")}
    group by n.study_site_id"""


def _visits(on: Words) -> str:
    done = "coalesce(v.actual_to, v.actual_from)"
    return f"""
    select v.study_site_id, min(case when v.kind = 'initiation' then {done} end) as siv_on,
        max({done}) as last_on, min(case when {done} is null then v.planned_from end) as next_on
    from monitoring_visit v
    where {on.current("v")} and coalesce(v.status, '') <> 'cancelled' and {on.of("v.study_id")}
    group by v.study_site_id"""


VIEW = View(
    name="ctms_site_status",
    answers="Which sites are late?",
    row="a site of a study",
    functions=("study set-up and site management",),
    entities=("StudySite", "StartupTask", "IrbSubmission", "Contract", "MonitoringVisit",
              "Enrollment", "StaffAssignment", "StudySiteState"),
    columns=(
        *STUDY,
        text("study_site_id", "the site"),
        text("site_no", "the site's number in the study"),
        text("institution", "the institution"),
        code("country", "country", COUNTRIES),
        text("principal_investigator", "the site's principal investigator"),
        code("status", "state", STATES),
        text("status_native", "state as the source said it"),
        date("status_since", "since when, as the history of its states tells"),
        count("days_in_status", "days since then"),
        count("startup_done", "start-up tasks done"),
        count("startup_total", "start-up tasks that apply"),
        date("irb_approval_on", "approved by the IRB of record"),
        date("irb_expires_on", "last day of that approval"),
        text("irb_board", "whose word that is"),
        date("contract_executed_on", "trial agreement signed by all"),
        date("siv_on", "initiation visit held; this alone activates nothing"),
        date("activated_on", "may begin"),
        date("first_subject_on", "first participant enrolled"),
        count("target", "participants planned here"),
        count("enrolled", "participants ever enrolled here (accrual)"),
        date("last_monitoring_on", "last monitoring visit that took place"),
        date("next_monitoring_on", "next monitoring visit that is planned"),
        text("monitors", "who monitors the site"),
        DQ,
    ),
    sql=_sql,
    kept=True,
)  # fmt: skip
