"""Where contracts are, how long they have been there, and which are to be renewed."""

from __future__ import annotations

from hub.model.contract import KINDS, STATES
from hub.views.parts import CURRENCY, DQ, STUDY, study
from hub.views.view import View, code, count, date, flag, money, text
from hub.views.words import Words

_SOON = 90  # days before the end when a renewal is due, where no day is named
_OVER = "('expired', 'terminated', 'withdrawn')"


def _sql(on: Words) -> str:
    since = """case c.state when 'intake' then c.received_on when 'drafting' then c.received_on
        when 'negotiation' then c.first_draft_on when 'legal_review' then c.legal_review_on
        when 'out_for_signature' then c.out_for_signature_on
        when 'executed' then c.fully_executed_on when 'amended' then c.fully_executed_on
        else c.expires_on end"""
    return f"""
    select c.id as id, c.contract_no, c.title, p.name as party, c.study_id, {study("s")} as study,
        c.kind, c.kind_native, c.state, c.state_native, {on.person("o")} as owner,
        {on.days(f"({since})", on.today)} as days_in_state, {on.amount("c.value_amount")} as value,
        c.currency, c.received_on, c.fully_executed_on as executed_on,
        {on.days("c.received_on", f"coalesce(c.fully_executed_on, {on.today})")} as cycle_days,
        c.expires_on, c.renewal_due_on,
        coalesce(c.state not in {_OVER} and c.fully_executed_on is not null
            and coalesce(c.renewal_due_on, {on.plus("c.expires_on", str(-_SOON))})
                <= {on.today}, false) as renewal_due,
        {on.worst("c.quality")} as dq_flag
    from contract c
    left join study s on s.id = c.study_id
    left join organization p on p.id = c.party_id
    left join person o on o.id = c.owner_id
    where {on.current("c")} and {on.of("c.study_id")}"""


VIEW = View(
    name="croms_contracts",
    answers="Where is each contract, since when, with whom, and which must be renewed?",
    row="a contract",
    functions=("budgets, contracts and invoices",),
    entities=("Contract", "Study", "Organization", "Person"),
    columns=(
        text("contract_no", "number people know it by"),
        text("title", "title"),
        text("party", "the other party"),
        *STUDY,
        code("kind", "what it is", KINDS),
        text("kind_native", "kind as the source said it"),
        code("state", "state", STATES),
        text("state_native", "state as the source said it"),
        text("owner", "who sees to it"),
        count("days_in_state", "days since it came into this state"),
        money("value", "what it is worth"),
        CURRENCY,
        date("received_on", "received"),
        date("executed_on", "signed by all"),
        count("cycle_days", "days from receipt until signed by all, or until today"),
        date("expires_on", "last day; none: no end"),
        date("renewal_due_on", "to be renewed by, as the source says"),
        flag("renewal_due", "to be renewed: the day has come, or 90 days before its end"),
        DQ,
    ),
    sql=_sql,
)
