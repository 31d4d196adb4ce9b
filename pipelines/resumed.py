"""Which connections a person has resumed: read from the audit, where every order ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hub.database import Session


@dataclass(slots=True)
class Resumed:
    """Remembers how far it has read each chain of the audit."""

    open_hub: Callable[[], Session]
    _read: dict[str, int] = field(default_factory=dict)

    def news(self) -> set[str]:
        """Connections resumed since the last look; the first look has no news."""
        session = self.open_hub()
        try:
            known = bool(self._read)
            found = {name for chain in _chains(session) for name in self._of(session, chain)}
            return found if known else set()
        finally:
            session.close()

    def _of(self, session: Session, chain: str) -> list[str]:
        last = session.one("select max(n) from audit where chain = ?", (chain,))
        since, until = self._read.get(chain, 0), int(last[0] if last else 0)
        self._read[chain] = until
        rows = session.all(
            "select object from audit where chain = ? and n > ? and n <= ? and action = 'resume'",
            (chain, since, until),
        )
        return [str(row[0]) for row in rows]


def _chains(session: Session) -> Iterator[str]:
    """One step of the key's index for each: the audit is long, its chains are few."""
    chain = ""
    while row := session.one("select min(chain) from audit where chain > ?", (chain,)):
        if row[0] is None:
            return
        chain = str(row[0])
        yield chain
