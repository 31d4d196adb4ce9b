"""API keys: who calls, with which scopes, until when. Only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from hub import tables
from hub.clock import uuid7
from hub.database import Session
from hub.principal import Principal
from hub.write import columns_of

DAY = 86_400_000_000
LONGEST = 365  # days


@dataclass(frozen=True, slots=True)
class Made:
    """A new key: `text` is shown once, `row` is what is stored."""

    text: str
    row: dict[str, Any]


def make(name: str, scopes: tuple[str, ...], *, now: int, days: int = LONGEST) -> Made:
    """A key of 256 random bits: crohub_<id>_<secret>. Raises ValueError beyond 365 days."""
    if not 0 < days <= LONGEST:
        raise ValueError(f"a key lives for {days} days; expected 1 to {LONGEST}")
    one = uuid7(now)
    text = f"crohub_{one.replace('-', '')[-12:]}_{secrets.token_urlsafe(32)}"
    row = {
        "id": one, "name": name, "hash": hash_of(text).hex(), "scopes": " ".join(scopes),
        "made_at": now, "expires_at": now + days * DAY, "revoked_at": None,
    }  # fmt: skip
    return Made(text, row)


def put(session: Session, row: dict[str, Any]) -> None:
    """Stores a key that was made."""
    kept = {**row, "hash": bytes.fromhex(row["hash"])}
    columns = columns_of(tables.api_key)
    session.upsert(tables.api_key, columns, [tuple(kept[c] for c in columns)], ("id",))


def revoke(session: Session, one: str, at: int) -> None:
    """From now on the key opens nothing. By id or by name."""
    session.run(
        "update api_key set revoked_at = ? where (id = ? or name = ?) and revoked_at is null",
        (at, one, one),
    )


def principal(session: Session, text: str, now: int) -> Principal | None:
    """Who a key speaks for; None when it is unknown, expired or revoked."""
    row = session.one(
        "select id, name, scopes from api_key "
        "where hash = ? and revoked_at is null and expires_at > ?",
        (hash_of(text), now),
    )
    if row is None:
        return None
    return Principal(name=f"key:{row[1]}", scopes=frozenset(row[2].split()))


def hash_of(text: str) -> bytes:
    """What is kept of a key. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(text.encode()).digest()
