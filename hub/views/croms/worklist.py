"""What waits for whom, across all functions."""

from __future__ import annotations

from hub.views.parts import STUDY, study
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words

KINDS = (
    "finding", "decision", "action_item", "deviation", "startup_task", "compliance_item",
    "award_deliverable", "milestone",
)  # fmt: skip


def _sql(on: Words) -> str:
    parts = (
        _task(on, "action_item", "monitoring_finding", "x.description", "x.opened_on", "x.due_on",
              "x.status not in ('verified', 'closed')", study_site="x.study_site_id"),
        _task(on, "deviation", "deviation", "x.description", "x.discovered_on", "null",
              "x.status <> 'resolved'", study_site="x.study_site_id"),
        _task(on, "startup_task", "startup_task", "x.name", "x.started_on", "x.planned_on",
              "x.status in ('not_started', 'in_progress', 'waiting')",
              study_site="x.study_site_id"),
        _task(on, "compliance_item", "compliance_item", "x.item", "x.opened_on", "x.due_on",
              "x.status in ('open', 'in_progress')", study_site="x.study_site_id"),
        _task(on, "award_deliverable", "award_deliverable", "x.name", "x.period_to", "x.due_on",
              "x.status in ('open', 'in_progress', 'returned')"),
        _task(on, "milestone", "milestone", "x.name", "x.baseline_on", "x.planned_on",
              "x.status in ('at_risk', 'late')", study_site="x.study_site_id"),
        _findings(on), _decisions(on),
    )  # fmt: skip
    return f"""
    select w.id, w.kind, w.about, w.study_id, {study("s")} as study, w.study_site_id, w.owner,
        w.since, {on.days("w.since", on.today)} as age_days, w.due_on,
        coalesce(w.due_on < {on.today}, false) as overdue, 'ok' as dq_flag
    from ({" union all ".join(parts)}) w left join study s on s.id = w.study_id"""


def _task(
    on: Words, kind: str, table: str, about: str, since: str, due: str, open_: str,
    *, study_site: str = "null",
) -> str:  # fmt: skip
    return f"""
    select '{kind}|' || x.id as id, '{kind}' as kind, {about} as about, x.study_id,
        {study_site} as study_site_id, {on.person("p")} as owner, {since} as since,
        {due} as due_on
    from {table} x left join person p on p.id = x.owner_id
    where {on.current("x")} and {open_} and {on.of("x.study_id")}"""


def _findings(on: Words) -> str:
    """Of the findings those that hang on a study itself can be given to who sees one study."""
    return f"""
    select 'finding|' || f.id, 'finding', f.rule || ': ' || f.found, n.id, null,
        nullif(f.owner, ''), {on.day(on.moment("f.opened_at"))}, null
    from finding f left join study n on n.id = f.entity_id and f.entity = 'Study'
    where f.closed_at is null and {on.of("n.id")}"""


def _decisions(on: Words) -> str:
    only = "1 = 0" if on.narrowed else "1 = 1"  # a question may be about records of any study
    return f"""
    select 'decision|' || d.id, 'decision', d.kind, null, null, null,
        {on.day(on.moment("d.opened_at"))}, {on.day(on.moment("d.expires_at"))}
    from decision d where d.state = 'open' and {only}"""


VIEW = View(
    name="croms_worklist",
    answers="What waits for whom?",
    row="something that waits for a person",
    functions=("resource allocation", "compliance", "monitoring visits"),
    entities=(
        "MonitoringFinding", "Deviation", "StartupTask", "ComplianceItem", "AwardDeliverable",
        "Milestone",
    ),
    columns=(
        code("kind", "what waits", KINDS),
        text("about", "what it is about"),
        *STUDY,
        text("study_site_id", "the site"),
        text("owner", "who should act"),
        date("since", "waits since"),
        count("age_days", "days since then"),
        date("due_on", "to be done by"),
        flag("overdue", "its day has passed"),
        code("dq_flag", "always ok: it is about tasks, not records"),
    ),
    sql=_sql,
)  # fmt: skip
