"""The entries of the audit, in hash chains that show every later change.

hash = SHA-256(previous hash | canonical JSON of the entry). One chain per writer: a single chain
would line up every worker (21 CFR 11.10(e): secure, computer-generated, time-stamped).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from hub import tables
from hub.clock import iso
from hub.database import Row, Session
from hub.write import columns_of

LONGEST = 200  # characters of an origin
_PAGE = 2000  # entries that are read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the trail. `detail` is JSON without personal data; `origin` the address or the
    terminal it came from, "" for what the hub does by itself."""

    at: int
    actor: str
    action: str
    object: str
    reason: str = ""
    detail: str = "{}"
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry where it stands."""

    chain: str
    n: int
    entry: Entry
    hash: bytes

    @property
    def name(self) -> str:
        """How a person finds it again: settler/17."""
        return f"{self.chain}/{self.n}"


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
             entry.detail, previous, entry.origin)
        )  # fmt: skip
    session.insert(tables.audit, columns_of(tables.audit), rows)


def link(previous: bytes, chain: str, n: int, entry: Entry) -> bytes:
    """The hash of an entry behind `previous`."""
    said = [
        chain, n, iso(entry.at), entry.actor, entry.action, entry.object, entry.reason,
        entry.detail,
    ]  # fmt: skip
    if entry.origin:  # entries of the first releases had none, and keep their hashes
        said.append(entry.origin)
    return hashlib.sha256(bytes(previous) + orjson.dumps(said)).digest()


def version_text(row: Row) -> bytes:
    """A row of `version` as it enters its batch's digest: every column, in the table's order."""
    *plain, sealed, provenance = row
    return orjson.dumps([*plain, provenance]) + bytes(sealed or b"")


def entries(session: Session) -> Iterator[Kept]:
    """Every entry, chain by chain and in order; never more than a page in memory."""
    chain, n = "", 0
    while rows := session.all(
        "select chain, n, at, actor, action, object, reason, detail, origin, hash from audit "
        f"where (chain, n) > (?, ?) order by chain, n limit {_PAGE}",
        (chain, n),
    ):
        yield from map(_kept, rows)
        chain, n = rows[-1][:2]


def _kept(row: Row) -> Kept:
    chain, n, at, actor, action, object_, reason, detail, origin, hash_ = row
    entry = Entry(
        at=at, actor=actor, action=action, object=object_, reason=reason, detail=detail,
        origin=origin,
    )  # fmt: skip
    return Kept(chain, n, entry, bytes(hash_))


def follow(kept: Iterable[Kept]) -> Iterator[tuple[Kept, str]]:
    """Each entry with what is wrong with its place in its chain, "" when it follows."""
    chain, n, previous = "", 0, b""
    for one in kept:
        if one.chain != chain:
            chain, n, previous = one.chain, 0, b""
        yield one, _wrong(one, n, previous)
        n, previous = one.n, one.hash


def _wrong(one: Kept, n: int, previous: bytes) -> str:
    if one.n != n + 1:
        return f"expected {one.chain}/{n + 1} in this place"
    if link(previous, one.chain, one.n, one.entry) != one.hash:
        return "it, or the entry before it, is not as it was written"
    return ""


def broken(session: Session) -> Iterator[str]:
    """Every entry that does not follow from the one before it, named chain/number."""
    return (one.name for one, wrong in follow(entries(session)) if wrong)
