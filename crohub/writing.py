"""How a write through the API becomes a message: the systems that keys speak for, the journal, and
the wait for its settling."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from connectors.api import Api
from connectors.record import Record
from crohub.ops.give import PATIENCE, by
from hub import clock, spoken
from hub.api.deps import Came, Writing
from hub.api.errors import Problem
from hub.database import Session
from hub.principal import Principal
from pipelines import orders
from pipelines.edge import Edge
from pipelines.journal import Entry, Kept
from pipelines.requests import Requests
from pipelines.settler import LATE

_KEY = "key:"  # of a principal that an API key speaks for


@dataclass(frozen=True, slots=True)
class Voices:
    """The systems that write through the API of one node."""

    edge: Edge

    def system_of(self, principal: Principal) -> str:
        """The system whose connection names the caller's key; "" where none does. Raises Problem
        where two do: nobody could tell who had spoken."""
        named = self._connections(principal)
        if len(named) > 1:
            listed = " and ".join(named)
            raise Problem(403, "CROHUB-NO-SYSTEM", f"the connections {listed} name the same key")
        return self.edge.deployment.connections[named[0]].system if named else ""

    def say(self, principal: Principal, body: bytes, key: str, about: str) -> Came:
        """Keeps the message and what the audit must know in one commit, then waits."""
        [connection] = self._connections(principal)
        if connection in self.edge.paused:
            raise Problem(503, detail=f"the connection {connection} is paused", Retry_After="60")
        record = Record(
            stream=spoken.STREAM, message_key=key, at=clock.from_micros(clock.now()), body=body,
            media=spoken.MEDIA,
        )  # fmt: skip
        entry = self.edge.intake.entry(connection, 0, record)
        told = self._told(principal, about, {"connection": connection, "key": key})
        kept = self.edge.writer.keep([entry, told])[0]
        with closing(self.edge.places.hub(read_only=self.edge.places.embedded)) as session:
            return _came(session, kept, entry.part)

    def _told(self, principal: Principal, about: str, detail: dict[str, Any]) -> Entry:
        order = {**by(principal), "do": "wrote", "object": about, "reason": principal.purpose}
        dialect = "sqlite" if self.edge.places.embedded else "postgresql"
        return orders.entry(self.edge.keyring, dialect, order | {"detail": detail})

    def _connections(self, principal: Principal) -> list[str]:
        name = principal.name.removeprefix(_KEY)
        if name == principal.name:
            return []
        return [
            one
            for one in self.edge.deployment.connections
            if isinstance(connector := self.edge.connector(one), Api) and name in connector.keys
        ]


def writing(edge: Edge) -> Writing:
    """What the API needs for writes."""
    voices = Voices(edge)
    requests = Requests(writer=edge.writer, keyring=edge.keyring, clock=clock.now)
    return Writing(system_of=voices.system_of, say=voices.say, once=requests)


def _came(session: Session, kept: Kept, part: int) -> Came:
    if not orders.wait(session, kept.seq, part, seconds=PATIENCE):
        return Came(kept.seq, "waiting")
    row = session.one("select state, reason from outcome where seq = ?", (kept.seq,))
    if row is None:
        return Came(kept.seq, "done")
    state = {"ready": "waiting", "behind": "waiting"}.get(row[0], str(row[0]))
    return Came(kept.seq, "late" if row[1] == LATE else state, str(row[1] or ""))
