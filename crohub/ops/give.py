"""Orders from the API: through the journal, obeyed by the settler, waited for a short time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crohub import obeyed
from hub.principal import Principal
from pipelines import orders
from pipelines.edge import Edge

PATIENCE = 5.0  # seconds a caller is kept waiting for the settling


def give(edge: Edge, *sent: dict[str, Any], seconds: float = PATIENCE) -> bool:
    """Stores orders durably and waits until they are obeyed; False: not within `seconds`."""
    dialect = "sqlite" if edge.places.embedded else "postgresql"
    entries = [orders.entry(edge.keyring, dialect, one) for one in sent]
    kept = edge.writer.keep(entries)
    session = edge.places.hub(read_only=edge.places.embedded)
    try:
        return orders.wait(session, kept[-1].seq, entries[-1].part, seconds=seconds)
    finally:
        session.close()


def by(principal: Principal) -> dict[str, Any]:
    """Who gives an order, and from where."""
    return {"by": principal.name, "from": principal.origin}


def order(edge: Edge, principal: Principal, one: dict[str, Any]) -> dict[str, Any] | None:
    """Gives an order in somebody's name: what came of it, None where that is not known yet."""
    if not give(edge, {**by(principal), **one}):
        return None
    session = edge.places.hub(read_only=edge.places.embedded)
    try:
        return obeyed.told(session, one)
    finally:
        session.close()


def saw(edge: Edge, entity: str, ids: Sequence[str], principal: Principal) -> None:
    """A read of personal data, stored before the answer is given; the audit follows."""
    order = {
        **by(principal), "do": "saw", "object": entity, "reason": principal.purpose,
        "detail": {"ids": list(ids)},
    }  # fmt: skip
    enter(edge, order)


def noted(edge: Edge, principal: Principal, what: str, detail: dict[str, Any]) -> None:
    """Records that were exported, for the audit."""
    order = {**by(principal), "do": "exported", "object": what, "reason": principal.purpose}
    enter(edge, order | {"detail": detail})


def enter(edge: Edge, order: dict[str, Any]) -> None:
    """Stores what the audit must know of, durably; nobody waits for its settling."""
    dialect = "sqlite" if edge.places.embedded else "postgresql"
    edge.writer.keep([orders.entry(edge.keyring, dialect, order)])
