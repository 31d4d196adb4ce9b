"""What no mapping reads is counted per pipeline and place."""

from __future__ import annotations

import pytest

from hub.statement import Meaning
from pipelines import unread
from pipelines.work import Work


@pytest.fixture
def count(house):
    """Counts, in a transaction, messages of a pipeline with what they left unread."""

    def do(*messages):
        with house.hub.transaction():
            unread.count(house.hub, [(work(p), Meaning(unread=paths)) for p, paths in messages])

    return do


def work(pipeline):
    return Work(
        seq=1, part=0, connection="hospital", stream="ADT", key="k", lane=b"l", at=0,
        media="hl7v2", flags=0, pipeline=pipeline, revision=1, remark=None, body=b"",
    )  # fmt: skip


def counted(house):
    return house.rows("select pipeline, path, messages from unread order by pipeline, path")


def test_places_are_counted_per_pipeline_and_added_up(house, count):
    count(("adt", ("PID-18", "PV1-3")), ("adt", ("PV1-3",)), ("siu", ("PV1-3",)))
    count(("adt", ("PV1-3", "PD1-4")))

    assert counted(house) == [
        ("adt", "PD1-4", 1), ("adt", "PID-18", 1), ("adt", "PV1-3", 3), ("siu", "PV1-3", 1),
    ]  # fmt: skip


def test_a_place_counts_once_a_message_however_often_it_is_named(house, count):
    count(("adt", ("PV1-3", "PV1-3")))

    assert counted(house) == [("adt", "PV1-3", 1)]


def test_a_message_that_leaves_nothing_unread_writes_nothing(house, count):
    count(("adt", ()))

    assert counted(house) == []


def test_a_long_path_is_cut_to_its_column(house, count):
    count(("json", ("a." * 200, "a." * 150)))

    assert counted(house) == [("json", "a." * 100, 1)]


def test_a_batch_that_fails_counts_nothing(house):
    def fails():
        with house.hub.transaction():
            unread.count(house.hub, [(work("adt"), Meaning(unread=("PV1-3",)))])
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fails()

    assert counted(house) == []
