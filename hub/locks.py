"""Keeps two workers from settling one thing at the same time on PostgreSQL.

Keys and identifiers are locked before anything is read, then the things they lead to; each time
sorted, for the length of the transaction. Two workers can still meet on a third key of one
thing: PostgreSQL ends one of them with a deadlock error and the caller repeats its batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from hub.context import Context

_LOCK = (
    "select pg_advisory_xact_lock(n) from "
    "(select distinct n from unnest(?::bigint[]) n order by n) numbers"
)


def lock(context: Context, keys: Iterable[bytes], identifiers: Mapping[bytes, bytes]) -> None:
    """Waits until this batch's things are ours. On SQLite the one writer owns them already."""
    session = context.session
    if session.dialect == "sqlite":
        return
    keys = list(keys)
    session.all(_LOCK, ([_number(d) for d in (*keys, *identifiers)],))
    things = session.among("select entity_id from xref where digest in {members}", keys)
    things += session.among_pairs(
        "select x.entity_id from {pairs} p join identifier i on i.find = p.a and i.digest = p.b "
        "join xref x on x.x = i.x",
        [(find, digest) for digest, find in identifiers.items()],
    )
    if things:
        session.all(_LOCK, ([_number(_of(row[0])) for row in things],))


def _of(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big", signed=True)
