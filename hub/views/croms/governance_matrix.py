"""Who answers for each study: units, shares, investigators, what waits for a committee."""

from __future__ import annotations

from hub.model.organization import KINDS
from hub.model.study_governance import ROLES
from hub.views.parts import DQ, STUDY, on_study, study
from hub.views.view import View, code, count, date, number, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    return f"""
    select g.id as id, g.study_id, {study("s")} as study, u.name as unit, u.kind as unit_kind,
        g.role, g.role_native, {on.real("g.share_percent")} as share_percent,
        {on.person("l")} as unit_lead, {on.person("p")} as principal_investigator, c.co_pis,
        r.committees, coalesce(r.pending, 0) as decisions_pending, g.start_on, g.end_on,
        {on.worst("g.quality", "s.quality")} as dq_flag
    from study_governance g
    join study s on s.id = g.study_id and {on.current("s")}
    left join organization u on u.id = g.unit_id
    left join person l on l.id = g.lead_id
    left join person p on p.id = s.principal_investigator_id
    left join (
        select a.study_id, {on.joined(on.person("q"))} as co_pis
        from staff_assignment a join person q on q.id = a.person_id
        join study t on t.id = a.study_id
        where {on_study(on, "a")} and a.role in ('pi', 'site_pi')
            and a.person_id <> coalesce(t.principal_investigator_id, '') and {on.of("a.study_id")}
        group by a.study_id
    ) c on c.study_id = g.study_id
    left join (
        select x.study_id, {on.joined("o.name")} as committees,
            sum(case when x.state in ('requested', 'in_review', 'changes_requested') then 1
                else 0 end) as pending
        from ancillary_review x left join organization o on o.id = x.committee_id
        where {on.current("x")} and {on.of("x.study_id")} group by x.study_id
    ) r on r.study_id = g.study_id
    where {on.current("g")} and {on.of("g.study_id")}"""


VIEW = View(
    name="croms_governance_matrix",
    answers="Which units and people answer for each study, with which share?",
    row="a unit's part in a study",
    functions=("portfolios", "resource allocation", "compliance"),
    entities=("StudyGovernance", "Study", "Organization", "StaffAssignment", "AncillaryReview"),
    columns=(
        *STUDY,
        text("unit", "department, division, disease team, committee or therapeutic area"),
        code("unit_kind", "what the unit is", KINDS),
        code("role", "its part", ROLES),
        text("role_native", "its part as the source said it"),
        number("share_percent", "its share of accrual and credit, per cent"),
        text("unit_lead", "who answers for the unit"),
        text("principal_investigator", "principal investigator"),
        text("co_pis", "other investigators with the same role"),
        text("committees", "who reviews it beside the IRB"),
        count("decisions_pending", "reviews of theirs that are not decided"),
        date("start_on", "first day"),
        date("end_on", "last day"),
        DQ,
    ),
    sql=_sql,
)
