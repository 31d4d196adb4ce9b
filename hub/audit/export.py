"""The audit as a file that proves itself: NDJSON, read from the store as it is written out.

Its lines, in this order: `export` (who, when, why), `key` (public keys), `entry` (chain by chain),
`heads` (signed) and `end` (a signature over every byte before it). An entry of a settled batch
carries the digest of the batch's versions in its detail.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from hub.audit.chain import Kept, entries
from hub.audit.heads import Heads, stamped
from hub.audit.signing import Line, Signer
from hub.clock import iso
from hub.database import Session

FORMAT = 1


@dataclass(slots=True)
class _Out:
    """A stream that remembers what went through it."""

    stream: BinaryIO
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    lines: int = 0

    def put(self, line: bytes) -> None:
        self.stream.write(line + b"\n")
        self.digest.update(line + b"\n")
        self.lines += 1


def export(session: Session, signer: Signer, stream: BinaryIO, now: int, about: Line) -> int:
    """Writes the whole audit, as one moment of the store shows it; the number of entries.

    Open a transaction that shows one moment. `about` says who exports it and why."""
    out = _Out(stream)
    out.put(orjson.dumps({"kind": "export", "format": FORMAT, "at": iso(now), **about}))
    for line in signer.lines:
        out.put(line)
    found: Heads = {}
    count = 0
    for one in entries(session):
        out.put(orjson.dumps(as_line(one)))
        found[one.chain] = (one.n, one.hash.hex())
        count += 1
    out.put(stamped(signer, found, now))
    end = {"kind": "end", "lines": out.lines, "sha256": out.digest.hexdigest()}
    out.put(signer.stamp(end))
    return count


def as_line(one: Kept) -> Line:
    """An entry as an export shows it."""
    entry = one.entry
    return {
        "kind": "entry", "chain": one.chain, "n": one.n, "at": iso(entry.at),
        "actor": entry.actor, "action": entry.action, "object": entry.object,
        "reason": entry.reason, "detail": entry.detail, "origin": entry.origin,
        "hash": one.hash.hex(),
    }  # fmt: skip
