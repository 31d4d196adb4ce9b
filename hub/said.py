"""A message's meaning on its way into the store: what is settled and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hub.identity import Token
from hub.model.spec import EntitySpec
from hub.statement import Gone, Meaning, SameAs, Stated

Admission = Literal["all", "known_only"]


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for every message, twice as fast
class Said:
    """One message: who said it, when (microseconds), what it means.

    `admission`: whether people without a research link are kept. `again`: this message was
    settled before; what it asserted then is replaced.
    """

    seq: int
    system: str
    at: int
    meaning: Meaning
    admission: Admission = "all"
    again: bool = False


@dataclass(slots=True, eq=False)
class Prepared:
    """One statement with its lookups done once."""

    statement: Stated | Gone | SameAs
    spec: EntitySpec
    owner: EntitySpec
    digest: bytes
    tokens: tuple[Token, ...] = ()
    retired: bytes = b""  # SameAs: the other key
    refs: dict[str, tuple[EntitySpec, bytes, tuple[Token, ...]]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Settled:
    """What came of a batch.

    `held` are messages about people without a research link, by the digests of those people;
    `born` are digests that became known: messages held under them can be settled now.
    """

    done: list[int] = field(default_factory=list)
    held: list[tuple[bytes, int]] = field(default_factory=list)
    born: list[bytes] = field(default_factory=list)
    versions: int = 0
    unchanged: int = 0
