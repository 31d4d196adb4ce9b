"""Pieces that many views are made of: how a study is called, ageing, the columns that recur."""

from __future__ import annotations

from hub.views.view import Column, code, money, text
from hub.views.words import Words

QUALITIES = ("ok", "stub", "warning", "conflict")
DQ = code("dq_flag", "the worst quality of the records the row is made of", QUALITIES)
STUDY = (text("study_id", "the study"), text("study", "the study as people call it"))
SITE = (text("study_site_id", "the site"), text("site", "the site's number, or its institution"))
PERSON = (text("person_id", "the person"), text("person", "the person's name"))
CURRENCY = text("currency", "currency of the amounts")

_BUCKETS = ((0, 30), (31, 60), (61, 90), (91, None))


def study(alias: str) -> str:
    """What people call a study: the institution's number, the sponsor's, the acronym, the title."""
    names = ("local_protocol_no", "sponsor_protocol_no", "acronym", "title")
    return f"coalesce({', '.join(f'{alias}.{name}' for name in names)})"


def site(alias: str, organization: str) -> str:
    """What people call a site: its number in the study, else the institution."""
    return f"coalesce({alias}.site_number, {organization}.name)"


def place(alias: str) -> str:
    """The columns STUDY and SITE of a record, with the joins of `placed`."""
    return (
        f"{alias}.study_id, {study('s')} as study, "
        f"{alias}.study_site_id, {site('si', 'so')} as site"
    )


def placed(alias: str) -> str:
    """Joins the study, the site and the site's institution of a record."""
    return (
        f"left join study s on s.id = {alias}.study_id "
        f"left join study_site si on si.id = {alias}.study_site_id "
        "left join organization so on so.id = si.organization_id"
    )


def median(rows: str, by: str) -> str:
    """The median of the column `days` of `rows`, for each `by`; unknown days do not count."""
    keys = ", ".join(f"d.{name.strip()}" for name in by.split(","))
    return f"""
    select {by}, avg(cast(days as double precision)) as days from (
        select {keys}, d.days, row_number() over (partition by {keys} order by d.days) as place,
            count(*) over (partition by {keys}) as known
        from ({rows}) d where d.days is not null) ranked
    where place in ((known + 1) / 2, (known + 2) / 2) group by {by}"""


def worst_of(quality: str) -> str:
    """An aggregate: the worst quality of many records."""
    ranks = {name: rank for rank, name in enumerate(QUALITIES)}
    rank = " ".join(f"when '{name}' then {n}" for name, n in ranks.items())
    back = " ".join(f"when {n} then '{name}'" for name, n in ranks.items())
    return f"case max(case {quality} {rank} else 0 end) {back} end"


def on_study(on: Words, alias: str) -> str:
    """That a person's role on a study, a row of staff_assignment, is held today."""
    return (
        f"{on.current(alias)} and coalesce({alias}.status, 'active') = 'active' and "
        f"coalesce({alias}.start_on, '') <= {on.today} and "
        f"coalesce({alias}.end_on, '9') >= {on.today}"
    )


def window(on: Words, visit: str, planned: str) -> tuple[str, str]:
    """First and last day of a visit's window: as its source says, else as the calendar does."""
    early = on.plus(f"{visit}.planned_on", f"-{planned}.window_before_days")
    late = on.plus(f"{visit}.planned_on", f"{planned}.window_after_days")
    return f"coalesce({visit}.window_from, {early})", f"coalesce({visit}.window_to, {late})"


def aged() -> tuple[Column, ...]:
    """The columns of `ageing`."""
    return tuple(
        money(_bucket(low, high), f"of it, due for {low} to {high} days" if high else
              f"of it, due for {low} days and more")
        for low, high in _BUCKETS
    )  # fmt: skip


def ageing(on: Words, amount: str, due: str, *, total: str = "sum", days: str = "") -> str:
    """An amount by how long it has been due; what is not due yet is in the first. `total`: the
    aggregate that is made of it, "" for none. `days`: how long, where that is known already."""
    days = days or f"coalesce({on.days(due, on.today)}, 0)"
    found = []
    for low, high in _BUCKETS:
        above = f"{days} >= {low} and " if low else ""
        below = f"{days} <= {high}" if high is not None else "1 = 1"
        column = _bucket(low, high)
        found.append(f"{total}(case when {above}{below} then {amount} else 0 end) as {column}")
    return ", ".join(found)


def _bucket(low: int, high: int | None) -> str:
    return f"age_{low}_{high}" if high is not None else f"age_{low}_up"
