"""Progress of long work, on stderr and only where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Yields a function that is told how much is left."""
    if not sys.stderr.isatty():
        yield lambda _left: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        most = 0

        def left(count: int) -> None:
            nonlocal most
            most = max(most, count)
            shown.update(task, total=most, completed=most - count)

        yield left
