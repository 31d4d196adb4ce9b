"""Is monitoring on time."""

from __future__ import annotations

from hub.model.monitoring_visit import KINDS, METHODS, STATUSES
from hub.views import parts
from hub.views.parts import DQ, SITE, STUDY
from hub.views.view import View, code, count, date, number, text
from hub.views.words import Words

_ENDED = "coalesce(v.actual_to, v.actual_from)"


def _sql(on: Words) -> str:
    late = f"{on.days('v.report_due_on', f'coalesce(v.report_submitted_on, {on.today})')}"
    return f"""
    select v.id as id, {parts.place("v")}, v.visit_no, v.kind, v.kind_native, v.method,
        v.planned_from, v.planned_to, v.actual_from, v.actual_to, {on.person("p")} as monitor,
        v.status, v.status_native, v.report_due_on, v.report_submitted_on, v.report_approved_on,
        {on.days(_ENDED, "v.report_submitted_on")} as days_to_report,
        case when v.status is distinct from 'cancelled' and {late} > 0 then {late} end
            as days_report_late,
        coalesce(f.open, 0) as open_items, {on.days("f.oldest_on", on.today)} as oldest_item_days,
        v.subjects_reviewed, {on.real("v.sdv_percent")} as sdv_percent,
        {on.worst("v.quality")} as dq_flag
    from monitoring_visit v
    {parts.placed("v")}
    left join person p on p.id = v.monitor_id
    left join ({_items(on)}) f on f.monitoring_visit_id = v.id
    where {on.current("v")} and {on.of("v.study_id")}"""


def _items(on: Words) -> str:
    return f"""
    select f.monitoring_visit_id, count(*) as open, min(f.opened_on) as oldest_on
    from monitoring_finding f
    where {on.current("f")} and coalesce(f.status, 'open') not in ('verified', 'closed')
        and {on.of("f.study_id")}
    group by f.monitoring_visit_id"""


VIEW = View(
    name="ctms_monitoring",
    answers="Is monitoring on time?",
    row="a monitoring visit",
    functions=("monitoring visits",),
    entities=("MonitoringVisit", "MonitoringFinding"),
    columns=(
        *STUDY,
        *SITE,
        text("visit_no", "number people know the visit by"),
        code("kind", "what for", KINDS),
        text("kind_native", "kind as the source said it"),
        code("method", "how", METHODS),
        date("planned_from", "first day, as planned"),
        date("planned_to", "last day, as planned"),
        date("actual_from", "first day"),
        date("actual_to", "last day"),
        text("monitor", "who monitors"),
        code("status", "status", STATUSES),
        text("status_native", "status as the source said it"),
        date("report_due_on", "report due"),
        date("report_submitted_on", "report handed in"),
        date("report_approved_on", "report approved"),
        count("days_to_report", "days from the last day of the visit to its report"),
        count("days_report_late", "days the report is late, or was"),
        count("open_items", "findings and action items of the visit that are open"),
        count("oldest_item_days", "days since the oldest of them was opened"),
        count("subjects_reviewed", "participants whose data were looked at"),
        number("sdv_percent", "source data verified, per cent"),
        DQ,
    ),
    sql=_sql,
)  # fmt: skip
