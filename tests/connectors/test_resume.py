"""Cursors: resuming from any record's cursor loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import TryLater
from connectors.record import Record
from connectors.resume import Page, Seen, instant, stamp, with_cursors

_START = datetime(2026, 1, 1, tzinfo=UTC)


def _page(*minutes: int, **more) -> Page:
    times = [_START + timedelta(minutes=m) for m in minutes]
    records = [
        Record(stream="x", message_key=str(m), at=time, body=b"", media="application/json")
        for m, time in zip(minutes, times, strict=True)
    ]
    return Page(records=records, times=times, **more)


def _minute(cursor: str) -> int | str:
    found = instant(cursor)
    return int((found - _START).total_seconds() / 60) if found else cursor


def _cursors(*pages: Page, since: str = "old") -> list[int | str]:
    return [_minute(record.cursor) for record in with_cursors(iter(pages), since, stamp)]


def test_the_cursor_moves_at_the_end_of_each_page():
    assert _cursors(_page(1, 2, 3), _page(4, 5)) == ["old", "old", 3, 3, 5]


def test_a_page_that_is_not_sorted_moves_it_only_at_the_end_of_the_run():
    assert _cursors(_page(1, 2), _page(9, 3), _page(4, 5)) == ["old", 2, 2, 2, 2, 9]


def test_a_run_known_to_be_unsorted_moves_it_only_at_the_end():
    pages = [_page(1, 2, ordered=False), _page(3, ordered=False), _page(ordered=False)]

    assert _cursors(*pages) == ["old", "old", 3]


def test_pages_that_step_back_move_it_only_at_the_end():
    assert _cursors(_page(8, 9), _page(1, 2), _page(3)) == ["old", 9, 9, 9, 9]


def test_the_cursor_never_goes_back_behind_where_it_was():
    reached = _START + timedelta(minutes=5)
    run = with_cursors(iter([_page(3, 4), _page(6)]), "old", stamp, reached=reached)

    assert [_minute(record.cursor) for record in run] == ["old", 5, 6]


def test_a_time_from_the_future_counts_as_the_servers_now():
    now = _START + timedelta(minutes=7)

    assert _cursors(_page(1, 2, 40_000, server_time=now)) == ["old", "old", 7]


def test_without_times_the_cursor_stays():
    page = _page(1, 2)

    assert _cursors(Page(records=page.records)) == ["old", "old"]


def test_each_record_comes_once_also_when_times_begin_later():
    page = _page(1, 2)

    run = list(with_cursors(iter([Page(records=page.records), _page(3, 4)]), "old", stamp))

    assert [record.message_key for record in run] == ["1", "2", "3", "4"]


def test_what_was_read_before_a_failure_is_handed_on_and_the_cursor_stays():
    def pages():
        yield _page(2, 1)
        raise TryLater("busy")

    run = with_cursors(pages(), "old", stamp)
    got = [next(run), next(run)]

    assert [record.cursor for record in got] == ["old", "old"]
    with pytest.raises(TryLater):
        next(run)


def test_only_the_last_keys_are_remembered():
    seen = Seen(most=2)

    assert [seen.first(key) for key in "aabcab"] == [True, False, True, True, True, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T00:00:00Z", _START),
        ("2026-01-01T02:00:00.000+02:00", _START),
        ("2026-01-01T00:00:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_an_instant_has_an_offset(text, expected):
    assert instant(text) == expected
