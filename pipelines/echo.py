"""Knows our own words when a system we told them to says them back.

What goes out leaves a fingerprint for each field: as we hold it, and as we would read it if the
target repeated it (`pipelines.readback`). A field of that system whose value has a
fingerprint is no independent evidence and counts last in the fold. It is recognised for good: a
target that was told a value and later comes to it by itself is taken for an echo, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from hub.canonical_view import Read
from hub.database import Session
from hub.seal import Keyring
from pipelines.settings import Deployment


@dataclass(frozen=True, slots=True)
class Echoes:
    """Looks fingerprints up for settling; `systems` are those we tell anything at all."""

    journal: Session
    keyring: Keyring
    systems: frozenset[str]

    def __call__(
        self, system: str, entity: str, ids: Collection[str], fields: Mapping[str, Any]
    ) -> frozenset[str]:
        """Which of these fields, as `system` states them of a record, only repeat what we told
        it. `ids` are all the record has ever had."""
        if system not in self.systems:
            return frozenset()
        names = {
            fingerprint(self.keyring, system, Read(entity, one, name, value)): name
            for one in ids
            for name, value in fields.items()
        }
        rows = self.journal.among(
            "select digest from fingerprint where digest in {members}", sorted(names)
        )
        return frozenset(names[bytes(row[0])] for row in rows)


def told_systems(deployment: Deployment) -> frozenset[str]:
    """The systems that any outbound pipeline speaks to."""
    return frozenset(deployment.connections[one.to].system for one in deployment.outbound.values())


def fingerprint(keyring: Keyring, system: str, read: Read) -> bytes:
    """The blind index of one field as it was told to a system; a list has no order."""
    value = sorted(read.value, key=str) if isinstance(read.value, list) else read.value
    text = orjson.dumps([system, read.entity, read.id, read.field, value]).decode()
    return keyring.digest(f"echo|{text}")


def fingerprints(
    keyring: Keyring, system: str, reads: Iterable[Read], back: Iterable[Read]
) -> tuple[bytes, ...]:
    """Of everything that was read to make a delivery, and of how it would be read back."""
    made = (fingerprint(keyring, system, read) for read in (*reads, *back))
    return tuple(dict.fromkeys(made))
