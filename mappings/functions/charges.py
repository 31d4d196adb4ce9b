"""What a review of hospital charges asks: of which subject one is, whether they were on the study
that day, and who pays for what was done. For outbound mappings of Charge."""

from __future__ import annotations

from collections.abc import Iterable

from mappings.calls import function
from mappings.canonical import CanonicalView

_STUDY_NUMBERS = ("sponsor_protocol_no", "local_protocol_no")
# Of these ends a subject has one or none; the first day of what comes first counts.
_ENDS = ("off_study_on", "completed_on", "lost_on", "died_on")
_NEVER = ("potential", "prescreened", "entered_in_error")
_OVER = ("screen_failed", "withdrawn", "off_study", "completed", "lost_to_follow_up", "died",
         "transferred")  # fmt: skip
NONE_KNOWN = "none known"


@function(
    "charges.subject_number",
    says="one enrollment that fits the charge",
    reads=("enrollment", "participant", "study"),
)
def subject_number(charge: CanonicalView) -> str | None:
    """The subject's number; None where no enrollment fits, or more than one."""
    one = _enrollment(charge)
    return one.get("subject_number") if one else None


@function(
    "charges.study_number",
    says="the number of the study that the charge's subject is on",
    reads=("enrollment", "participant", "study"),
)
def study_number(charge: CanonicalView) -> str | None:
    """The sponsor's number of it, else the institution's."""
    one = _enrollment(charge)
    study = one.follow("study") if one else None
    numbers = [n for type_ in _STUDY_NUMBERS for n in study.identifiers(type_)] if study else []
    return numbers[0].value if numbers else None


@function(
    "charges.on_study",
    says="whether the subject was on the study on the day of service: yes, no or unknown",
    reads=("enrollment", "participant", "study", "service_on"),
)
def on_study(charge: CanonicalView) -> str:
    """From consent to the end, both days among them. A day that is not known to the day is
    compared with nothing: nobody guesses."""
    one, day = _enrollment(charge), charge.get("service_on")
    if one is None or not _is_day(day):
        return "unknown"
    if one.get("state") in _NEVER:
        return "no"
    began = one.get("consented_on") or one.get("enrolled_on")
    ends = [end for name in _ENDS if (end := one.get(name))]
    if not _is_day(began) or not all(map(_is_day, ends)):
        return "unknown"
    if ends:
        return "yes" if began <= day <= min(ends) else "no"
    if day < began:
        return "no"
    return "unknown" if one.get("state") in _OVER else "yes"


@function(
    "charges.coverage",
    says="who pays for the procedure on the study, by its coverage analysis",
    reads=("enrollment", "participant", "study", "participant_visit", "procedure_code",
           "chargemaster_code"),
)  # fmt: skip
def coverage(charge: CanonicalView) -> str:
    """The designation of the procedure at the planned visit, else of the procedure at any; where
    there is none, or several that differ, none is known."""
    one = _enrollment(charge)
    study = one.follow("study") if one else None
    if one is None or study is None:
        return NONE_KNOWN
    cells = [
        cell
        for planned in _procedures(charge, study)
        for cell in planned.find("CoverageDesignation", study=study.id, procedure_def=planned.id)
    ]
    visit = charge.follow("participant_visit")
    planned_visit = visit.get("visit_def") if visit else None
    here = [cell for cell in cells if planned_visit and cell.get("visit_def") == planned_visit]
    said = _said(here or [cell for cell in cells if cell.get("visit_def") is None])
    return said.pop() if len(said) == 1 else NONE_KNOWN


def _enrollment(charge: CanonicalView) -> CanonicalView | None:
    """The enrollment that a charge names, else the person's in the study that it names, else the
    person's only one. None where none or several are left."""
    if (named := charge.follow("enrollment")) is not None:
        return named
    person, study = charge.follow("participant"), charge.follow("study")
    if person is None or (study is None and charge.get("study")):
        return None
    wanted = {"participant": person.id} | ({"study": study.id} if study else {})
    found = [
        one
        for one in charge.find("Enrollment", **wanted)
        if one.get("subject_number") and one.get("state") != "entered_in_error"
    ]
    return found[0] if len(found) == 1 else None


def _procedures(charge: CanonicalView, study: CanonicalView) -> Iterable[CanonicalView]:
    """The study's planned procedures that the charge is for, by its code or the hospital's."""
    for name in ("procedure_code", "chargemaster_code"):
        code = charge.get(name)
        found = charge.find("ProcedureDef", study=study.id, **{name: code}) if code else ()
        if found:
            return found
    return ()


def _said(cells: Iterable[CanonicalView]) -> set[str]:
    return {said for cell in cells if (said := cell.get("designation"))}


def _is_day(value: object) -> bool:
    return isinstance(value, str) and len(value) == len("2026-03-01")
