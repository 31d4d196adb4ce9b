"""Who was turned away enters the audit: keys and sign-ins that failed, scopes that were missing.

The first attempt of somebody at an address is entered at once; what follows within a minute is
counted and entered as one. So guessing is seen, and cannot fill the audit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Attempt = tuple[str, str, str]  # who, or ""; from where; at what: key, sign-in, scope
WINDOW = 60  # seconds
_MOST = 1000  # places that are told apart within a minute
_OTHERS = "many addresses"


class TurnedAway:
    """Counts attempts; `enter` gives orders to the audit."""

    def __init__(self, enter: Callable[[dict[str, Any]], None]) -> None:
        self._enter = enter
        self._guard = threading.Lock()
        self._counts: dict[Attempt, int] = {}

    def note(self, who: str, origin: str, what: str) -> None:
        """One attempt."""
        with self._guard:
            known = len(self._counts) < _MOST or (who, origin, what) in self._counts
            attempt = (who, origin, what) if known else ("", _OTHERS, what)
            first = attempt not in self._counts
            self._counts[attempt] = self._counts.get(attempt, -1) + 1
        if first:
            self._enter(_order(attempt, 1))

    def tick(self) -> None:
        """The end of a minute: what came behind the first attempts is entered."""
        with self._guard:
            counts, self._counts = self._counts, {}
        for attempt, more in counts.items():
            if more:
                self._enter(_order(attempt, more))


def _order(attempt: Attempt, times: int) -> dict[str, Any]:
    who, origin, what = attempt
    return {
        "do": "refused", "by": who or "unknown", "object": what, "from": origin,
        "reason": "not let in", "detail": {"times": times},
    }  # fmt: skip
