"""What a connector that pulls must keep."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from connectors.promises.promise import (
    one_of_the_three_or_nothing,
    promise,
    raises_one_of_the_three,
)
from connectors.protocol import Connector, Pulls, Whole
from connectors.record import Record

_RESUMED = 25  # places at which a pull is resumed, spread over all records


class PullPromises:
    """Fixtures: `connector` with three records or more behind it, `stream`, and `down`, the same
    kind of connector whose system does not answer."""

    ordered: ClassVar[bool] = True  # False: the source has no order to keep
    overlaps: ClassVar[bool] = False  # True: a resumed pull reads a window again

    def test_it_can_pull(self, connector: Connector) -> None:
        promise(isinstance(connector, Pulls), "there is no pull(stream, since)")

    def test_there_is_enough_to_judge(self, connector: Pulls, stream: str) -> None:
        found = len(list(connector.pull(stream, "")))
        promise(found >= 3, f"give at least three records; {found} came")

    def test_a_pull_again_says_the_same(self, connector: Pulls, stream: str) -> None:
        first, second = (_said(connector.pull(stream, "")) for _ in range(2))
        promise(first == second, "the same pull gave other keys or bodies the second time")

    def test_keys_are_unique(self, connector: Pulls, stream: str) -> None:
        keys = [record.message_key for record in connector.pull(stream, "")]
        promise(all(keys), "a record has no message_key")
        twice = sorted({key for key in keys if keys.count(key) > 1})
        promise(not twice, f"{len(twice)} keys name two records, the first {twice[:1]}")

    def test_a_cursor_resumes_without_loss(self, connector: Pulls, stream: str) -> None:
        records = list(connector.pull(stream, ""))
        keys = [record.message_key for record in records]
        for place in range(0, len(records), 1 + len(records) // _RESUMED):
            again = [r.message_key for r in connector.pull(stream, records[place].cursor)]
            lost = [key for key in keys[place + 1 :] if key not in set(again)]
            promise(
                not lost,
                f"resumed behind record {place + 1} of {len(keys)}, {len(lost)} did not come, "
                f"the first is {lost[:1]}",
            )

    def test_a_resumed_pull_keeps_the_order(self, connector: Pulls, stream: str) -> None:
        records = list(connector.pull(stream, ""))
        keys = [record.message_key for record in records]
        again = [r.message_key for r in connector.pull(stream, records[0].cursor)]
        kept = [key for key in again if key in set(keys)]
        promise(kept == [key for key in keys if key in set(kept)], "the order changed")

    def test_the_last_cursor_is_no_beginning(self, connector: Pulls, stream: str) -> None:
        if self.overlaps:
            return
        records = list(connector.pull(stream, ""))
        again = list(connector.pull(stream, records[-1].cursor))
        promise(len(again) < len(records), "resumed behind the last record, all of them came again")

    def test_times_are_aware(self, connector: Pulls, stream: str) -> None:
        for record in connector.pull(stream, ""):
            aware = record.at.tzinfo is not None and record.at.utcoffset() is not None
            promise(aware, f"{record.message_key}: `at` has no offset")

    def test_records_come_oldest_first(self, connector: Pulls, stream: str) -> None:
        if not self.ordered:
            return
        times = [record.at for record in connector.pull(stream, "")]
        promise(times == sorted(times), "a later record came before an earlier one")

    def test_records_say_what_they_are(self, connector: Pulls, stream: str) -> None:
        for record in connector.pull(stream, ""):
            where = record.message_key
            promise(record.stream == stream, f"{where}: of stream {record.stream!r}")
            promise(type(record.body) is bytes, f"{where}: the body is not bytes")
            promise(record.body or record.fault or record.said == "gone", f"{where}: says nothing")
            promise(record.media, f"{where}: has no media type")

    def test_a_whole_list_names_each_thing_once(self, connector: Pulls, stream: str) -> None:
        if not (isinstance(connector, Whole) and connector.is_whole(stream)):
            return
        named = [r.of for r in connector.pull(stream, "") if not r.fault]
        promise(all(named), "a record of a whole list does not say which thing it is")
        promise(len(set(named)) == len(named), "a whole list has one thing twice")

    def test_an_unknown_stream_is_an_error_of_the_three(
        self, connector: Pulls, stream: str
    ) -> None:
        raises_one_of_the_three(lambda: list(connector.pull(f"no-{stream}-here", "")))

    def test_a_strange_cursor_is_no_crash(self, connector: Pulls, stream: str) -> None:
        for cursor in ("\0", "no cursor of mine", '{"v":-1}', "9" * 5000):
            one_of_the_three_or_nothing(partial(_drained, connector, stream, cursor))

    def test_a_pull_from_a_system_that_is_down_is_an_error_of_the_three(
        self, down: Pulls, stream: str
    ) -> None:
        raises_one_of_the_three(lambda: list(down.pull(stream, "")))


def _drained(connector: Pulls, stream: str, cursor: str) -> None:
    for _ in connector.pull(stream, cursor):
        pass


def _said(records: Iterable[Record]) -> list[tuple[str, bytes]]:
    return [(record.message_key, record.body) for record in records]
