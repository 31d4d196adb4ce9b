"""What is new: a world says each day where everything stands, a system hears only what changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class News:
    """Remembers what was said last of each thing, so that what others wrote into it meanwhile
    stays until the world has something new to say of it."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, ...], Mapping[str, Any]] = {}

    def is_new(self, row: Mapping[str, Any], *thing: str) -> bool:
        """Whether `row` differs from what was said of the thing before; it is remembered."""
        before = self._said.get(thing)
        self._said[thing] = row
        return before != row
