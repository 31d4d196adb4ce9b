"""Reads objects and texts off JSON that may be shaped otherwise than its standard says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def best(items: Sequence[dict[str, Any]], rank: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The first of those that rank lowest. Most resources have one, and nothing to rank."""
    return items[0] if len(items) == 1 else min(items, key=rank)


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects in a list, or the one object that stands for a list of one."""
    if value is None:
        return []
    items: Sequence[object] = value if isinstance(value, list) else (value,)
    return [item for item in items if isinstance(item, dict)]


def texts(value: object) -> list[str]:
    """The texts in a list, or the one text that stands for a list of one."""
    if value is None:
        return []
    items: Sequence[object] = value if isinstance(value, list) else (value,)
    return [item for item in items if isinstance(item, str) and item]
