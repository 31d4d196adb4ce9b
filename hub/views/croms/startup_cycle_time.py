"""Where start-up waits: how long each step of a study took, and which took longest."""

from __future__ import annotations

from hub.views.parts import DQ, STUDY, study
from hub.views.view import View, count, date, number, text
from hub.views.words import Words

# the step → the column with its days
_STEPS = {
    "feasibility": "feasibility_days", "scientific review": "prmc_days", "IRB": "irb_days",
    "contract": "contract_days", "budget": "budget_days",
}  # fmt: skip


def _sql(on: Words) -> str:
    days = [f"coalesce(d.{column}, -1)" for column in _STEPS.values()]
    longest = " ".join(
        f"when {' and '.join(f'{one} >= {other}' for other in days if other != one)} "
        f"and {one} >= 0 then '{step}'"
        for (step, _), one in zip(_STEPS.items(), days, strict=True)
    )
    return f"""
    select d.study_id as id, d.study_id, d.study, d.department, d.sponsor, d.intake_on,
        {", ".join(f"d.{column}" for column in _STEPS.values())},
        d.activated_on, d.total_days, case {longest} end as bottleneck,
        bd.median as median_by_department, bs.median as median_by_sponsor, d.dq_flag
    from ({_durations(on)}) d
    left join ({_median(on, "department")}) bd on bd.grp = d.department
    left join ({_median(on, "sponsor")}) bs on bs.grp = d.sponsor"""


def _durations(on: Words) -> str:
    """Each study's steps in days; a step that is not over is counted until today."""
    return f"""
    select s.id as study_id, {study("s")} as study, u.name as department, o.name as sponsor,
        k.intake_on, f.days as feasibility_days, r.days as prmc_days, i.days as irb_days,
        c.days as contract_days, b.days as budget_days, t.activated_on,
        {on.days("k.intake_on", "t.activated_on")} as total_days,
        {on.worst("s.quality")} as dq_flag
    from study s
    left join organization o on o.id = s.sponsor_id
    left join (
        select g.study_id, min(w.name) as name from study_governance g
        join organization w on w.id = g.unit_id
        where {on.current("g")} and g.role = 'owning' and {on.of("g.study_id")} group by g.study_id
    ) u on u.study_id = s.id
    left join (
        select k.study_id, min(coalesce(k.started_on, k.actual_on)) as intake_on
        from startup_task k where {on.current("k")} and k.kind = 'intake' and {on.of("k.study_id")}
        group by k.study_id
    ) k on k.study_id = s.id
    left join ({_spent(on, "feasibility_assessment", "x.sent_on", "x.decided_on")}) f
        on f.study_id = s.id
    left join ({_spent(on, "ancillary_review", "x.requested_on", "x.decided_on", "prmc")}) r
        on r.study_id = s.id
    left join ({_spent(on, "irb_submission", "x.submitted_on", "x.approval_on", "initial")}) i
        on i.study_id = s.id
    left join ({_spent(on, "contract", "x.received_on", "x.fully_executed_on", "cta")}) c
        on c.study_id = s.id
    left join ({_spent(on, "startup_task", "x.started_on", "x.actual_on", "budget")}) b
        on b.study_id = s.id
    left join (
        select t.study_id, min(t.activated_on) as activated_on from study_site t
        where {on.current("t")} and {on.of("t.study_id")} group by t.study_id
    ) t on t.study_id = s.id
    where {on.current("s")} and {on.of("s.id")}
        and (k.intake_on is not null or i.days is not null or c.days is not null)"""


def _spent(on: Words, table: str, since: str, until: str, kind: str = "") -> str:
    """Days from the first beginning to the last end of a step, today where one is not over."""
    only = f" and x.kind = '{kind}'" if kind else ""
    last = f"max(coalesce({until}, {on.today}))"
    return f"""select x.study_id, {on.days(f"min({since})", last)} as days from {table} x
        where {on.current("x")}{only} and {on.of("x.study_id")} group by x.study_id"""


def _median(on: Words, column: str) -> str:
    """The median of the whole time, over all studies that are open now."""
    return f"""
    select m.grp, avg(m.total_days) as median from (
        select q.{column} as grp, q.total_days,
            row_number() over (partition by q.{column} order by q.total_days) as place,
            count(*) over (partition by q.{column}) as of_all
        from ({_durations(on)}) q where q.total_days is not null
    ) m where 2 * m.place between m.of_all and m.of_all + 2 group by m.grp"""


VIEW = View(
    name="croms_startup_cycle_time",
    answers="Where does start-up wait, and how long?",
    row="a study that is or was in start-up",
    functions=("study set-up and site management", "portfolios"),
    entities=(
        "Study", "StartupTask", "FeasibilityAssessment", "AncillaryReview", "IrbSubmission",
        "Contract", "StudySite", "StudyGovernance",
    ),
    columns=(
        *STUDY,
        text("department", "the unit that owns it"),
        text("sponsor", "sponsor"),
        date("intake_on", "taken in"),
        count("feasibility_days", "feasibility: asked to decided"),
        count("prmc_days", "scientific review: asked for to decided"),
        count("irb_days", "IRB: first submitted to approved"),
        count("contract_days", "trial agreement: received to executed"),
        count("budget_days", "budget: begun to done"),
        date("activated_on", "the first site activated"),
        count("total_days", "intake to activation"),
        text("bottleneck", "the step that took longest; one that is not over counts until today"),
        number("median_by_department", "median of total_days of the department's studies"),
        number("median_by_sponsor", "median of total_days of the sponsor's studies"),
        DQ,
    ),
    sql=_sql,
)  # fmt: skip
