"""Choices about studies, consents and visits that FHIR resources ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mappings.calls import function
from mappings.functions.fhir import first_code
from mappings.functions.parts import dicts

STUDY_LINK = "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy"
# Elements that ResearchStudy has since R5 only: there `status` is a publication status.
_SINCE_R5 = (
    "progressStatus", "associatedParty", "recruitment", "comparisonGroup", "label", "url", "name",
    "version", "date", "studyDesign", "classifier", "whyStopped", "descriptionSummary", "region",
    "outcomeMeasure", "result", "citeAs",
)  # fmt: skip


@function(
    "fhir.study_state",
    says="the study's state: R5's latest progress that is not a plan, R4's status",
    reads=("progressStatus", "status"),
)
def study_state(source: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The native state code. In R5 `status` says whether the resource is published, never how
    far the study is; a resource with an element that only R5 has is read as R5."""
    progress = [one for one in dicts(source.get("progressStatus")) if _is_fact(one)]
    if progress:
        _, latest = max(enumerate(progress), key=lambda pair: (_began(pair[1]), pair[0]))
        return first_code(latest.get("state"))
    return None if any(name in source for name in _SINCE_R5) else source.get("status")


def _is_fact(progress: Mapping[str, Any]) -> bool:
    return progress.get("actual") is not False and "state" in progress


def _began(progress: Mapping[str, Any]) -> str:
    period = progress.get("period")
    return str(period.get("start", "")) if isinstance(period, dict) else ""


@function(
    "fhir.party",
    says="the reference in R4's element `at`, else R5's first associated party of these roles",
    reads=("sponsor", "principalInvestigator", "associatedParty"),
    arguments="at roles",
)
def party(source: Mapping[str, Any], at: str, roles: str) -> Any:  # noqa: ANN401 - JSON
    """`roles` are codes parted by blanks, the one that counts most first."""
    if at in source:
        return _reference(source[at])
    parties = dicts(source.get("associatedParty"))
    for role in roles.split():
        for one in parties:
            if first_code(one.get("role")) == role:
                return _reference(one.get("party"))
    return None


@function(
    "fhir.linked",
    says="the reference to a resource of a type: the workflow-researchStudy extension, or what "
    "an appointment names as supporting information",
    reads=("extension", "supportingInformation"),
    arguments="type",
)
def linked(source: Mapping[str, Any], type: str) -> Any:  # noqa: ANN401 - JSON
    named = [
        extension.get("valueReference")
        for extension in dicts(source.get("extension"))
        if extension.get("url") == STUDY_LINK
    ]
    return _first_to(type, [*named, *dicts(source.get("supportingInformation"))])


@function(
    "fhir.actor",
    says="the reference to the first participant of a type; R5's subject counts as well",
    reads=("participant", "subject"),
    arguments="type",
)
def actor(source: Mapping[str, Any], type: str) -> Any:  # noqa: ANN401 - JSON
    actors = [one.get("actor") for one in dicts(source.get("participant"))]
    return _first_to(type, [source.get("subject"), *actors])


def _first_to(type_: str, candidates: Sequence[object]) -> Any:  # noqa: ANN401 - JSON
    for candidate in candidates:
        reference = _reference(candidate)
        if isinstance(reference, str) and f"{type_}/" in reference:
            return reference
    return None


def _reference(value: object) -> Any:  # noqa: ANN401 - JSON
    return value.get("reference") if isinstance(value, dict) else None


_VERSION = re.compile(
    r"(?:^|[\s,(])(?:v|version|ver\.)\s?(\d{1,4}(?:\.\d{1,4}){0,3})\)?$", re.IGNORECASE
)


@function(
    "fhir.form_version",
    says="the version that ends the title of the consent form: 'Main consent, version 2.1'",
    reads=("sourceAttachment", "policyRule"),
)
def form_version(source: Mapping[str, Any]) -> str | None:
    """A version is only taken where the title says that it is one."""
    for said in (*dicts(source.get("sourceAttachment")), source.get("policyRule")):
        title = (said.get("title") or said.get("text")) if isinstance(said, dict) else None
        found = _VERSION.search(title[-40:]) if isinstance(title, str) else None
        if found:
            return found[1]
    return None


# An encounter in one of these states has not begun: in R4 its period is then a plan.
_NOT_BEGUN = ("planned", "cancelled", "entered-in-error")


@function(
    "fhir.encounter_start",
    says="when an encounter began, or with `planned` when it is to begin",
    reads=("status", "period", "actualPeriod", "plannedStartDate"),
    arguments="planned",
)
def encounter_start(source: Mapping[str, Any], planned: str = "false") -> Any:  # noqa: ANN401
    """R5 says plan and fact apart; R4 has one period, which is a plan until the state says more."""
    has_begun = source.get("status") not in _NOT_BEGUN
    if planned == "true":
        return source.get("plannedStartDate") or (None if has_begun else _start(source, "period"))
    return (_start(source, "actualPeriod") or _start(source, "period")) if has_begun else None


def _start(source: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON
    period = source.get(name)
    return period.get("start") if isinstance(period, dict) else None
