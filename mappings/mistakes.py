"""What is wrong with a mapping file: every mistake, each with its place and what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in one place."""

    file: str
    line: int
    column: int
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.found}; expected {self.expected}"


class MappingErrors(Exception):
    """A mapping, code table or lane cannot be taken into service; `mistakes` has all of them."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)))


class Placed(Protocol):
    """Anything that knows where it stands in a file."""

    @property
    def mark(self) -> Mark: ...


@dataclass(slots=True)
class Mistakes:
    """Collects mistakes while a file is read, so that all of them are reported at once."""

    found: list[Mistake] = field(default_factory=list)

    def add(self, at: Placed | Mark, found: str, expected: str) -> None:
        mark = at if isinstance(at, Mark) else at.mark
        self.found.append(Mistake(mark.file, mark.line, mark.column, found, expected))

    def raise_if_any(self) -> None:
        if self.found:
            raise MappingErrors(self.found)


def one_of(name: str, known: Iterable[str]) -> str:
    """The names that would have been right, the most similar one first."""
    names = sorted(known)
    if not names:
        return "nothing here"
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    listed = ", ".join(names if len(names) <= 40 else [*names[:40], "…"])
    return f"{near[0]!r}? Known: {listed}" if near else f"one of {listed}"
