"""Can the data be trusted: when each feed last spoke, and what is wrong with what it said."""

from __future__ import annotations

from hub.views.view import View, code, count, number, text
from hub.views.words import Words

_DAY = 86_400_000_000  # microseconds


def _sql(on: Words) -> str:
    return f"""
    select f.connection || '|' || f.stream as id, f.connection, f.stream, f.system, f.state,
        {on.moment("f.settled_at")} as last_success, {on.moment("f.heard_at")} as speaks_of,
        {on.ratio(f"{on.now} - f.settled_at", str(_DAY))} as days_silent,
        {on.ratio("f.settled_at - f.heard_at", "1000000")} as lag_seconds, f.messages, f.parked,
        coalesce(q.conflicts, 0) as conflicts, coalesce(q.other_findings, 0) as other_findings,
        coalesce(q.unmatched, 0) as unmatched, 'ok' as dq_flag
    from feed f left join ({_found()}) q on q.system = f.system"""


def _found() -> str:
    """Open findings by each system that knows the record, so that a conflict is of both."""
    kinds = {
        "conflicts": "n.rule = 'systems-disagree'",
        "unmatched": "n.rule = 'identity-contradicted'",
        "other_findings": "n.rule not in ('systems-disagree', 'identity-contradicted')",
    }
    counted = [f"count(distinct case when {test} then n.id end) as {name}"
               for name, test in kinds.items()]  # fmt: skip
    return f"""select x.system, {", ".join(counted)} from finding n
        join xref x on x.entity_id = n.entity_id where n.closed_at is null group by x.system"""


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
        count("messages", "messages it has brought so far"),
        count("parked", "of them, those that could not be understood when they came"),
        count("conflicts", "open findings: others disagree"),
        count("other_findings", "open findings of any other rule"),
        count("unmatched", "open findings: identifiers that contradict"),
        code("dq_flag", "always ok: it is about feeds, not records"),
    ),
    sql=_sql,
)
