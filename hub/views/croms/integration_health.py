"""Can the data be trusted: when each feed last spoke, and what is wrong with what it said."""

from __future__ import annotations

from hub.views.view import View, code, count, number, text
from hub.views.words import Words

_DAY = 86_400_000_000  # microseconds


def _sql(on: Words) -> str:
    return f"""
    select f.connection || '|' || f.stream as id, f.connection, f.stream, f.system, f.state,
        {on.moment("f.settled_at")} as last_success, {on.moment("f.heard_at")} as speaks_of,
        ({on.now} - f.settled_at) / {_DAY}.0 as days_silent,
        (f.settled_at - f.heard_at) / 1000000.0 as lag_seconds, f.detail,
        coalesce(x.things, 0) as things_known, coalesce(q.conflicts, 0) as conflicts,
        coalesce(q.other_findings, 0) as other_findings,
        coalesce(q.unmatched, 0) as unmatched, 'ok' as dq_flag
    from feed f
    left join (select x.system, count(*) as things from xref x group by x.system) x
        on x.system = f.system
    left join (
        select x.system,
            sum(case when n.rule = 'systems-disagree' then 1 else 0 end) as conflicts,
            sum(case when n.rule = 'identity-contradicted' then 1 else 0 end) as unmatched,
            sum(case when n.rule in ('systems-disagree', 'identity-contradicted') then 0 else 1
                end) as other_findings
        from finding n join xref x on x.x = n.x where n.closed_at is null group by x.system
    ) q on q.system = f.system"""


VIEW = View(
    name="croms_integration_health",
    answers="Which feed has spoken when, and what is wrong with what it says?",
    row="a stream of a connection",
    functions=("compliance",),
    entities=(),
    columns=(
        text("connection", "the connection"),
        text("stream", "what it brings"),
        text("system", "the system behind it"),
        code("state", "how it is doing"),
        text("last_success", "when something of it was last settled"),
        text("speaks_of", "the moment its last word is about"),
        number("days_silent", "days since something of it was last settled"),
        number("lag_seconds", "seconds between the moment it spoke of and settling"),
        text("detail", "what there is to say about it"),
        count("things_known", "things its system has named"),
        count("conflicts", "open findings: others disagree"),
        count("other_findings", "open findings of any other rule"),
        count("unmatched", "open findings: identifiers that contradict"),
        code("dq_flag", "always ok: it is about feeds, not records"),
    ),
    sql=_sql,
)
