"""Gives an order that may be refused, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crohub.commands.ending import FAILED, stop


def give(order: dict[str, Any], config: Path, data_folder: Path | None) -> dict[str, Any]:
    """What came of the order. Ends the command where it was refused, or has not been obeyed yet."""
    from crohub.node import reach

    with reach(config, data_folder, exists=True) as node:
        done = node.order(order)
        told = node.told(order) if done else {}
    if not done:
        raise stop(FAILED, "ordered; the hub comes to it")
    if "refused" in told:
        raise stop(FAILED, f"{told['refused']}; nothing was done")
    return told
