"""What a reader asks for: which records, in which order, from where on, and what of each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

NUMBERS = ("integer", "decimal", "micros", "flag")  # kinds that are no texts
PAGE, LARGEST = 100, 500  # records of a page: when nothing is said, at most


class BadQuery(Exception):
    """A question that cannot be answered. `code` is stable; the text names parameters and what
    is allowed, never the values that were given."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Condition:
    """One column put to one test: "", in, lt, le, gt, ge, contains, missing, and not,
    which nobody can ask for in a URL: another value, or none."""

    column: str
    kind: str  # as in hub.model.base.Kind, or "micros"
    test: str
    value: Any


@dataclass(frozen=True, slots=True)
class Sought:
    """An identifier that is searched. `assigner` None: whoever assigned it."""

    type: str
    value: str
    assigner: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The column a page is sorted by; records that are equal there follow by id."""

    name: str = "id"
    column: str = "id"
    kind: str = "text"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """Where the last page ended: the sorted value and the id of its last record."""

    value: str | int | float | None
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What of each record. `fields` empty: all. `include`: identifiers, labels, or the sealed
    parts by name. `provenance`: who said each field, in which message."""

    fields: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    provenance: bool = False

    @property
    def plain(self) -> bool:
        """Whether its content changes only together with the record's version."""
        return not self.include and not self.provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A whole question about one kind of record. Records that were merged into others are left
    out unless `superseded`."""

    conditions: tuple[Condition, ...] = ()
    identifiers: tuple[Sought, ...] = ()
    order: Order = Order()
    after: Position | None = None
    limit: int = PAGE
    superseded: bool = False
    view: View = field(default_factory=View)


_NAME = re.compile(r"[a-z][a-z_]{0,59}")


def shown(name: str) -> str:
    """A parameter's name as it may be repeated in an answer: ours look like this, and a value
    that slipped into its place usually does not."""
    return f"'{name}'" if _NAME.fullmatch(name) else "a parameter"
