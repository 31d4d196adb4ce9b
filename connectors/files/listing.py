"""Which files of a folder are due: they match, are no oddity, rest, and were not read before."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from heapq import nsmallest

from connectors import ledger as ledgers
from connectors.files.folder import Entry, Folder, oddity
from connectors.files.streams import Stream
from connectors.ledger import Ledger

AT_ONCE = 10_000  # files taken from one listing; bounds memory, not the folder


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds since 1970, and a way to let some pass."""

    now: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Due:
    """The files that may be read now, oldest first, by time then name.

    `looks` are the marks of all that match. `more`: read these, then look again.
    """

    entries: list[Entry]
    looks: list[str]
    more: bool


def due(
    folder: Folder, stream: Stream, ledger: Ledger, passed: Collection[str], clock: Clock
) -> Due:
    """Lists the folder once (twice where only that tells who is still writing).

    Memory is bounded by AT_ONCE entries beside the marks of the folder's files.
    """
    looks: list[str] = []
    markers = _markers(folder, stream)

    def fresh() -> Iterator[Entry]:
        for entry in _matching(folder, stream):
            look = _look(entry)
            looks.append(look)
            ready = not stream.marker or entry.name + stream.marker in markers
            if ready and not ledger.knows(look) and look not in passed:
                yield entry

    oldest = nsmallest(AT_ONCE, fresh(), key=lambda entry: (entry.time, entry.name))
    rested = oldest if stream.marker else _at_rest(folder, stream, oldest, clock)
    return Due(rested, looks, more=len(oldest) == AT_ONCE and bool(rested))


def _matching(folder: Folder, stream: Stream) -> Iterator[Entry]:
    for entry in folder.entries():
        marker = stream.marker and entry.name.endswith(stream.marker)
        if fnmatchcase(entry.name, stream.glob) and not marker and not oddity(entry):
            yield entry


def _markers(folder: Folder, stream: Stream) -> set[str]:
    if not stream.marker:
        return set()
    return {e.name for e in folder.entries() if e.name.endswith(stream.marker)}


def _at_rest(folder: Folder, stream: Stream, entries: list[Entry], clock: Clock) -> list[Entry]:
    """Those nobody is writing any more, as far as can be told.

    By age, where the file's time comes from our clock and is not ahead of it; otherwise by
    looking twice.
    """
    if not stream.settle:
        return entries
    now = clock.now()
    by_age = [e for e in entries if folder.shares_clock and e.time / 1e9 <= now]
    rested = {e.name for e in by_age if e.time / 1e9 <= now - stream.settle}
    doubtful = {e.name: e for e in entries if not folder.shares_clock or e.time / 1e9 > now}
    if doubtful:
        clock.wait(stream.settle)
        rested |= {e.name for e in folder.entries() if doubtful.get(e.name) == e}
    return [entry for entry in entries if entry.name in rested]


def archive(folder: Folder, stream: Stream, stored: Ledger) -> None:
    """Moves away the files that the hub has stored, when the stream wants that."""
    if stream.after != "archive" or not stored.looks:
        return
    for entry in [e for e in _matching(folder, stream) if stored.knows(_look(e))]:
        named = f"{entry.name}.{_look(entry)}"  # two contents of one name do not meet
        folder.move(entry.name, stream.archive, named)
        marker = entry.name + stream.marker
        if stream.marker and folder.look(marker):
            folder.move(marker, stream.archive, named + stream.marker)


def census(folder: Folder, streams: Iterable[Stream]) -> tuple[int, Counter[str]]:
    """How many files match a stream, and how many entries that would match are passed over, by
    reason."""
    globs = [stream.glob for stream in streams]
    matching, odd = 0, Counter[str]()
    for entry in folder.entries():
        if any(fnmatchcase(entry.name, glob) for glob in globs):
            reason = oddity(entry)
            odd[reason] += bool(reason)
            matching += not reason
    return matching, +odd


def _look(entry: Entry) -> str:
    return ledgers.look(entry.name, entry.size, entry.time)
