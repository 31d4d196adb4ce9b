"""Inspection readiness: the documents of a study, and those that should be there."""

from __future__ import annotations

from hub.model.document import KINDS, LEVELS, STATUSES
from hub.views import filing, parts
from hub.views.parts import DQ, SITE, STUDY
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    return f"""
    with must as ({filing.expected(on)})
    select x.id as id, {parts.place("x")}, x.title, x.kind, x.kind_native, x.tmf_artifact, x.level,
        {on.person("p")} as person, x.version_no as version, x.status, x.status_native,
        x.effective_on, x.expires_on, {on.days(on.today, "x.expires_on")} as days_to_expiry,
        x.expected, x.missing, x.due_on,
        case when x.missing then {on.days("x.due_on", on.today)} end as days_overdue,
        {on.worst("x.quality")} as dq_flag
    from ({_filed(on)} union all {_missing()}) x
    {parts.placed("x")}
    left join person p on p.id = x.person_id"""


def _filed(on: Words) -> str:
    """What can tell who got what has no title here."""
    asked = "d.id in (select e.document_id from must e where e.document_id is not null)"
    return f"""
    select d.id, d.study_id, d.study_site_id, d.person_id,
        case when d.unblinded is not true then d.title end as title, d.kind, d.kind_native,
        d.tmf_artifact, d.level, d.current_version as version_no, d.status, d.status_native,
        d.effective_on, d.expires_on, {asked} as expected,
        coalesce(d.status, '') in ('expected', 'missing') as missing, null as due_on, d.quality
    from document d
    where {on.current("d")} and {on.of("d.study_id")}"""


def _missing() -> str:
    return """
    select e.id, e.study_id, e.study_site_id, null, e.name, null, null, e.tmf_artifact, e.level,
        null, 'missing', null, null, null, 1 = 1, 1 = 1, e.due_on, e.quality
    from must e where not e.filed"""


VIEW = View(
    name="ctms_reg_documents",
    answers="Could an inspector come tomorrow?",
    row="a document that is filed, or one that is expected and missing",
    functions=("regulatory documents",),
    entities=("Document", "ExpectedDocument"),
    columns=(
        *STUDY,
        *SITE,
        text("title", "title, or what is expected; empty of what would unblind"),
        code("kind", "what it is", KINDS),
        text("kind_native", "kind as the source said it"),
        text("tmf_artifact", "number in the TMF reference model"),
        code("level", "what it belongs to", LEVELS),
        text("person", "whom it is about"),
        text("version", "number of the version in force"),
        code("status", "status", STATUSES),
        text("status_native", "status as the source said it"),
        date("effective_on", "in force from"),
        date("expires_on", "last day in force; none: does not expire"),
        count("days_to_expiry", "days until then; below zero: since then"),
        flag("expected", "the list of expected documents asks for it"),
        flag("missing", "it is expected and not there"),
        date("due_on", "to be filed by, if it is missing"),
        count("days_overdue", "days since then; below zero: until then"),
        DQ,
    ),
    sql=_sql,
    kept=True,
    narrowed_by=("study_id", "study_site_id"),
)
