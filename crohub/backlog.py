"""How much is stored and not settled yet."""

from __future__ import annotations

from crohub.lookup import reading
from hub.database import Session
from pipelines.places import Places
from pipelines.queue import PARTS


def waiting(places: Places) -> int:
    """Messages and orders that are stored and not settled yet."""
    session = reading(places)
    try:
        return sum(backlog(session).values())
    finally:
        session.close()


def backlog(session: Session) -> dict[int, int]:
    """The same by partition, on an open session over both stores."""
    upto: dict[int, int] = dict(session.all("select part, upto from progress"))
    count = "select count(*) from message where part = ? and seq > ?"
    found = {}
    for part in range(PARTS[session.dialect]):
        row = session.one(count, (part, upto.get(part, 0)))
        found[part] = row[0] if row else 0
    return found
