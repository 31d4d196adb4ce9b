"""Where a pull may resume: gives each record a cursor from which nothing is lost."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from connectors.errors import ConnectorError
from connectors.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of an answer. `times` are those the cursor is made of, in the page's order;
    `ordered` is false when the system is known not to sort by them."""

    records: Sequence[Record]
    times: Sequence[datetime] = ()
    server_time: datetime | None = None
    ordered: bool = True


def with_cursors(
    pages: Iterator[Page],
    since: str,
    write: Callable[[datetime], str],
    *,
    reached: datetime | None = None,
) -> Iterator[Record]:
    """Every record of `pages`, in order, with its cursor: `since`, then what `write` makes of
    the newest time seen, never earlier than `reached`, where the last run had come to.

    While pages come oldest first, the last record of each moves the cursor to the newest time
    seen. From the first page that does not, only the last record of the whole run does: whoever
    resumed in between would lose what comes later and is older.
    """
    cursor, newest, ordered = since, None, True
    held: Record | None = None
    try:
        for page in pages:
            ordered = ordered and _ascending(page, newest)
            newest = _newest(page, newest)
            if held and page.records:
                yield held
                held = None
            yield from (replace(record, cursor=cursor) for record in page.records[:-1])
            if page.records and newest and ordered:
                cursor = write(max(newest, reached or newest))
                yield replace(page.records[-1], cursor=cursor)
            elif page.records:
                held = replace(page.records[-1], cursor=cursor)
    except ConnectorError:
        if held:
            yield held
        raise
    if held:
        yield replace(held, cursor=write(max(newest, reached or newest)) if newest else cursor)


def _ascending(page: Page, newest: datetime | None) -> bool:
    times = ([newest] if newest else []) + [_believed(page, time) for time in page.times]
    return page.ordered and all(a <= b for a, b in pairwise(times))


def _newest(page: Page, newest: datetime | None) -> datetime | None:
    times = [_believed(page, time) for time in page.times]
    return max([*times, newest] if newest else times, default=None)


def _believed(page: Page, time: datetime) -> datetime:
    """A time is never later than the server's own clock: one record dated 2099 would hide all
    others until then."""
    return min(time, page.server_time) if page.server_time else time


class Seen:
    """Remembers the last `most` keys, so that its memory does not grow with a run. Duplicates
    come where pages meet; the journal knows the rest."""

    def __init__(self, most: int = 20_000) -> None:
        self._keys: OrderedDict[str, None] = OrderedDict()
        self._most = most

    def first(self, key: str) -> bool:
        """Is `key` here for the first time?"""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._most:
            self._keys.popitem(last=False)
        return True


def instant(text: str) -> datetime | None:
    """An ISO 8601 instant with its offset; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else None


def stamp(time: datetime) -> str:
    """A cursor's text for `time`: UTC, as precise as it is."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
