"""Finds deliveries: what was said to other systems, what would be in shadow, and what waits for
what. Newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.record import Delivery
from hub.clock import iso
from hub.database import Row, Session
from hub.seal import Keyring
from pipelines import render

Json = dict[str, Any]
MOST = 500
STATES = (
    "shadow", "waiting", "approval", "behind", "ready", "sending", "unknown", "delivered", "refused"
)  # fmt: skip
_COLUMNS = (
    "id, pipeline, entity, entity_id, n, state, detail, tries, made_at, tried_at, ended_at, "
    "confirmed, turn"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; all that is said must hold."""

    pipelines: tuple[str, ...]
    state: str = ""
    before: int = 0  # microseconds: made before then; 0: from the newest
    limit: int = 50


def find(session: Session, wanted: Wanted) -> list[Json]:
    """Deliveries of these pipelines, the newest first. `detail` says why one waits, or what the
    target answered; never what a delivery says."""
    where = "made_at < ?"
    given: list[Any] = [wanted.before or 1 << 62]
    if wanted.state:
        where, given = f"{where} and state = ?", [*given, wanted.state]
    limit = min(max(wanted.limit, 1), MOST)
    rows = session.among(
        f"select {_COLUMNS} from delivery where {where} and pipeline in {{members}} "
        f"order by made_at desc, turn desc limit {limit}",
        wanted.pipelines,
        given,
    )
    return [_plain(row) for row in rows]


def one(session: Session, delivery: str) -> Json | None:
    """One delivery, None when there is no such."""
    row = session.one(f"select {_COLUMNS} from delivery where id = ?", (delivery,))
    return _plain(row) if row else None


def body(session: Session, keyring: Keyring, delivery: str) -> Delivery | None:
    """What one says, or would have said; None where that is not known yet, or not kept since it
    was delivered."""
    row = session.one("select said from delivery where id = ?", (delivery,))
    return render.unpack(keyring, delivery, bytes(row[0])) if row and row[0] is not None else None


def _plain(row: Row) -> Json:
    return {
        "id": row[0], "pipeline": row[1], "entity": row[2], "record": row[3], "version": row[4],
        "state": row[5], "detail": row[6], "tries": row[7], "made_at": iso(row[8]),
        "tried_at": _moment(row[9]), "ended_at": _moment(row[10]),
        "confirmed": row[5] == "delivered" and bool(row[11]),
    }  # fmt: skip


def _moment(at: int | None) -> str | None:
    return iso(at) if at else None
