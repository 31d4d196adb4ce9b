"""What a check is: a question that no single system can answer, and what it found, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from hub.checks.look import Look

# What one run of a check is bounded by. Everything of a check about one study (or person) is found
# in one go, so that what is not found any more is right again.
Scope = Literal["study", "person", "hub"]
Tolerances = Mapping[str, int | Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one system says, in its own words, and when it said so (microseconds, 0: not told)."""

    system: str
    says: str
    of: str = ""  # which record or field: "subject S-0012, state"
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One thing that is wrong now. The same one has the same kind, entity, id and `about` in every
    run; `sentence` says no spans of time that grow from day to day: its age counts from `since`."""

    kind: str
    entity: str
    id: str  # the canonical record it hangs on; "": none
    sentence: str
    evidence: tuple[Evidence, ...]
    act: str  # who should act
    since: date  # the day it became wrong
    study: str = ""  # the study's id, "" where it is of none
    person: str = ""  # the person's id: needed where the check goes person by person
    about: str = ""  # what makes it distinct on its record


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of discrepancy."""

    name: str
    says: str  # what is wrong, in a line
    act: str  # whose it is, as a rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of the twelve. `find` reads what its look is bounded by and nothing else; it writes
    nothing and gives the same for the same store, policy and day."""

    name: str
    number: int  # its place among the twelve
    title: str
    says: str  # what it compares, in a sentence or two
    kinds: tuple[Kind, ...]
    find: Callable[[Look], Iterator[Discrepancy]]
    scope: Scope = "study"
    tolerances: Tolerances = field(default_factory=dict)  # name → default, in days unless named
    tolerates: Mapping[str, str] = field(default_factory=dict)  # name → what it means

    def rule(self, kind: str) -> str:
        """The rule of a finding of this kind."""
        return f"check.{self.name}.{kind}"
