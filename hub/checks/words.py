"""The words of a finding: days, statuses as people know them, who keeps which system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from hub.checks.look import Statement
from hub.clock import from_micros

_KEEPERS = {
    "EDC": "the data manager",
    "CTMS": "the study coordinator",
    "EHR": "the research billing and registration desk",
    "IRB": "the regulatory coordinator",
    "HR": "the personnel office",
    "ETMF": "the document specialist",
    "EREG": "the regulatory coordinator",
    "ERP": "research finance",
    "TRAINING": "the training office",
    "REGISTRY": "the registration coordinator",
}


def day(said: object) -> date | None:
    """The day in a canonical date or instant; None where it is no whole day (2026-03)."""
    text = str(said or "")[:10]
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def day_of(moment: int, otherwise: date) -> date:
    """The day of a moment in microseconds, UTC; `otherwise` where it is 0."""
    return from_micros(moment).date() if moment else otherwise


def days(one: date, other: date) -> int:
    """Days from one to the other."""
    return (other - one).days


def before(one: date) -> date:
    """The day before."""
    return one - timedelta(days=1)


def covers(row: Mapping[str, Any], on: date) -> bool:
    """Whether a record with a first and a last day holds on a day; what it does not say is no
    bound."""
    start, end = day(row["start_on"]), day(row["end_on"])
    return (start is None or start <= on) and (end is None or on <= end)


def status(native: object, canonical: object) -> str:
    """ON STUDY (enrolled): the native status beside the canonical one, in words."""
    plain = str(canonical or "unknown").replace("_", " ")
    if not native:
        return plain
    is_same = str(native).casefold().replace("_", " ").replace("-", " ") == plain
    return str(native) if is_same else f"{native} ({plain})"


def role(said: Statement) -> str:
    """The system as people call it: its kind, and its own name beside it."""
    return called(said.role, said.system)


def called(kind: str, system: str) -> str:
    """A system by its kind and its name: EDC (redcap-1)."""
    return f"{kind} ({system})" if kind.casefold() != system else kind


def keeper(said: Statement) -> str:
    """Who acts on what a system says, and in which system."""
    return f"{keeper_of(said.role)}, in {said.system}"


def keeper_of(kind: str) -> str:
    """Who keeps a system of a kind."""
    return _KEEPERS.get(kind, "the owner of the system")


def listed(names: Sequence[str]) -> str:
    """a, b and c"""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
