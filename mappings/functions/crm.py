"""The dates that one state of a subject calls for in an HL7 CRM message: a date that is known from
an earlier state is not said again with a later one. For outbound mappings of Enrollment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mappings.calls import function
from mappings.canonical import CanonicalView

# For each state the fields that say when, the best first.
_BEGAN: Mapping[str, Sequence[str]] = {
    "screening": ("screened_on", "consented_on"),
    "on_treatment": ("on_treatment_on", "enrolled_on"),
    "end_of_treatment": ("on_treatment_on", "enrolled_on"),
    "follow_up": ("off_treatment_on", "on_treatment_on", "enrolled_on"),
}
_ENDED: Mapping[str, Sequence[str]] = {"end_of_treatment": ("off_treatment_on",)}
_OFF = ("off_study_on", "completed_on", "died_on", "lost_on")
_LEFT: Mapping[str, Sequence[str]] = {
    "screen_failed": ("off_study_on", "screened_on", "consented_on"),
    "died": ("died_on", "off_study_on"),
    **dict.fromkeys(
        ("withdrawn", "off_study", "completed", "lost_to_follow_up", "transferred"), _OFF
    ),
}
_DATES = ("state", "consented_on", "screened_on", "enrolled_on", "on_treatment_on",
          "off_treatment_on", *_OFF)  # fmt: skip


@function("crm.phase_began", says="when the phase of the subject's state began", reads=_DATES)
def phase_began(enrollment: CanonicalView) -> str | None:
    """CSP-2; None where the state is no phase's."""
    return _first(enrollment, _BEGAN)


@function("crm.phase_ended", says="when the phase ended, once it has", reads=_DATES)
def phase_ended(enrollment: CanonicalView) -> str | None:
    """CSP-3."""
    return _first(enrollment, _ENDED)


@function("crm.left_on", says="when the subject left the study, once that is so", reads=_DATES)
def left_on(enrollment: CanonicalView) -> str | None:
    """CSR-15: from that day on charges are the patient's own."""
    return _first(enrollment, _LEFT)


def _first(enrollment: CanonicalView, dates: Mapping[str, Sequence[str]]) -> str | None:
    names = dates.get(str(enrollment.get("state")), ())
    return next((str(found) for name in names if (found := enrollment.get(name))), None)
