"""Which of several names, addresses and contact points of a FHIR resource is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings.calls import function
from mappings.functions.parts import best, dicts, texts

# Organization and Location keep theirs under `contact` since R5; a Patient's `contact` is
# somebody else.
_THEIR_OWN = ("Organization", "Location")
_LAST = ("old", "temp", "anonymous", "nickname", "maiden")


@function(
    "fhir.name",
    says="part of the official name, else of the usual one, else of the first",
    reads=("name",),
    arguments="part use",
)
def name(source: Mapping[str, Any], part: str = "family", use: str = "") -> Any:  # noqa: ANN401
    """`part` is family, given, middle, prefix or suffix. With `use`, only a name of that use."""
    names = dicts(source.get("name"))
    if use:
        names = [one for one in names if one.get("use") == use]
    if not names:
        return None
    chosen = best(names, lambda one: (_ended(one), _rank(one.get("use"))))
    if part == "family":
        return chosen.get("family")
    if part not in ("given", "middle"):
        return " ".join(texts(chosen.get(part))) or None
    given = texts(chosen.get("given"))
    if part == "given":
        return given[0] if given else None
    return " ".join(given[1:]) or None


def _rank(use: object) -> int:
    return 0 if use == "official" else 3 if use in _LAST else 1 if use == "usual" else 2


@function(
    "fhir.telecom",
    says="the first contact point of a system and one of these uses, best rank first",
    reads=("telecom", "contact"),
    arguments="system use",
)
def telecom(source: Mapping[str, Any], system: str, use: str = "") -> Any:  # noqa: ANN401
    """`use` names one or more uses parted by blanks, `unsaid` among them; without it any but
    `old`. The lowest rank comes first, one without rank last (ContactPoint.rank)."""
    points = [point for point in _points(source) if point.get("system") == system]
    if not points:
        return None
    wanted = use.split()
    fits = [
        point
        for point in points
        if point.get("value")
        and (point.get("use") or "unsaid") != "old"
        and (not wanted or (point.get("use") or "unsaid") in wanted)
    ]
    if not fits:
        return None
    return best(fits, lambda point: (_ended(point), _order(point.get("rank"))))["value"]


def _points(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    points = dicts(source.get("telecom"))
    if not points and source.get("resourceType") in _THEIR_OWN:
        points = [
            p for contact in dicts(source.get("contact")) for p in dicts(contact.get("telecom"))
        ]
    return points


def _order(rank: object) -> int:
    return rank if isinstance(rank, int) else 99


@function(
    "fhir.address",
    says="part of the address: the current one before an old one, home or work before others",
    reads=("address", "contact"),
    arguments="part",
)
def address(source: Mapping[str, Any], part: str) -> Any:  # noqa: ANN401 - JSON
    """`part` is an element of FHIR's Address; `line` gives a list."""
    places = dicts(source.get("address"))
    if not places and source.get("resourceType") in _THEIR_OWN:
        places = [
            a for contact in dicts(source.get("contact")) for a in dicts(contact.get("address"))
        ]
    places = [place for place in places if place.get("use") != "billing"]
    if not places:
        return None
    chosen = best(places, lambda one: (_ended(one), one.get("use") in ("old", "temp")))
    return texts(chosen.get("line")) if part == "line" else chosen.get(part)


_OMB = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"


@function(
    "fhir.us_core_race",
    says="the OMB race categories of the US Core extension",
    reads=("extension",),
    gives="list",
)
def us_core_race(source: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    return _categories(source, "race") or None


@function(
    "fhir.us_core_ethnicity",
    says="the OMB ethnicity category of the US Core extension",
    reads=("extension",),
)
def us_core_ethnicity(source: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    return next(iter(_categories(source, "ethnicity")), None)


def _categories(source: Mapping[str, Any], kind: str) -> list[str]:
    return [
        coding["code"]
        for extension in dicts(source.get("extension"))
        if extension.get("url") == f"{_OMB}{kind}"
        for part in dicts(extension.get("extension"))
        if part.get("url") == "ombCategory"
        for coding in dicts(part.get("valueCoding"))
        if isinstance(coding.get("code"), str)
    ]


def _ended(one: Mapping[str, Any]) -> bool:
    """A period with an end is over, or soon will be; what has none is preferred."""
    period = one.get("period")
    return isinstance(period, dict) and bool(period.get("end"))
