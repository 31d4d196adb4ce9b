"""No more requests a second than a system allows, over all sessions of one connection."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from connectors.world import World


class Pace:
    """Makes who asks too soon wait; shared by all who speak through a connection."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next: datetime | None = None

    def keep(self, per_second: float, world: World) -> None:
        """Returns when it is this caller's turn."""
        with self._lock:
            now = world.now()
            turn = max(now, self._next or now)
            self._next = turn + timedelta(seconds=1 / per_second)
        if turn > now:
            world.sleep((turn - now).total_seconds())
