"""How many messages each connection has brought; counted once, then only what is new."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from hub.database import Session
from pipelines.queue import PARTS
from pipelines.settler import OWN


@dataclass(slots=True)
class Tally:
    """Counts that follow the journal. Shared by threads.

    On PostgreSQL numbers become visible in order only within a partition, so each is followed on
    its own.
    """

    _upto: dict[int, int] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def received(self, session: Session) -> dict[str, int]:
        """Messages by connection, without our own orders."""
        with self._guard:
            for part in range(PARTS[session.dialect]):
                self._follow(session, part)
            return dict(self._counts)

    def _follow(self, session: Session, part: int) -> None:
        since = self._upto.get(part, -1)
        row = session.one("select max(seq) from message where part = ?", (part,))
        upto = row[0] if row and row[0] is not None else since
        if upto <= since:
            return
        for connection, count in session.all(
            "select connection, count(*) from message where part = ? and seq > ? and seq <= ? "
            "and connection <> ? group by connection",
            (part, since, upto, OWN),
        ):
            self._counts[connection] += count
        self._upto[part] = upto


def by_state(session: Session) -> dict[str, int]:
    """Messages that are not simply done, by state."""
    rows = session.all("select state, count(*) from outcome group by state")
    return {str(state): int(count) for state, count in rows}


def unwell(session: Session) -> dict[str, int]:
    """Messages a person must look at, by connection."""
    rows = session.all(
        "select m.connection, count(*) from outcome o join message m on m.seq = o.seq "
        "where o.state in ('parked', 'blocking') group by m.connection"
    )
    return {str(connection): int(count) for connection, count in rows}
