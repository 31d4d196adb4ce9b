"""The hub doing nothing: memory before any mapping process runs, and how soon it is ready."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks import hub_run, tree
from benchmarks.figure import Figure, median

STARTS = 3
CALM = 3.0  # seconds of doing nothing before memory is read


def measure(folder: Path) -> list[Figure]:
    """A first start, which makes databases and keys, and three later ones."""
    with hub_run.serving(folder) as hub:
        first = hub.ready_after
    later = []
    for _ in range(STARTS):
        with hub_run.serving(folder) as hub:
            later.append(hub.ready_after)
            time.sleep(CALM)
            shared, resident = tree.proportional(hub.pid), tree.resident(hub.pid)
            each = [round(one.memory_info().rss / tree.MEGABYTE) for one in tree.processes(hub.pid)]
    return [
        Figure(
            name="idle memory, whole tree (PSS)",
            value=shared,
            unit="MB",
            target="< 150",
            detail={"resident_each": each},
        ),
        Figure(name="idle memory, whole tree (RSS)", value=resident, unit="MB"),
        Figure(
            name="start to ready",
            value=median(later),
            unit="s",
            target="< 3",
            detail={"first_start": round(first, 2), "starts": [round(one, 2) for one in later]},
        ),
    ]
