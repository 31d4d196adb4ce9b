"""Choices that FHIR resources ask for and that no single path makes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hub import dates
from mappings.calls import function


@function(
    "fhir.subject_state",
    says="the research subject's state: R5's latest progress that carries one, R4's status",
    reads=("progress", "status"),
)
def subject_state(source: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The native state code.

    R5's `progress` is unordered and mixes milestones with states (ResearchSubject, R5): the state
    is the entry that began last among those with `subjectState`; of two that began together or
    without a date, the later in the list. R5's `status` is a publication status and never a state.
    """
    progress = source.get("progress")
    if not isinstance(progress, list):
        return None if "subject" in source else source.get("status")
    states = [entry for entry in progress if isinstance(entry, dict) and "subjectState" in entry]
    if not states:
        return None
    _, latest = max(enumerate(states), key=lambda pair: (_start(pair[1]), pair[0]))
    return first_code(latest["subjectState"])


def _start(entry: Mapping[str, Any]) -> datetime:
    start = entry.get("startDate")
    try:
        return dates.to_datetime(dates.iso_instant(str(start), UTC).text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def first_code(concept: Any) -> Any:  # noqa: ANN401 - JSON
    """The first code of a CodeableConcept, else its text."""
    if not isinstance(concept, dict):
        return None
    codings = concept.get("coding")
    for coding in codings if isinstance(codings, list) else []:
        if isinstance(coding, dict) and coding.get("code"):
            return coding["code"]
    return concept.get("text")
