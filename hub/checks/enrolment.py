"""Check 1: who is on the study, subject by subject, in the EDC, the CTMS and the EHR."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.look import Look, Record, Statement

ROLES = ("EDC", "CTMS", "EHR")

# How far a subject has come, in steps that all three count: systems differ in finer ones by design
# (an EDC randomises, a CTMS is "on study", an EHR "on study: treatment").
_BEFORE, _CONSENTED, _ON, _ENDED = 0, 1, 2, 3
_STEPS = {
    **dict.fromkeys(("potential", "prescreened"), _BEFORE),
    **dict.fromkeys(("consented", "screening", "eligible"), _CONSENTED),
    **dict.fromkeys(
        ("enrolled", "randomised", "on_treatment", "end_of_treatment", "follow_up"), _ON
    ),
    **dict.fromkeys(
        ("screen_failed", "completed", "withdrawn", "lost_to_follow_up", "died", "off_study",
         "transferred"), _ENDED,
    ),
}  # fmt: skip
# the dates that tell since when a step holds, the best first
_SINCE = {
    _BEFORE: ("prescreened_on",),
    _CONSENTED: ("consented_on", "screened_on", "eligible_on"),
    _ON: ("enrolled_on", "registered_at", "randomised_on", "on_treatment_on"),
    _ENDED: ("off_study_on", "completed_on", "lost_on", "died_on"),
}


def find(look: Look) -> Iterator[Discrepancy]:
    """Each discrepancy about the subjects of these studies."""
    subjects = look.of_studies("Enrollment")
    said = look.said("Enrollment", [one["id"] for one in subjects])
    called = look.called("Enrollment", [one["id"] for one in subjects])
    studies = look.called("Study", look.studies)
    for one in subjects:
        name = f"{studies.get(one['study_id'], 'a study')} {called.get(one['id'], 'a subject')}"
        own = [s for s in said.get(one["id"], []) if s.role in ROLES]
        yield from _behind(look, one, name, own)


def _behind(look: Look, one: Record, name: str, own: Sequence[Statement]) -> Iterator[Discrepancy]:
    """One system has the subject further on than another."""
    told = [s for s in own if s.fields.get("state") in _STEPS]
    if not told:
        return
    first = max(told, key=_step)
    since = _since(look, first)
    if words.days(since, look.today) < look.days("behind_days"):
        return
    for other in told:
        if _step(other) < _step(first):
            yield Discrepancy(
                kind="status-behind",
                entity="Enrollment",
                id=one["id"],
                about=f"{other.system} behind {first.system}",
                study=one["study_id"],
                sentence=(
                    f"{name} is {_state(first)} in the {words.role(first)} since {since} and still "
                    f"{_state(other)} in the {words.role(other)}."
                ),
                evidence=tuple(_evidence(s, name) for s in (first, other)),
                act=words.keeper(other),
                since=since,
            )


def _step(said: Statement) -> int:
    return _STEPS[said.fields["state"]]


def _state(said: Statement) -> str:
    return words.status(said.fields.get("state_native"), said.fields["state"])


def _since(look: Look, said: Statement) -> date:
    """Since when it says so: its own date of the step, else the day it said it."""
    dates = (words.day(said.fields.get(name)) for name in _SINCE[_step(said)])
    return next((one for one in dates if one), words.day_of(said.when("state"), look.today))


def _evidence(said: Statement, name: str) -> Evidence:
    return Evidence(
        system=said.system, says=_state(said), of=f"{name}, status", at=said.when("state")
    )


CHECK = Check(
    name="enrolment",
    number=1,
    title="Enrolment, subject by subject",
    says="Who is on the study, as the EDC, the CTMS and the EHR count, subject by subject.",
    kinds=(
        Kind(
            name="status-behind",
            says="one system has a subject further on than another",
            act="whoever keeps the system that is behind",
        ),
    ),
    find=find,
    tolerances={"behind_days": 3},
    tolerates={"behind_days": "days that a system may take to hear of a subject's new status"},
)
