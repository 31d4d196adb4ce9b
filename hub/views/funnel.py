"""What happened at each site in each month: enrolment by its stages."""

from __future__ import annotations

from hub.views import stages
from hub.views.stages import STAGES, STAYS
from hub.views.words import Words

FLOWS = tuple(f"{way}_{stay.name}" for stay in STAYS for way in ("came", "left"))
COUNTS = (*(stage.name for stage in STAGES), *FLOWS)
SO_FAR = ("screened", "screen_failed", "enrolled", "lost", "withdrawn")


def of_months(on: Words) -> str:
    """A row a study, site and month, and one for what happened on days that no source says."""
    so_far = ", ".join(f"{_sum(name)} as {name}_so_far" for name in SO_FAR)
    stays = ", ".join(
        f"{_sum(f'came_{stay.name}')} - {_sum(f'left_{stay.name}')} as {stay.name}"
        for stay in STAYS
    )
    return f"""
    select {_id()} as id, c.study_id, c.study_site_id, c.month, {", ".join(_stage_columns())},
        {stays}, {so_far},
        min(c.month) over (partition by c.study_id, c.study_site_id) as first_month
    from ({_counted(on)}) c"""


def _id() -> str:
    return "c.study_id || '|' || coalesce(c.study_site_id, '') || '|' || coalesce(c.month, '')"


def _stage_columns() -> list[str]:
    return [f"c.{stage.name}" for stage in STAGES]


def _sum(name: str) -> str:
    """What a count has come to by the end of a month; what has no month comes last."""
    return (
        f"cast(sum(c.{name}) over (partition by c.study_id, c.study_site_id "
        "order by coalesce(c.month, '9999')) as integer)"
    )


def _counted(on: Words) -> str:
    sums = ", ".join(f"cast(sum(x.{name}) as integer) as {name}" for name in COUNTS)
    return f"""
    select x.study_id, x.study_site_id, x.month, {sums}
    from ({_events(on)}) x group by x.study_id, x.study_site_id, x.month"""


def _events(on: Words) -> str:
    """A row whenever an enrollment reached a stage, or left one."""
    each = [_event(on, stage.name, stage.day(on), stage.reached) for stage in STAGES]
    for stay in STAYS:
        each.append(_event(on, f"came_{stay.name}", f"n.{stay.since}", stay.counts(on)))
        each.append(_event(on, f"left_{stay.name}", stay.until(on), stay.ended(on)))
    return " union all ".join(each)


def _event(on: Words, name: str, day: str, reached: str) -> str:
    columns = ", ".join(f"{int(one == name)} as {one}" for one in COUNTS)
    return f"""
    select n.study_id, n.study_site_id, {on.month(day)} as month, {columns}
    from enrollment n
    where {stages.counted(on)} and n.study_id is not null and {reached} and {on.of("n.study_id")}"""


def months(since: str, until: str) -> str:
    """How many months from one to the other, both counted."""
    return f"({_number(until)} - {_number(since)} + 1)"


def _number(month: str) -> str:
    year, part = f"substr({month}, 1, 4)", f"substr({month}, 6, 2)"
    known = f"case when length({month}) >= 7 then"
    return f"({known} cast({year} as integer) * 12 + cast({part} as integer) end)"


def planned(on: Words) -> str:
    """The part of the site `si`'s target that falls before the end of the month of `k`."""
    whole = months("si.enrolment_open_on", "si.enrolment_close_on")
    gone = months("si.enrolment_open_on", "k.month")
    share = on.ratio(f"si.target_enrolment * {gone}", whole)
    return f"""case when {gone} >= {whole} then cast(si.target_enrolment as double precision)
        when {gone} > 0 then {share} when {gone} <= 0 then 0.0 end"""


def forecast(on: Words) -> str:
    """Enrolled at the close, at the rate until the month of `k`."""
    left, gone = months("k.month", "si.enrolment_close_on"), months("k.first_month", "k.month")
    return f"""case when {left} >= 1 then
        {on.ratio(f"k.enrolled_so_far * ({gone} + {left} - 1)", gone)} end"""
