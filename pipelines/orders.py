"""Sends orders the way messages come: through the journal, so that they are durable, in turn and
audited. `pipelines.commands` obeys them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import orjson

from hub.clock import now, uuid7
from hub.database import Session
from hub.seal import Keyring
from pipelines import bodies
from pipelines.commands import STREAM
from pipelines.intake import lane_digest
from pipelines.journal import Entry
from pipelines.queue import PARTS
from pipelines.settler import OWN

MEDIA = "application/vnd.crohub.order+json"


def entry(keyring: Keyring, dialect: str, order: dict[str, Any]) -> Entry:
    """An order as a journal entry. `order` has `do`, `by`, and what that order takes."""
    at = now()
    body = orjson.dumps(order)
    key = uuid7(at)
    lane = lane_digest(keyring, OWN)
    return Entry(
        connection=OWN,
        stream=STREAM,
        key=key,
        hash=hashlib.sha256(body).digest(),
        lane=lane,
        part=lane[0] % PARTS["postgresql" if dialect == "postgresql" else "sqlite"],
        arrival=0,
        at=at,
        received_at=at,
        media=MEDIA,
        flags=0,
        pipeline="",
        revision=0,
        remark=None,
        body=bodies.pack(keyring, body, bodies.place_of(OWN, key)),
    )


def is_obeyed(hub: Session, seq: int, part: int) -> bool:
    """Whether settling has passed a message."""
    row = hub.one("select upto from progress where part = ?", (part,))
    return row is not None and row[0] >= seq


def wait(
    hub: Session,
    seq: int,
    part: int,
    *,
    seconds: float = 5.0,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Waits until settling has passed a message; False when it has not within `seconds`."""
    until = time.monotonic() + seconds
    while not is_obeyed(hub, seq, part):
        if time.monotonic() > until:
            return False
        sleep(0.02)
    return True
