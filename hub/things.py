"""What settling holds in memory: keys, assertions, things, and the world of one batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, Any]


@dataclass(slots=True, eq=False)
class Assertion:
    """What one message says about one thing. A reference in `fields` is {"x": n}."""

    a: int
    x: int
    entity: str
    seq: int
    at: int
    version: str
    kind: str  # stated, complete, gone
    fields: Fields
    echo: frozenset[str] = frozenset()
    # later is larger: the source's own version, then its time, then arrival
    order: tuple[int, int, int, int] = field(init=False)

    def __post_init__(self) -> None:
        number = int(self.version) if self.version and self.version.isdigit() else -1
        self.order = (number, self.at, self.seq, self.a)


@dataclass(slots=True, eq=False)
class Xref:
    """How one system knows one thing; `live` are the assertions that still hold a field of it."""

    x: int
    digest: bytes
    entity: str
    system: str
    native: bytes
    home_id: str
    entity_id: str
    live: list[Assertion] = field(default_factory=list)


def born(xref: Xref) -> tuple[str, int]:
    """Orders keys by the ids they were born with: the first of a thing's is born with its id."""
    return (xref.home_id, xref.x)


@dataclass(slots=True, eq=False)
class Thing:
    """One canonical record as it stands. A sealed part shares `xrefs` with its owner."""

    entity: str
    id: str
    xrefs: list[Xref]
    n: int = 0  # 0: not written yet
    golden: Fields = field(default_factory=dict)
    provenance: dict[str, int] = field(default_factory=dict)
    quality: str = "ok"
    withdrawn: bool = False
    superseded_by: str | None = None
    valid_from: int = 0
    recorded_at: int = 0  # of its last version: no later one is recorded before it
    led_away: bool = False  # whether its last version says that another id replaced it


@dataclass(slots=True, eq=False)
class Judged:
    """An open finding about a record: its id, and what it says was found, and where."""

    id: str
    says: tuple[str, str]


@dataclass(slots=True)
class World:
    """What is known of the store. Lives over batches where one writer owns the store; there it
    is emptied when it grows beyond its bound, and whenever a transaction fails."""

    by_digest: dict[bytes, Xref] = field(default_factory=dict)
    absent: set[bytes] = field(default_factory=set)
    young: dict[bytes, int] | None = None  # digest → xref of keys that came lately; None: not read
    by_number: dict[int, Xref] = field(default_factory=dict)
    holders: dict[bytes, list[int]] = field(default_factory=dict)  # identifier → xrefs
    homes: dict[int, str] = field(default_factory=dict)  # xref → entity id, for references
    # xref → its identifiers: type, assigner, digest, single-valued
    given: dict[int, list[tuple[str, str, bytes, bool]]] = field(default_factory=dict)
    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    # open findings of the keys at hand, None: of no key: digest → finding id, rule
    open_findings: dict[int | None, dict[bytes, tuple[str, str]]] = field(default_factory=dict)

    # (entity, id) → the open findings about the record by rule and field, of those looked at
    judged: dict[tuple[str, str], dict[tuple[str, str], Judged]] = field(default_factory=dict)

    def clear(self) -> None:
        """Forgets everything; the store knows it."""
        for part in (self.by_digest, self.by_number, self.holders, self.homes, self.given):
            part.clear()
        self.absent.clear()
        self.young = None
        self.things.clear()
        self.open_findings.clear()
        self.judged.clear()

    def hold(self, xref: Xref) -> None:
        """Takes a key into the world."""
        self.by_digest[xref.digest] = xref
        self.by_number[xref.x] = xref
        self.homes[xref.x] = xref.entity_id
        self.absent.discard(xref.digest)
