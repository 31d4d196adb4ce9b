"""Which resources a FHIR search names, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from crohub.sandbox.fhir_store import Version
from crohub.sandbox.world import Resource


class FhirError(Exception):
    """A request that cannot be answered as asked: HTTP status and FHIR issue type."""

    def __init__(self, status: int, code: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.status, self.code, self.diagnostics = status, code, diagnostics


# parameters that shape the answer and choose nothing
SHAPING = {"_sort", "_count", "_format", "_total", "_page"}
_COMPARE: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": lambda found, asked: found > asked,
    "ge": lambda found, asked: found >= asked,
    "lt": lambda found, asked: found < asked,
    "le": lambda found, asked: found <= asked,
    "eq": lambda found, asked: found == asked,
}
_PREFIX = re.compile(r"^(gt|ge|lt|le|eq)?(.*)$", re.DOTALL)
# search parameter → the references it looks at
_REFERENCES: dict[str, Callable[[Resource], Iterator[str]]] = {
    "study": lambda r: _paths(r, "study"),
    "individual": lambda r: _paths(r, "individual"),
    "patient": lambda r: _paths(r, "individual", "patient", "subject", "participant.actor"),
    "subject": lambda r: _paths(r, "subject"),
    "actor": lambda r: _paths(r, "participant.actor"),
    "practitioner": lambda r: _paths(r, "practitioner"),
    "organization": lambda r: _paths(r, "organization", "managingOrganization"),
}


def matching(
    versions: Sequence[Version], asked: Sequence[tuple[str, str]]
) -> tuple[list[Version], list[str]]:
    """The versions every known parameter lets through, and the names of parameters unknown
    here, which are ignored as R4 §3.1.1.1 has it. Raises FhirError for a value that makes no
    sense."""
    unknown = []
    found = list(versions)
    for name, value in asked:
        test = _test(name, value)
        if test:
            found = [version for version in found if test(version)]
        elif name not in SHAPING:
            unknown.append(name)
    return found, unknown


def ordered(versions: list[Version], sort: str) -> list[Version]:
    """Sorted by `_lastUpdated` or `_id`, downwards with a minus sign; "" is as stored."""
    if not sort:
        return versions
    name = sort.removeprefix("-")
    keys: dict[str, Callable[[Version], Any]] = {
        "_lastUpdated": lambda version: (version.at, version.id),
        "_id": lambda version: version.id,
    }
    if name not in keys:
        raise FhirError(400, "not-supported", f"_sort={sort}: _lastUpdated and _id are possible")
    return sorted(versions, key=keys[name], reverse=sort.startswith("-"))


def moment(text: str) -> datetime:
    """A FHIR date or instant; without an offset it counts as UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise FhirError(400, "invalid", "a date is not in the form of ISO 8601") from None
    return at if at.tzinfo else datetime.fromisoformat(f"{at.isoformat()}+00:00")


def _test(name: str, value: str) -> Callable[[Version], bool] | None:
    if name == "_id":
        return lambda version: version.id in value.split(",")
    if name == "_lastUpdated":
        match = _PREFIX.match(value)
        prefix, text = (match.group(1) or "eq", match.group(2)) if match else ("eq", value)
        compare, asked = _COMPARE[prefix], moment(text)
        return lambda version: compare(version.at, asked)
    if name == "identifier":
        return lambda version: _identified(_of(version), value)
    if name == "status":
        return lambda version: _of(version).get("status") in value.split(",")
    if name in _REFERENCES:
        wanted = value.rpartition("/")[2]
        paths = _REFERENCES[name]
        return lambda version: any(
            reference.rpartition("/")[2] == wanted for reference in paths(_of(version))
        )
    return None


def _of(version: Version) -> Resource:
    return version.resource or {}


def _identified(resource: Resource, value: str) -> bool:
    """A token: `system|value`, or a value in any system."""
    system, bar, number = value.rpartition("|")
    return any(
        one.get("value") == number and (not bar or one.get("system", "") == system)
        for one in resource.get("identifier", [])
    )


def _paths(resource: Resource, *paths: str) -> Iterator[str]:
    for path in paths:
        found: list[Any] = [resource]
        for name in path.split("."):
            nexts = [one[name] for one in found if isinstance(one, dict) and name in one]
            found = [x for one in nexts for x in (one if isinstance(one, list) else [one])]
        for one in found:
            if isinstance(one, dict) and "reference" in one:
                yield one["reference"]
