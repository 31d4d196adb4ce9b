"""Where does each study stand."""

from __future__ import annotations

from hub.model.study import PHASES, STATES
from hub.views.view import View, code, count, text
from hub.views.words import Words

_IN = ("consented", "screen_failed", "enrolled", "on_treatment", "withdrawn", "completed")
# accrual: whoever has ever been enrolled, whatever became of them since
_ENROLLED = "n.enrolled_on is not null"


def _sql(on: Words) -> str:
    return f"""
    select s.id as id, s.id as study_id, s.sponsor_protocol_no as protocol_no, s.title, s.phase,
        o.name as sponsor, {on.person("p")} as principal_investigator, s.status, s.status_native,
        s.target_enrolment as target,
        (select count(*) from enrollment n where n.study_id = s.id and {_ENROLLED}
            and {on.current("n")}) as enrolled,
        {on.worst("s.quality")} as dq_flag
    from study s
    left join organization o on o.id = s.sponsor_id
    left join person p on p.id = s.principal_investigator_id
    where {on.current("s")} and {on.of("s.id")}"""


VIEW = View(
    name="ctms_study_overview",
    answers="Where does each study stand?",
    row="a study",
    functions=("study set-up and site management", "enrolment and tracking of participants"),
    entities=("Study", "StudySite", "Enrollment", "Milestone", "IrbSubmission"),
    columns=(
        text("study_id", "the study"),
        text("protocol_no", "the sponsor's protocol number"),
        text("title", "title"),
        code("phase", "trial phase", PHASES),
        text("sponsor", "sponsor"),
        text("principal_investigator", "principal investigator"),
        code("status", "overall status", STATES),
        text("status_native", "status as the source said it"),
        count("target", "participants planned"),
        count("enrolled", "participants ever enrolled (accrual)"),
        code("dq_flag", "the worst quality of what the row is made of"),
    ),
    sql=_sql,
)
