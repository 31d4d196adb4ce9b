"""How complete, timely and good the trial master file is, zone by zone."""

from __future__ import annotations

from hub.views import filing, parts
from hub.views.parts import DQ, STUDY
from hub.views.view import View, count, number, text
from hub.views.words import Words

# the zones of the CDISC TMF reference model, version 3
ZONES = (
    "Trial Management", "Central Trial Documents", "Regulatory", "IRB or IEC and other Approvals",
    "Site Management", "IP and Trial Supplies", "Safety Reporting", "Central and Local Testing",
    "Third Parties", "Data Management", "Statistics",
)  # fmt: skip


def _sql(on: Words) -> str:
    names = " ".join(f"when '{n:02d}' then '{name}'" for n, name in enumerate(ZONES, 1))
    return f"""
    with must as ({filing.expected(on)})
    select z.study_id || '|' || z.zone as id, z.study_id, {parts.study("s")} as study, z.zone,
        case z.zone {names} end as zone_name, coalesce(e.expected, 0) as expected,
        coalesce(e.filed, 0) as filed, {on.share("e.filed", "e.expected")} as complete_percent,
        coalesce(e.overdue, 0) as overdue, m.days as median_days_to_file,
        coalesce(d.documents, 0) as documents, coalesce(d.poor, 0) as quality_issues,
        {on.worst("s.quality", "d.worst")} as dq_flag
    from ({_zones(on)}) z
    left join study s on s.id = z.study_id
    left join ({_expected(on)}) e on e.study_id = z.study_id and e.zone = z.zone
    left join ({parts.median(_filing(on), "study_id, zone")}) m
        on m.study_id = z.study_id and m.zone = z.zone
    left join ({_documents(on)}) d on d.study_id = z.study_id and d.zone = z.zone"""


def _zone(alias: str) -> str:
    return f"coalesce(substr({alias}.tmf_artifact, 1, 2), 'none')"


def _zones(on: Words) -> str:
    return f"""
    select e.study_id, {_zone("e")} as zone from must e where e.study_id is not null
    union
    select d.study_id, {_zone("d")} from document d
    where {on.current("d")} and d.study_id is not null and {on.of("d.study_id")}"""


def _expected(on: Words) -> str:
    late = f"{on.days('e.due_on', on.today)} > 0"
    return f"""
    select e.study_id, {_zone("e")} as zone, count(*) as expected,
        count(case when e.filed then 1 end) as filed,
        count(case when not e.filed and {late} then 1 end) as overdue
    from must e group by e.study_id, {_zone("e")}"""


def _filing(on: Words) -> str:
    """Days from the date on a document to its filing."""
    filed = f"coalesce(e.filed_on, {filing.filed_on(on, 'd.id')})"
    return f"""
    select e.study_id, {_zone("e")} as zone, {on.days("d.document_on", filed)} as days
    from must e join document d on d.id = e.document_id where d.document_on is not null"""


def _documents(on: Words) -> str:
    """Poor is what is not final, has expired, or whose sources disagree."""
    expired = f"coalesce({on.days('d.expires_on', on.today)} > 0, 1 = 0)"
    poor = f"""coalesce(d.status, '') not in {filing.FINAL} or d.quality in ('warning', 'conflict')
            or (d.status not in ('superseded', 'archived') and {expired})"""
    return f"""
    select d.study_id, {_zone("d")} as zone, count(*) as documents,
        count(case when {poor} then 1 end) as poor, {parts.worst_of("d.quality")} as worst
    from document d
    where {on.current("d")} and coalesce(d.status, '') not in ('expected', 'missing', 'withdrawn')
        and {on.of("d.study_id")}
    group by d.study_id, {_zone("d")}"""


VIEW = View(
    name="ctms_tmf_health",
    answers="Is the trial master file complete, timely and of good quality?",
    row="a zone of a study's trial master file",
    functions=("regulatory documents",),
    entities=("Document", "DocumentVersion", "ExpectedDocument"),
    columns=(
        *STUDY,
        text("zone", "zone of the TMF reference model; none: no artifact number"),
        text("zone_name", "name of the zone"),
        count("expected", "documents that must be there"),
        count("filed", "of them, filed"),
        number("complete_percent", "filed of expected, per cent"),
        count("overdue", "of them, missing though due"),
        number("median_days_to_file", "days from the date on a document to its filing, median"),
        count("documents", "documents there are"),
        count("quality_issues", "of them, not final, expired, or in conflict between sources"),
        DQ,
    ),
    sql=_sql,
    kept=True,
)
