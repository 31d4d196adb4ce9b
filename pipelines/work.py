"""A message on its way from the journal to settling."""

from __future__ import annotations

from dataclasses import dataclass

from hub.said import Understood


@dataclass(slots=True, kw_only=True)  # not frozen: one is made for every message, twice as fast
class Work:
    """One stored message to be understood and settled. `again`: it was settled before;
    `retried`: it comes from `outcome`, not from the head of its partition."""

    seq: int
    part: int
    connection: str
    stream: str
    key: str
    lane: bytes
    at: int
    media: str
    flags: int
    pipeline: str
    revision: int
    remark: str | None
    body: bytes
    again: bool = False
    retried: bool = False
    tries: int = 0


@dataclass(slots=True, kw_only=True)
class Mapped:
    """What a message means, or why it cannot be understood. `read` is false when no mapping of
    its pipeline speaks of it."""

    meaning: Understood | None = None
    read: bool = True
    fault: str = ""
    place: str = ""
