"""Who did or saw what and why, in hash chains that show every later change.

hash = SHA-256(previous hash | canonical JSON of the entry). One chain per writer: a single chain
would line up every worker (21 CFR 11.10(e): secure, computer-generated, time-stamped).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from hub import tables
from hub.clock import iso
from hub.database import Row, Session
from hub.write import columns_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the trail. `detail` is JSON without personal data."""

    at: int
    actor: str
    action: str
    object: str
    reason: str = ""
    detail: str = "{}"


def append(session: Session, chain: str, entries: Sequence[Entry]) -> None:
    """Adds entries to a chain, inside the caller's transaction."""
    row = session.one("select n, hash from audit where chain = ? order by n desc limit 1", (chain,))
    n, previous = (row[0], row[1]) if row else (0, b"")
    rows: list[Row] = []
    for entry in entries:
        n += 1
        previous = link(previous, chain, n, entry)
        rows.append(
            (chain, n, entry.at, entry.actor, entry.action, entry.object, entry.reason,
             entry.detail, previous)
        )  # fmt: skip
    session.insert(tables.audit, columns_of(tables.audit), rows)


def link(previous: bytes, chain: str, n: int, entry: Entry) -> bytes:
    """The hash of an entry behind `previous`."""
    body = orjson.dumps(
        [
            chain, n, iso(entry.at), entry.actor, entry.action, entry.object, entry.reason,
            entry.detail,
        ]
    )  # fmt: skip
    return hashlib.sha256(bytes(previous) + body).digest()


def version_text(row: Row) -> bytes:
    """A row of `version` as it enters its batch's digest: every column, in the table's order."""
    *plain, sealed, provenance = row
    return orjson.dumps([*plain, provenance]) + bytes(sealed or b"")


def broken(session: Session) -> Iterator[str]:
    """Every entry that does not follow from the one before it, named chain/number."""
    previous, last = b"", ""
    expected = 1
    for row in session.all(
        "select chain, n, at, actor, action, object, reason, detail, hash "
        "from audit order by chain, n"
    ):
        chain, n, at, actor, action, object_, reason, detail, kept = row
        if chain != last:
            previous, last, expected = b"", chain, 1
        entry = Entry(
            at=at, actor=actor, action=action, object=object_, reason=reason, detail=detail
        )
        if n != expected or link(previous, chain, n, entry) != bytes(kept):
            yield f"{chain}/{n}"
        previous, expected = bytes(kept), n + 1
