"""A message's meaning on its way into the store: what is settled and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hub.identity import Token
from hub.model.spec import EntitySpec
from hub.statement import Complaint, Meaning, Seen

Admission = Literal["all", "known_only"]
UNTIMED = 0  # an assertion's time where the source says none that can be read
Kind = Literal["stated", "complete", "gone", "same", "linked"]
# owner of the thing that is meant, digest of its key or b"" (then it is our own id, if anything),
# the key, its identifiers
Referred = tuple[EntitySpec, bytes, str, tuple[Token, ...]]


@dataclass(slots=True, eq=False)  # not frozen: made for every message, four times as fast
class Prepared:
    """One statement with its lookups done once. In `fields` every value is plain JSON; what a
    field refers to is in `refs`."""

    kind: Kind
    spec: EntitySpec
    owner: EntitySpec
    key: str
    digest: bytes
    tokens: tuple[Token, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    refs: dict[str, Referred] = field(default_factory=dict)
    at: int | None = None  # microseconds; None: the message's time counts
    version: str = ""
    retired_key: str = ""  # same: the other key
    retired: bytes = b""
    withdrawn: bool = False
    of: str = ""  # our own id of the record that the key is of

    @property
    def entity(self) -> str:
        return self.spec.name


@dataclass(slots=True, eq=False)
class Understood:
    """A meaning with the lookups of every statement done."""

    statements: list[Prepared]
    complaints: Sequence[Complaint] = ()
    unread: Sequence[str] = ()
    seen: Seen | None = None


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for every message, twice as fast
class Said:
    """One message: who said it, when (microseconds), what it means.

    `admission`: whether people without a research link are kept. `again`: this message was
    settled before; what it asserted then is replaced. `timed`: `at` is when the source says it
    was so, else only when it came: it ranks before all that has a time.
    """

    seq: int
    system: str
    at: int
    meaning: Meaning | Understood
    admission: Admission = "all"
    again: bool = False
    timed: bool = True


@dataclass(slots=True, kw_only=True)
class Settled:
    """What came of a batch.

    `held` are messages about people without a research link, by the digests of those people;
    `born` are digests that became known: messages held under them can be settled now. `late`
    spoke of a version of a record that is no more, and changed nothing.
    """

    done: list[int] = field(default_factory=list)
    held: list[tuple[bytes, int]] = field(default_factory=list)
    born: list[bytes] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    versions: int = 0
    unchanged: int = 0
