"""What is not as the rules want it: kept by people, and found by the hub."""

from __future__ import annotations

from hub.model.compliance_item import SEVERITIES, STATUSES
from hub.views.parts import DQ, STUDY, study
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    return f"""
    select c.id as id, c.study_id, {study("s")} as study, c.study_site_id, c.person_id,
        {on.person("p")} as person, c.subject, c.item, c.rule, c.severity, c.severity_native,
        c.status, c.status_native, {on.person("o")} as owner, c.opened_on, c.due_on, c.closed_on,
        {on.days("c.opened_on", f"coalesce(c.closed_on, {on.today})")} as age_days,
        coalesce(c.status in ('open', 'in_progress') and c.due_on < {on.today}, false) as overdue,
        coalesce(c.evidence, d.title) as evidence, c.capa, {on.worst("c.quality")} as dq_flag
    from compliance_item c
    left join study s on s.id = c.study_id
    left join person p on p.id = c.person_id
    left join person o on o.id = c.owner_id
    left join document d on d.id = c.document_id
    where {on.current("c")} and {on.of("c.study_id")}"""


VIEW = View(
    name="croms_compliance_register",
    answers="What is not as the rules want it, whose is it, and since when?",
    row="an item of the register",
    functions=("compliance",),
    entities=("ComplianceItem", "Study", "Person", "Document"),
    columns=(
        *STUDY,
        text("study_site_id", "the site"),
        text("person_id", "the member of staff, where it is about one"),
        text("person", "that person's name"),
        text("subject", "the kind of thing it is about"),
        text("item", "what is not met"),
        text("rule", "the rule, as whoever keeps the register calls it"),
        code("severity", "how grave", SEVERITIES),
        text("severity_native", "severity as the source said it"),
        code("status", "status", STATUSES),
        text("status_native", "status as the source said it"),
        text("owner", "who sees to it"),
        date("opened_on", "opened"),
        date("due_on", "to be met by"),
        date("closed_on", "closed"),
        count("age_days", "days since it was opened, until it was closed"),
        flag("overdue", "open, and its day has passed"),
        text("evidence", "what shows that it is met, or is not"),
        text("capa", "what is done about it, and against the next"),
        DQ,
    ),
    sql=_sql,
)
