"""Who is told of the change feed at an address of their own: what is stored of them, and its keys.

A subscriber may see what whoever made the subscription might when they did, for as long as their
key opens anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from connectors import standard_webhooks
from hub import keys
from hub.changes import Wanted
from hub.clock import uuid7
from hub.database import Row, Session
from hub.grants import covers
from hub.principal import Principal
from hub.seal import Keyring
from hub.write import columns_of
from pipelines import tables

STATES = ("on", "paused", "gone", "ended")
MOST = 32  # that are not ended: each has a thread and two sessions
PREFIX = "subscription:"  # of their names among whatever delivers
_KEY = 32  # bytes
_BOTH = 86_400_000_000  # microseconds that a former key signs as well
_OWNER = "key:"  # a principal that is an API key
_COLUMNS = ("id", "name", "url", "wanted", "owner", "grants", "secret", "since", "state", "reason",
            "made_at", "changed_at")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One of them. `state`: `gone` is what a target says of itself (410)."""

    id: str
    name: str
    url: str
    wanted: Wanted
    principal: Principal
    secret: bytes  # sealed
    since: str
    state: str
    reason: str
    made_at: int
    changed_at: int

    @property
    def pipeline(self) -> str:
        """Its name among whatever delivers."""
        return PREFIX + self.id

    def keys(self, keyring: Keyring, now: int) -> tuple[bytes, ...]:
        """What signs its events; for a day after it was changed, the former key as well."""
        kept = orjson.loads(keyring.open(self.secret, _place(self.id)))
        found = tuple(map(standard_webhooks.key_of, kept["keys"]))
        return found if now < kept["until"] else found[:1]


@dataclass(frozen=True, slots=True)
class Made:
    """A new one: `secret` is shown once, `row` is what is stored."""

    secret: str
    row: dict[str, Any]


def make(
    keyring: Keyring, principal: Principal, *, name: str, url: str, wanted: Wanted, since: str,
    now: int,
) -> Made:  # fmt: skip
    """A subscription with a key of its own."""
    one, key = uuid7(now), os.urandom(_KEY)
    grants = {
        "scopes": sorted(principal.scopes),
        "studies": _sorted(principal.studies),
        "sites": _sorted(principal.sites),
    }
    kinds = {"entities": sorted(wanted.entities), "studies": sorted(wanted.studies)}
    row = {
        "id": one, "name": name, "url": url, "wanted": orjson.dumps(kinds).decode(),
        "owner": principal.name, "grants": orjson.dumps(grants).decode(),
        "secret": _sealed(keyring, one, (key,), now), "since": since, "state": "on",
        "reason": "", "made_at": now, "changed_at": now,
    }  # fmt: skip
    return Made(standard_webhooks.written(key), row)


def renew(keyring: Keyring, one: Subscription, now: int) -> Made:
    """Another key for one; the present one signs as well for a day."""
    keys = (os.urandom(_KEY), one.keys(keyring, now)[0])
    return Made(
        standard_webhooks.written(keys[0]),
        {"id": one.id, "secret": _sealed(keyring, one.id, keys, now + _BOTH)},
    )


def rekey(session: Session, row: dict[str, Any], now: int) -> None:
    """Stores another key that was made."""
    session.run(
        "update subscription set secret = ?, changed_at = ? where id = ?",
        (bytes.fromhex(row["secret"]), now, row["id"]),
    )


def put(session: Session, row: dict[str, Any]) -> None:
    """Stores one that was made."""
    kept = {**row, "secret": bytes.fromhex(row["secret"])}
    columns = columns_of(tables.subscription)
    session.upsert(tables.subscription, columns, [tuple(kept[c] for c in columns)], ("id",))


def change(session: Session, one: str, state: str, reason: str, now: int) -> None:
    """From now on it is in another state. What has ended stays so."""
    session.run(
        "update subscription set state = ?, reason = ?, changed_at = ? "
        "where id = ? and state <> 'ended'",
        (state, reason, now, one),
    )


def every(session: Session) -> list[Subscription]:
    """All that have not ended, the oldest first."""
    return [_read(row) for row in session.all(f"{_SELECT} where state <> 'ended' order by id")]


def find(session: Session, one: str) -> Subscription | None:
    """One by its id, or by its name where that is of one only."""
    rows = session.all(f"{_SELECT} where (id = ? or name = ?) and state <> 'ended'", (one, one))
    return _read(rows[0]) if len(rows) == 1 else None


def fault(session: Session, subscription: Subscription, now: int) -> str:
    """Why its owner may see nothing any more; "" while they may."""
    owner = subscription.principal.name
    if not owner.startswith(_OWNER):
        return ""
    found = keys.holders(session, owner.removeprefix(_OWNER), now)
    known = any(covers(one, subscription.principal) for one in found)
    return "" if known else f"{owner} opens nothing any more"


_SELECT = f"select {', '.join(_COLUMNS)} from subscription"


def _read(row: Row) -> Subscription:
    wanted, grants = orjson.loads(row[3]), orjson.loads(row[5])
    principal = Principal(
        name=row[4],
        scopes=frozenset(grants["scopes"]),
        studies=_set(grants["studies"]),
        sites=_set(grants["sites"]),
    )
    return Subscription(
        id=row[0], name=row[1], url=row[2],
        wanted=Wanted(frozenset(wanted["entities"]), frozenset(wanted["studies"])),
        principal=principal, secret=bytes(row[6]), since=row[7], state=row[8], reason=row[9],
        made_at=row[10], changed_at=row[11],
    )  # fmt: skip


def _set(found: Sequence[str] | None) -> frozenset[str] | None:
    return None if found is None else frozenset(found)


def _sorted(found: frozenset[str] | None) -> list[str] | None:
    return None if found is None else sorted(found)


def _sealed(keyring: Keyring, one: str, keys: Sequence[bytes], until: int) -> str:
    kept = {"keys": [standard_webhooks.written(key) for key in keys], "until": until}
    return keyring.seal(orjson.dumps(kept), _place(one)).hex()


def _place(one: str) -> bytes:
    return f"subscription|{one}|secret".encode()
