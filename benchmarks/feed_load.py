"""The change feed under several writers at once: `python -m benchmarks.feed_load` has six processes
commit 1,000,000 versions to PostgreSQL, out of order and with transactions that fail, while one
reader follows, breaks off and resumes; every version must come once and none twice.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing as mp
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.settle_postgres import _server
from hub import changes, clock, schema, tables
from hub.changes import Change
from hub.context import Numbers
from hub.database import Session, session
from hub.write import columns_of

WRITERS, COUNT = 6, 1_000_000
Read = Callable[[Session, str, int], Sequence[Change]]


class Broken(Exception):
    """What a transaction meets that is to fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`largest` versions in one transaction; in `slow` of all it waits before it commits, in
    `failing` it fails and is done again."""

    writers: int = WRITERS
    count: int = COUNT
    largest: int = 100
    slow: float = 0.3
    failing: float = 0.05

    @property
    def each(self) -> int:
        return -(-self.count // self.writers)


@dataclass(slots=True)
class Followed:
    """What one reader was given: how often each version, and what it cost."""

    load: Load
    times: list[bytearray] = field(init=False)
    backwards: int = 0  # changes whose cursor does not lie behind the one before
    resumed: int = 0
    lags: list[int] = field(default_factory=list)  # microseconds from the writing, of some
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.times = [bytearray(self.load.each) for _ in range(self.load.writers)]

    def take(self, change: Change) -> None:
        writer, _, number = change.id.partition("-")
        held = self.times[int(writer)]
        held[int(number)] = min(held[int(number)] + 1, 255)

    @property
    def missed(self) -> int:
        return sum(one.count(0) for one in self.times)

    @property
    def doubled(self) -> int:
        return sum(len(one) - one.count(0) - one.count(1) for one in self.times)


def run(url: str, load: Load, read: Read = changes.feed, *, processes: bool = False) -> Followed:
    """Writes and follows at the same time, and once more to the end when all has been written."""
    kind: Any = mp.get_context("spawn").Process if processes else threading.Thread
    writers = [kind(target=write, args=(url, load, n), daemon=True) for n in range(load.writers)]
    found, began = Followed(load), time.monotonic()
    for writer in writers:
        writer.start()
    follow(url, found, read, lambda: any(writer.is_alive() for writer in writers))
    for writer in writers:
        writer.join()
    found.seconds = time.monotonic() - began
    return found


def write(url: str, load: Load, writer: int) -> None:
    """The versions of one writer: rows and numbers are put as settling puts them."""
    dice = random.Random(writer)
    columns = columns_of(tables.version)
    with contextlib.closing(session(url)) as opened:
        numbers, done = Numbers(opened), 0
        while done < load.each:
            size = min(dice.randint(1, load.largest), load.each - done)
            names = range(done, done + size)
            with contextlib.suppress(Broken), opened.transaction():
                now = clock.now()
                rows = [
                    (numbers.next("version", "v"), "Study", f"{writer}-{name}", 1, 1, now, now,
                     "{}", None, "")
                    for name in names
                ]  # fmt: skip
                opened.insert(tables.version, columns, rows)
                if dice.random() < load.slow:
                    time.sleep(dice.random() / 100)
                if dice.random() < load.failing:
                    raise Broken
                done += size


def follow(url: str, found: Followed, read: Read, is_written: Callable[[], bool]) -> None:
    """Reads on until nothing more is written and nothing more comes. Now and then the reader
    breaks off in the middle of a page, and another goes on from what was acknowledged."""
    dice, since, more = random.Random(0), changes.START, True
    while more:
        with contextlib.closing(session(url)) as opened:
            for _ in range(dice.randint(1, 40)):
                more = is_written()  # asked before reading: what was written then is seen
                page = read(opened, since, dice.choice((1, 7, 100, 500, 500)))
                since = _taken(found, since, page[: dice.choice((1, 100, 500))])
                more = more or bool(page)
                if not page:
                    time.sleep(0.01)
                if not more:
                    return
        found.resumed += 1


def _taken(found: Followed, since: str, page: Sequence[Change]) -> str:
    for change in page:
        found.backwards += changes.position(change.cursor) <= changes.position(since)
        found.take(change)
        since = change.cursor
    if page:
        found.lags.append(clock.now() - page[-1].recorded_at)
    return since


def main() -> int:
    """0: nothing was missed and nothing came twice."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.feed_load", description=__doc__)
    asked.add_argument("--count", type=int, default=COUNT)
    asked.add_argument("--writers", type=int, default=WRITERS)
    asked.add_argument("--folder", help="on which disk to work; the system's temporary folder")
    given = asked.parse_args()
    load = Load(writers=given.writers, count=given.count)
    with (
        tempfile.TemporaryDirectory(prefix="feed-", dir=given.folder) as folder,
        _server(Path(folder)) as server,
    ):
        url = server.replace("postgresql:", "postgresql+psycopg:")
        schema.upgrade(url, [schema.HUB])
        found = run(url, load, processes=True)
    lags = sorted(found.lags)
    print(
        f"{load.each * load.writers:,} changes by {load.writers} writers in {found.seconds:.0f} s "
        f"({load.each * load.writers / found.seconds:,.0f}/s): missed {found.missed}, twice "
        f"{found.doubled}, out of order {found.backwards}; resumed {found.resumed:,} times; behind "
        f"the writing p50 {lags[len(lags) // 2] / 1e6:.2f} s, "
        f"p95 {lags[int(len(lags) * 0.95)] / 1e6:.2f} s"
    )
    return int(bool(found.missed or found.doubled or found.backwards))


if __name__ == "__main__":
    sys.exit(main())
