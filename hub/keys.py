"""API keys: who calls, with which scopes, until when, of which studies. Only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from hub import tables
from hub.clock import uuid7
from hub.database import Row, Session
from hub.principal import OPERATE, PHI, READ, UNBLINDED, Principal
from hub.write import columns_of

DAY = 86_400_000_000
LONGEST = 365  # days
# What a confined key may do: read what it is confined to and, with the last, be told of it. A write
# is a system's word of any record, and who administers does all.
CONFINED = (READ, PHI, UNBLINDED, OPERATE)
_SHOWN = "name, scopes, studies, sites"
_OPENS = "revoked_at is null and expires_at > ?"


@dataclass(frozen=True, slots=True)
class Made:
    """A new key: `text` is shown once, `row` is what is stored."""

    text: str
    row: dict[str, Any]


def make(
    name: str,
    scopes: tuple[str, ...],
    *,
    now: int,
    days: int = LONGEST,
    studies: Iterable[str] | None = None,
    sites: Iterable[str] | None = None,
) -> Made:
    """A key of 256 random bits: crohub_<id>_<secret>. `studies` and `sites`: the ids that it is
    confined to, None: to none; one that is confined to an empty list opens nothing. Raises
    ValueError beyond 365 days, and for a confined key that is to do more than CONFINED."""
    if not 0 < days <= LONGEST:
        raise ValueError(f"a key lives for {days} days; expected 1 to {LONGEST}")
    if studies is not None or sites is not None:
        _refuse_wider(scopes)
    one = uuid7(now)
    text = f"crohub_{one.replace('-', '')[-12:]}_{secrets.token_urlsafe(32)}"
    row = {
        "id": one, "name": name, "hash": hash_of(text).hex(), "scopes": " ".join(scopes),
        "made_at": now, "expires_at": now + days * DAY, "revoked_at": None,
        "studies": _written(studies), "sites": _written(sites),
    }  # fmt: skip
    return Made(text, row)


def put(session: Session, row: dict[str, Any]) -> None:
    """Stores a key that was made; an order of an earlier release does not confine it."""
    kept = {"studies": None, "sites": None, **row, "hash": bytes.fromhex(row["hash"])}
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
        f"select {_SHOWN} from api_key where hash = ? and {_OPENS}", (hash_of(text), now)
    )
    return None if row is None else _principal(row)


def holders(session: Session, name: str, now: int) -> list[Principal]:
    """Whom the keys of this name speak for that are neither expired nor revoked."""
    rows = session.all(f"select {_SHOWN} from api_key where name = ? and {_OPENS}", (name, now))
    return [_principal(row) for row in rows]


def read(text: str | None) -> frozenset[str] | None:
    """The ids that a key is confined to, as they are stored; None: it is not."""
    return None if text is None else frozenset(orjson.loads(text))


def hash_of(text: str) -> bytes:
    """What is kept of a key. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(text.encode()).digest()


def _principal(row: Row) -> Principal:
    """With an empty list there is no scope either: what belongs to no study is not shown, too."""
    studies, sites = read(row[2]), read(row[3])
    scopes = frozenset() if frozenset() in (studies, sites) else frozenset(row[1].split())
    return Principal(name=f"key:{row[0]}", scopes=scopes, studies=studies, sites=sites)


def _refuse_wider(scopes: tuple[str, ...]) -> None:
    if wider := [scope for scope in scopes if scope not in CONFINED]:
        raise ValueError(
            f"a key that is confined to studies or sites cannot have {', '.join(wider)}: it would "
            f"reach beyond them; expected some of {', '.join(CONFINED)}"
        )


def _written(ids: Iterable[str] | None) -> str | None:
    return None if ids is None else orjson.dumps(sorted(ids)).decode()
