"""What a value can be on its way from a source to a statement, and what a bad one raises.

Between path and statement, None means *absent*; `hub.statement.REMOVED` and UNKNOWN are said
outright. Only the finished statement spells UNKNOWN as null.
"""

from __future__ import annotations

from typing import Final


class Unknown:
    """The source says that it does not know."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


class BadValue(Exception):
    """A source's value breaks a rule. `found` is the value or its form: whoever reports it blanks
    it for sealed fields."""

    def __init__(self, rule: str, expected: str, found: object = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.expected = expected
        self.found = found if isinstance(found, str) else type(found).__name__


class BadPath(Exception):
    """A path, transform or name in a mapping is not one; `expected` says what would be."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}; expected {expected}")
        self.found = found
        self.expected = expected


class NotUnderstood(Exception):
    """One message cannot be mapped as a whole; it is to be parked with this reason.

    Raised for a body that is not its medium, and by the policy `refuse`. Carries no data of a
    person: `found` is empty for sealed fields.
    """

    def __init__(self, *, rule: str, place: str, expected: str, found: str = "") -> None:
        shown = f" found {found!r}," if found else ""
        super().__init__(f"{rule} at {place}:{shown} expected {expected}")
        self.rule = rule
        self.place = place
        self.expected = expected
        self.found = found
