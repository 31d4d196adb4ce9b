"""What settling needs beside the batch: keys, policy, numbers, time; and what it will write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.database import Row, Session
from hub.lapsing import Lapsing
from hub.policy import Policy
from hub.seal import Keyring
from hub.things import Fields, Thing, World, Xref

# (system, entity, every id the record has had, fields) → the fields that only repeat what we told
Echoes = Callable[[str, str, Collection[str], Mapping[str, Any]], frozenset[str]]

_AHEAD = 1000  # numbers taken from a PostgreSQL sequence at a time


@dataclass(slots=True)
class Numbers:
    """Where new numbers of xref, assertion and version come from. On SQLite the only writer
    counts on from what is stored; on PostgreSQL sequences are shared, taken ahead in blocks."""

    session: Session
    waiting: dict[str, list[int]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)

    def next(self, table: str, column: str) -> int:
        if self.session.dialect == "sqlite":
            if table not in self.last:
                row = self.session.one(f"select coalesce(max({column}), 0) from {table}")
                self.last[table] = row[0] if row else 0
            self.last[table] += 1
            return self.last[table]
        if not self.waiting.get(table):
            rows = self.session.all(
                f"select nextval('{table}_{column}_seq') from generate_series(1, {_AHEAD})"
            )
            self.waiting[table] = [row[0] for row in reversed(rows)]
        return self.waiting[table].pop()


@dataclass(slots=True)
class Context:
    """The settling of one writer. `chain` names its audit chain; `clock` gives microseconds."""

    session: Session
    keyring: Keyring
    policy: Policy
    clock: Callable[[], int]
    chain: str
    world: World = field(default_factory=World)
    numbers: Numbers = field(init=False)
    keeps: bool = True  # the world outlives a batch: true only where this is the one writer
    world_bound: int = 20_000  # things; 2 kB each
    # entities whose records another policy made: what a record is, its row says
    stale: frozenset[str] = frozenset()
    fed: set[tuple[str, str]] = field(default_factory=set)  # entity, system: known to the store
    echoes: Echoes | None = None  # None: nothing is told to anybody
    lapsing: Lapsing = field(default_factory=Lapsing)

    def __post_init__(self) -> None:
        self.numbers = Numbers(self.session)


@dataclass(slots=True)
class Changes:
    """What a batch has decided and not yet written."""

    now: int
    assertions: list[Row] = field(default_factory=list)
    identifiers: list[Row] = field(default_factory=list)
    periods: list[Row] = field(default_factory=list)  # said anew of identifiers that are known
    versions: list[Row] = field(default_factory=list)
    links: dict[tuple[int, int], Row] = field(default_factory=dict)
    xrefs: dict[int, None] = field(default_factory=dict)  # numbers of keys to write, in order
    things: dict[tuple[str, str], Thing] = field(default_factory=dict)  # records to write
    new_xrefs: set[int] = field(default_factory=set)  # those of them that the store has not seen
    new_things: set[tuple[str, str]] = field(default_factory=set)
    touched: dict[tuple[str, str], Thing] = field(default_factory=dict)  # by this message
    born: list[bytes] = field(default_factory=list)  # digests that became known: keys, identifiers
    reworded: list[Row] = field(default_factory=list)  # findings whose evidence has changed
    findings: list[Row] = field(default_factory=list)
    closed: list[Row] = field(default_factory=list)
    relations: dict[tuple[str, int, int], Row] = field(default_factory=dict)
    # what waits for a decision: digest of the question, system, key, what will be asserted
    asked: list[tuple[bytes, str, Xref, Fields]] = field(default_factory=list)
    # about two keys that may be one thing: their entity, the evidence, whether it was taken back
    questions: dict[tuple[int, int], tuple[str, dict[str, str], bool]] = field(default_factory=dict)
