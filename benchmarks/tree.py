"""A process with all its descendants: processor time and memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil

MEGABYTE = 1_000_000


def processes(pid: int) -> list[psutil.Process]:
    """`pid` and whatever it started."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def seconds(pid: int) -> float:
    """Processor time spent by the tree."""
    times = [one.cpu_times() for one in _living(pid)]
    return float(sum(spent.user + spent.system for spent in times))


def proportional(pid: int) -> float:
    """Megabytes of memory the tree takes, pages that several share counted once (PSS)."""
    return float(sum(one.memory_full_info().pss for one in _living(pid))) / MEGABYTE


def resident(pid: int) -> float:
    """Megabytes of memory resident, shared pages counted in each process (RSS)."""
    return float(sum(one.memory_info().rss for one in _living(pid))) / MEGABYTE


def _living(pid: int) -> Iterator[psutil.Process]:
    for one in processes(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.status() != psutil.STATUS_ZOMBIE:
                yield one
