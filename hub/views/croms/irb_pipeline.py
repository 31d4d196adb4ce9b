"""What lies with the IRB, how long, and what runs out."""

from __future__ import annotations

from hub.model.irb_submission import KINDS, STATES
from hub.views.parts import DQ, SITE, STUDY, site, study
from hub.views.view import View, code, count, date, flag, text
from hub.views.words import Words

_DONE = "('approved', 'disapproved', 'acknowledged', 'closed', 'withdrawn', 'terminated')"


def _sql(on: Words) -> str:
    since = "coalesce(i.determination_on, i.meeting_on, i.submitted_on)"
    return f"""
    select i.id as id, i.study_id, {study("s")} as study, i.study_site_id,
        {site("t", "w")} as site, i.native_no as submission_no, i.kind, i.kind_native,
        b.name as board, r.name as irb_of_record, i.review_level, i.state, i.state_native,
        case when i.state not in {_DONE} then {on.days(since, on.today)} end as days_in_state,
        i.determination, i.submitted_on, i.approval_on, i.expires_on,
        {on.days(on.today, "i.expires_on")} as days_to_expiry,
        coalesce(i.state = 'approved' and i.kind in ('initial', 'continuing_review', 'amendment_cr')
            and i.expires_on < {on.today} and later.study_id is null, false) as review_overdue,
        i.conditions as conditions_open, {on.worst("i.quality")} as dq_flag
    from irb_submission i
    left join study s on s.id = i.study_id
    left join study_site t on t.id = i.study_site_id
    left join organization w on w.id = t.organization_id
    left join organization b on b.id = i.board_id
    left join organization r on r.id = coalesce(i.irb_of_record_id, t.irb_of_record_id)
    left join (
        select l.study_id, max(coalesce(l.expires_on, '9')) as until from irb_submission l
        where {on.current("l")} and l.state = 'approved' and {on.of("l.study_id")}
            and l.kind in ('initial', 'continuing_review', 'amendment_cr')
        group by l.study_id
    ) later on later.study_id = i.study_id and later.until >= {on.today}
    where {on.current("i")} and {on.of("i.study_id")}"""


VIEW = View(
    name="croms_irb_pipeline",
    answers="What lies with which IRB, for how long, and which approval runs out?",
    row="a submission",
    functions=("IRB and regulatory submissions", "compliance"),
    entities=("IrbSubmission", "Study", "StudySite", "Organization"),
    columns=(
        *STUDY,
        *SITE,
        text("submission_no", "the IRB's number"),
        code("kind", "what it is", KINDS),
        text("kind_native", "kind as the source said it"),
        text("board", "who reviews"),
        text("irb_of_record", "the IRB whose word counts"),
        text("review_level", "level of review"),
        code("state", "state", STATES),
        text("state_native", "state as the source said it"),
        count("days_in_state", "days since the last step, while it is not decided"),
        text("determination", "what was decided, in the board's words"),
        date("submitted_on", "submitted"),
        date("approval_on", "approved"),
        date("expires_on", "last day; none: does not expire"),
        count("days_to_expiry", "days until then, negative once it has passed"),
        flag("review_overdue", "it has run out and no later approval is there"),
        text("conditions_open", "conditions, in the board's words"),
        DQ,
    ),
    sql=_sql,
)
