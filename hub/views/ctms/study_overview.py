"""Where does each study stand."""

from __future__ import annotations

from hub.model.study import PHASES, STATES
from hub.views import kept, parts
from hub.views.approval import approval
from hub.views.parts import DQ, STUDY
from hub.views.view import View, code, count, date, number, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    return f"""
    select s.id as id, s.id as study_id, {parts.study("s")} as study,
        s.sponsor_protocol_no as protocol_no, s.title, s.phase, o.name as sponsor,
        {on.person("p")} as principal_investigator, s.status, s.status_native,
        {_since(on)} as status_since, k.sites_planned, k.sites_active, k.sites_closed,
        s.target_enrolment as target, k.consented, k.screened, k.screen_failed, k.enrolled,
        k.on_treatment, k.withdrawn, k.completed,
        {on.share("k.enrolled", "s.target_enrolment")} as target_percent,
        m.name as next_milestone, coalesce(m.forecast_on, m.planned_on) as next_milestone_on,
        ap.expires_on as irb_expires_on, board.name as irb_board, k.open_issues,
        {on.worst("s.quality")} as dq_flag
    from study s
    left join {on.summed("study_sum", kept.of_studies(on))} k on k.study_id = s.id
    left join organization o on o.id = s.sponsor_id
    left join person p on p.id = s.principal_investigator_id
    left join milestone m on m.id = {_next(on)}
    left join irb_submission ap on ap.id = {approval(on, "s.id")}
    left join organization board on board.id = ap.board_id
    where {on.current("s")} and {on.of("s.id")}"""


def _since(on: Words) -> str:
    return f"""(
    select max(h.started_on) from study_state h where h.study_id = s.id and h.state = s.status
        and coalesce(h.scope, 'overall') = 'overall' and h.actual is not false
        and {on.current("h")})"""


def _next(on: Words) -> str:
    return f"""(
    select m.id from milestone m where m.study_id = s.id and {on.current("m")}
        and m.actual_on is null and coalesce(m.status, '') not in ('done', 'na')
        and coalesce(m.forecast_on, m.planned_on) is not null
    order by coalesce(m.forecast_on, m.planned_on), m.id limit 1)"""


VIEW = View(
    name="ctms_study_overview",
    answers="Where does each study stand?",
    row="a study",
    functions=("study set-up and site management", "enrolment and tracking of participants"),
    entities=("Study", "StudySite", "Enrollment", "Milestone", "IrbSubmission", "Deviation",
              "MonitoringFinding", "ComplianceItem", "StudyState"),
    columns=(
        *STUDY,
        text("protocol_no", "the sponsor's protocol number"),
        text("title", "title"),
        code("phase", "trial phase", PHASES),
        text("sponsor", "sponsor"),
        text("principal_investigator", "principal investigator"),
        code("status", "overall status", STATES),
        text("status_native", "status as the source said it"),
        date("status_since", "since when, as the history of its states tells"),
        count("sites_planned", "sites that are not activated yet"),
        count("sites_active", "sites from their activation to their close-out"),
        count("sites_closed", "sites closed out, ended or not selected"),
        count("target", "participants planned"),
        count("consented", "participants who ever consented"),
        count("screened", "participants who ever came into screening"),
        count("screen_failed", "participants who failed screening"),
        count("enrolled", "participants ever enrolled (accrual), whatever became of them since"),
        count("on_treatment", "participants on treatment now"),
        count("withdrawn", "participants whose state is withdrawn"),
        count("completed", "participants whose state is completed"),
        number("target_percent", "enrolled of the target, per cent"),
        text("next_milestone", "the next milestone that is not reached"),
        date("next_milestone_on", "when it is expected"),
        date("irb_expires_on", "last day of the IRB approval, by the IRB of record"),
        text("irb_board", "whose word that is"),
        count("open_issues", "deviations, monitoring findings and compliance items that are open"),
        DQ,
    ),
    sql=_sql,
)  # fmt: skip
