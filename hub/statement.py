"""What a source says about one thing, in canonical words.

Three values differ everywhere: a field that is *absent* from `fields` was not spoken of; REMOVED
means the source says there is no value any more; None means the source says it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final


class Removed:
    """The source says: no value any more (HL7 `""`)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "REMOVED"

    def __reduce__(self) -> str:
        return "REMOVED"  # there is but one, wherever it is copied to


REMOVED: Final = Removed()


@dataclass(slots=True, unsafe_hash=True)  # not frozen: many a message, made twice as fast
class Identifier:
    """One identifier of a thing: `type` is one of its entity's identifier types, `assigner` the
    authority that issued it ("" where the type itself is world-wide, such as `nct`). `since` and
    `until`, its first and last day, are dates where the source says them."""

    type: str
    value: str
    assigner: str = ""
    since: str = ""
    until: str = ""

    @property
    def told(self) -> list[str]:
        """As JSON: three texts, five where it says when."""
        said = [self.type, self.value, self.assigner]
        return [*said, self.since, self.until] if self.since or self.until else said


@dataclass(frozen=True, slots=True)
class Ref:
    """Another entity, by the key this system uses for it, by identifiers, or by our own `id`."""

    entity: str
    key: str = ""
    identifiers: tuple[Identifier, ...] = ()
    id: str = ""


# str, int, bool, None, REMOVED, Ref, or a list of these; decimals and dates travel as text
Value = Any


@dataclass(slots=True, kw_only=True)  # not frozen, as above; nobody writes to one
class Stated:
    """The source says these fields of one thing. With `complete`, a field that is absent has
    been removed. `at` and `version` order statements of one system about one thing; empty, the
    message's own time counts. `of`: the source says itself which of our records its key is of."""

    entity: str
    key: str  # native key: how this system knows it
    fields: dict[str, Value]
    identifiers: tuple[Identifier, ...] = ()
    complete: bool = False
    at: str = ""  # canonical instant; "" = the message's time
    version: str = ""  # the source's own version of this thing
    of: str = ""  # our own id


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The source no longer has it: last values stay, marked withdrawn."""

    entity: str
    key: str
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameAs:
    """The source says two of its keys are one thing (HL7 ADT^A40); `withdrawn` takes it back.
    `linked`: one person in two records that stay two (HL7 ADT^A24)."""

    entity: str
    kept: str
    retired: str
    withdrawn: bool = False
    linked: bool = False
    at: str = ""


Statement = Stated | Gone | SameAs


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something about a message that is not right but does not stop it. Becomes a finding.

    `found` is a code or a form ("20261301"), never a person's data: for a field of sensitivity
    phi or unblinding it is left empty.
    """

    rule: str  # "unmapped-code", "unreadable-date", "too-long", "unknown-reference", …
    place: str  # source path: "PID-8"
    expected: str
    found: str = ""
    entity: str = ""
    key: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The version of a record that somebody had before them when they spoke."""

    entity: str
    id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """All that one message means; nothing, where a record is not as it was `seen` any more."""

    statements: tuple[Statement, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    unread: tuple[str, ...] = field(default=())  # source paths with data that no mapping reads
    seen: Seen | None = None


def plain_value(value: Value) -> Any:  # noqa: ANN401 - JSON
    """A value as JSON: REMOVED is {"removed": true}, a Ref {"ref": entity, …}."""
    if value is REMOVED:
        return {"removed": True}
    if isinstance(value, Ref):
        ids = [one.told for one in value.identifiers]
        plain = {"ref": value.entity, "key": value.key, "identifiers": ids}
        return plain | {"id": value.id} if value.id else plain
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    return value
