"""Is enrolment on plan, site by site and month by month."""

from __future__ import annotations

from hub.views import funnel, parts
from hub.views.parts import DQ, SITE, STUDY
from hub.views.stages import STAGES
from hub.views.view import Column, View, count, number, text
from hub.views.words import Words


def _sql(on: Words) -> str:
    counts = ", ".join(f"k.{stage.name}" for stage in STAGES)
    return f"""
    select k.id, {parts.place("k")}, k.month, {counts}, k.in_screening, k.in_treatment,
        k.enrolled_so_far, {on.share("k.screen_failed_so_far", "k.screened_so_far")}
            as screen_failure_percent,
        {on.share("k.lost_so_far", "k.enrolled_so_far")} as lost_percent,
        {on.share("k.lost_so_far + k.withdrawn_so_far", "k.enrolled_so_far")} as drop_out_percent,
        {on.ratio("k.enrolled_so_far", funnel.months("k.first_month", "k.month"))}
            as enrolled_per_month,
        {funnel.planned(on)} as planned, {funnel.forecast(on)} as forecast,
        {on.worst("s.quality", "si.quality")} as dq_flag
    from {on.summed("enrollment_sum", funnel.of_months(on))} k
    {parts.placed("k")}
    where {on.of("k.study_id")}"""


def _stages() -> tuple[Column, ...]:
    return tuple(count(stage.name, f"participants who {_did(stage.name)}") for stage in STAGES)


def _did(name: str) -> str:
    told = {
        "potential": "were found as possible ones", "prescreened": "were pre-screened",
        "enrolled": "were enrolled (accrual), whatever became of them since",
        "randomised": "were randomised",
    }  # fmt: skip
    said = {stage.name: stage.says for stage in STAGES}
    return f"{told.get(name, said[name])}, in that month"


VIEW = View(
    name="ctms_enrollment_funnel",
    answers="Is enrolment on plan?",
    row="a month in which something happened at a site (none: on days that no source says)",
    functions=("enrolment and tracking of participants",),
    entities=("Enrollment", "EnrollmentState", "StudySite"),
    columns=(
        *STUDY,
        *SITE,
        text("month", "the month; none: the day is not known"),
        *_stages(),
        count("in_screening", "participants in screening at the end of the month"),
        count("in_treatment", "participants on treatment at the end of the month"),
        count("enrolled_so_far", "participants ever enrolled until the end of the month"),
        number("screen_failure_percent", "failed of those screened until then, per cent"),
        number("lost_percent", "lost of those enrolled until then, per cent"),
        number("drop_out_percent", "lost or withdrawn of those enrolled until then, per cent"),
        number("enrolled_per_month", "enrolled for each month since something first happened"),
        number("planned", "planned until then: the site's target, spread over the time it is open"),
        number("forecast", "enrolled at the close of enrolment, if it goes on at that rate"),
        DQ,
    ),
    sql=_sql,
    narrowed_by=(),
)
