"""How each portfolio stands: what is in it, how many take part, what it brings in."""

from __future__ import annotations

from dataclasses import replace

from hub.model.portfolio import KINDS
from hub.views import kept
from hub.views.parts import CURRENCY, DQ
from hub.views.view import View, code, count, money, number, text
from hub.views.words import Words

_OPEN = ("open_to_accrual",)
_START_UP = ("concept", "proposed", "feasibility", "in_start_up", "pending_irb", "approved")
_CLOSED = (
    "closed_to_accrual", "closed_to_accrual_and_intervention", "db_locked", "completed",
    "archived", "terminated", "administratively_completed",
)  # fmt: skip
_PHASES = {"phase_1": ("early_phase_1", "1", "1_2"), "phase_2": ("2", "2_3"),
           "phase_3": ("3",), "phase_4": ("4",), "no_phase": ("na",)}  # fmt: skip


def _sql(on: Words) -> str:
    statuses = {"in_start_up": _START_UP, "open_to_accrual": _OPEN, "closed": _CLOSED}
    counted = [_counted("s.status", codes, name) for name, codes in statuses.items()]
    counted += [_counted("s.phase", codes, name) for name, codes in _PHASES.items()]
    return f"""
    select p.id || '|' || coalesce(r.currency, '') as id, p.id as portfolio_id, p.name, p.kind,
        p.kind_native, area.name as therapeutic_area, o.name as department,
        coalesce(held.projects, 0) as projects, coalesce(held.studies, 0) as studies,
        {", ".join(f"coalesce(held.{name}, 0) as {name}" for name in (*statuses, *_PHASES))},
        coalesce(a.accrual_ytd, 0) as accrual_ytd, r.revenue, r.currency, k.risk_score,
        coalesce(held.investigators, 0) as investigators, {on.worst("p.quality")} as dq_flag
    from portfolio p
    left join organization o on o.id = p.owner_id
    left join portfolio up on up.id = p.part_of_id
    left join portfolio area on area.id = case
        when p.kind = 'therapeutic_area' then p.id when up.kind = 'therapeutic_area' then up.id end
    left join (
        select i.portfolio_id, count(distinct i.research_project_id) as projects,
            count(distinct s.id) as studies, {", ".join(counted)},
            count(distinct s.principal_investigator_id) as investigators
        from ({_items(on)}) i left join study s on s.id = i.study_id and {on.current("s")}
        group by i.portfolio_id
    ) held on held.portfolio_id = p.id
    left join (
        select i.portfolio_id, sum(k.enrolled) as accrual_ytd
        from ({_items(on)}) i join {_years(on)} k
            on k.study_id = i.study_id and k.year = substr({on.today}, 1, 4)
        group by i.portfolio_id
    ) a on a.portfolio_id = p.id
    left join (
        select i.portfolio_id, m.currency, sum({on.amount("m.amount")}) as revenue
        from ({_items(on)}) i join receivable m on m.study_id = i.study_id
        where {on.current("m")} group by i.portfolio_id, m.currency
    ) r on r.portfolio_id = p.id
    left join (
        select i.portfolio_id, max({on.real("k.score")}) as risk_score
        from ({_items(on)}) i join risk k on k.study_id = i.study_id
        where {on.current("k")} and k.status <> 'closed' group by i.portfolio_id
    ) k on k.portfolio_id = p.id
    where {on.current("p")}"""


def _years(on: Words) -> str:
    """Of every study, whichever are asked for: a portfolio is of all that it holds."""
    return on.summed("accrual_sum", kept.of_years(replace(on, narrowed=False)))


def _items(on: Words) -> str:
    """What is in a portfolio today; a study that is listed twice counts once."""
    return f"""select distinct i.portfolio_id, i.research_project_id, i.study_id
        from portfolio_item i where {on.current("i")}
        and coalesce(i.start_on, '') <= {on.today} and coalesce(i.end_on, '9') >= {on.today}"""


def _counted(column: str, codes: tuple[str, ...], name: str) -> str:
    listed = ", ".join(f"'{one}'" for one in codes)
    return f"count(distinct case when {column} in ({listed}) then s.id end) as {name}"


VIEW = View(
    name="croms_portfolio",
    answers="What is in each portfolio, how does it recruit, and what does it bring in?",
    row="a portfolio and a currency",
    functions=("portfolios",),
    entities=(
        "Portfolio", "PortfolioItem", "ResearchProject", "Study", "Enrollment", "Receivable",
        "Risk",
    ),
    columns=(
        text("portfolio_id", "the portfolio"),
        text("name", "its name"),
        code("kind", "what holds it together", KINDS),
        text("kind_native", "kind as the source said it"),
        text("therapeutic_area", "therapeutic area: itself, or what it is part of"),
        text("department", "the unit that owns it"),
        count("projects", "research projects in it today"),
        count("studies", "studies in it today"),
        count("in_start_up", "of them not yet open"),
        count("open_to_accrual", "of them open to accrual"),
        count("closed", "of them closed to accrual, completed or terminated"),
        count("phase_1", "studies of phase 1 (also early and 1/2)"),
        count("phase_2", "studies of phase 2 (also 2/3)"),
        count("phase_3", "studies of phase 3"),
        count("phase_4", "studies of phase 4"),
        count("no_phase", "studies to which phases do not apply"),
        count("accrual_ytd", "participants enrolled this calendar year"),
        money("revenue", "earned by its studies so far"),
        CURRENCY,
        number("risk_score", "the highest score of a risk that is not closed"),
        count("investigators", "different principal investigators"),
        DQ,
    ),
    sql=_sql,
)  # fmt: skip
