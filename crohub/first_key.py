"""The admin key of a first start: made once, kept hashed, written where only its owner reads."""

from __future__ import annotations

import os

from crohub.node import whence, whoever
from hub import audit, clock, keys
from hub.principal import ADMIN
from pipelines.places import Places


def first_key(places: Places) -> None:
    """Makes the admin key when the store has none and writes it to `admin.key` (mode 0600)."""
    session = places.hub()
    try:
        with session.transaction():
            if session.one("select 1 from api_key limit 1"):
                return
            now = clock.now()
            made = keys.make("admin", (ADMIN,), now=now)
            _write(places, made.text)
            keys.put(session, made.row)
            entry = audit.Entry(
                at=now,
                actor=whoever(),
                action="key",
                object="admin",
                reason="first start",
                origin=whence(),
            )
            audit.append(session, "start", [entry])
    finally:
        session.close()


def _write(places: Places, text: str) -> None:
    part = places.admin_key.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(places.admin_key)
