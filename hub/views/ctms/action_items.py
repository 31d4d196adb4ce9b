"""What is open: findings and action items of monitoring, and protocol deviations."""

from __future__ import annotations

from hub.views import parts
from hub.views.parts import DQ, SITE, STUDY
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words

_KINDS = ("finding", "action_item", "deviation")
_SEVERITIES = ("minor", "major", "important", "critical")
_STATUSES = ("open", "under_review", "in_progress", "resolved", "verified", "closed")


def _sql(on: Words) -> str:
    return f"""
    select x.id as id, {parts.place("x")}, x.kind, x.number, n.subject_number as subject_no,
        x.category, x.category_native, x.severity, x.severity_native, {on.person("p")} as owner,
        x.opened_on, x.due_on, x.closed_on,
        {on.days("x.opened_on", f"coalesce(x.closed_on, {on.today})")} as age_days,
        case when x.closed_on is null and x.is_open then {on.days("x.due_on", on.today)} end
            as days_overdue,
        x.is_open as open, x.status, x.status_native, x.reportable, x.reported_irb_on,
        {on.worst("x.quality")} as dq_flag
    from ({_findings(on)} union all {_deviations(on)}) x
    {parts.placed("x")}
    left join person p on p.id = x.owner_id
    left join enrollment n on n.id = x.enrollment_id"""


def _findings(on: Words) -> str:
    return f"""
    select f.id, f.study_id, f.study_site_id, d.enrollment_id, coalesce(f.kind, 'finding') as kind,
        f.finding_no as number, f.category, f.category_native, f.severity, f.severity_native,
        f.owner_id, f.opened_on, f.due_on, f.closed_on,
        coalesce(f.status, 'open') not in ('verified', 'closed') as is_open, f.status,
        f.status_native, d.reportable, d.reported_irb_on, f.quality
    from monitoring_finding f
    left join deviation d on d.id = f.deviation_id
    where {on.current("f")} and {on.of("f.study_id")}"""


def _deviations(on: Words) -> str:
    return f"""
    select d.id, d.study_id, d.study_site_id, d.enrollment_id, 'deviation' as kind,
        d.deviation_no as number, d.category, d.category_native, d.severity, d.severity_native,
        d.owner_id, coalesce(d.discovered_on, d.occurred_on) as opened_on, null as due_on,
        d.resolved_on as closed_on, coalesce(d.status, 'open') <> 'resolved' as is_open, d.status,
        d.status_native, d.reportable, d.reported_irb_on, d.quality
    from deviation d
    where {on.current("d")} and {on.of("d.study_id")}"""


VIEW = View(
    name="ctms_action_items",
    answers="What is open, for how long, and who sees to it?",
    row="a monitoring finding, an action item or a deviation",
    functions=("monitoring visits", "compliance"),
    entities=("MonitoringFinding", "Deviation"),
    columns=(
        *STUDY,
        *SITE,
        code("kind", "what it is", _KINDS),
        text("number", "number people know it by"),
        text("subject_no", "the participant's number in the study, where it is about one"),
        text("category", "what it is about"),
        text("category_native", "category as the source said it"),
        code("severity", "how grave", _SEVERITIES),
        text("severity_native", "severity as the source said it"),
        text("owner", "who sees to it"),
        date("opened_on", "opened, or found"),
        date("due_on", "to be done by"),
        date("closed_on", "closed, or resolved"),
        count("age_days", "days it has been open, or was"),
        count("days_overdue", "days since it was due, below zero: until then; of what is open"),
        flag("open", "it is open"),
        code("status", "status", _STATUSES),
        text("status_native", "status as the source said it"),
        flag("reportable", "must be reported to the IRB"),
        date("reported_irb_on", "reported to the IRB"),
        DQ,
    ),
    sql=_sql,
    narrowed_by=("study_id", "study_site_id"),
)  # fmt: skip
