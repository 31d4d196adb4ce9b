"""Leaves a target alone that does not answer, and tries carefully whether it does again."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

State = Literal["closed", "open", "probing"]

IN_A_ROW = 5
WINDOW = 20  # outcomes looked at together; more than half of them failures opens, too
FIRST, LONGEST = 30.0, 600.0  # seconds it stays open: doubles with every probe that fails


@dataclass(slots=True)
class Breaker:
    """One target's breaker, shared by everybody who sends there; safe between threads.

    `clock` gives seconds that only go forward. Who is let through says what came of it with
    `heard`, or gives the turn back with `unused`.
    """

    clock: Callable[[], float]
    state: State = "closed"
    _until: float = 0.0  # open until then
    _span: float = FIRST
    _resting: float = 0.0  # the target asked to be left alone until then
    _failures: int = 0
    _window: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def allows(self, wanted: int) -> int:
        """How many may be sent now: `wanted`, one to find out whether the target is back, or
        none. Whoever is given that one must be done with it before another is."""
        with self._guard:
            now = self.clock()
            if now < self._resting or self.state == "probing":
                return 0
            if self.state == "closed":
                return wanted
            if now < self._until:
                return 0
            self.state = "probing"
            return min(wanted, 1)

    def unused(self) -> None:
        """What was allowed was not needed."""
        with self._guard:
            if self.state == "probing":
                self.state = "open"

    def heard(self, *, ok: bool) -> None:
        """The target answered, be it with a refusal (`ok`), or it did not."""
        with self._guard:
            self._window.append(ok)
            self._failures = 0 if ok else self._failures + 1
            if ok and self.state == "probing":
                self.state, self._span = "closed", FIRST
                self._window.clear()
            elif self.state == "probing":
                self._open(min(self._span * 2, LONGEST))
            elif self.state == "closed" and self._is_too_much():
                self._open(FIRST)

    def rest(self, seconds: float) -> None:
        """The target asked to be left alone for so long; that is no failure."""
        with self._guard:
            self._resting = max(self._resting, self.clock() + seconds)

    def _is_too_much(self) -> bool:
        bad = self._window.count(False)
        return self._failures >= IN_A_ROW or (len(self._window) == WINDOW and bad * 2 > WINDOW)

    def _open(self, span: float) -> None:
        self.state, self._span, self._failures = "open", span, 0
        self._until = self.clock() + span
        self._window.clear()
