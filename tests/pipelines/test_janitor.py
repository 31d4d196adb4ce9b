"""Messages about people in no study are let go when their time is over, and leave only a hash."""

from __future__ import annotations

import hashlib

import orjson
import pytest

from hub import audit
from pipelines import commands, janitor
from pipelines.janitor import Janitor
from pipelines.writer import Writer

DAY = 86_400_000_000


@pytest.fixture
def writer(house):
    made = Writer(house.places.journal, wake=lambda: None, fatal=print)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def clean(house, writer):
    """One round of a janitor at a time that lies so many days behind the first message."""

    def tick(days):
        now = 1_772_000_000_000_000 + int(days * DAY)
        Janitor(
            open_hub=house.places.hub,
            writer=writer,
            keyring=house.keyring,
            clock=lambda: now,
            days=30,
        ).tick()

    return tick


def stored(house):
    return house.journal.session.all(
        "select seq, body, remark, hash from message where connection = 'care' order by seq"
    )


def test_a_held_message_expires_and_its_body_is_erased_but_not_its_hash(house, adt, clean):
    record = adt("A", 1)
    [kept] = house.keep(record, connection="care")
    house.settle()
    before = house.outcomes()

    clean(31)
    house.settle()
    expired = house.outcomes()
    clean(31)
    house.settle()

    assert [before[kept.seq], expired[kept.seq], house.outcomes()[kept.seq]] == [
        "held", "expired", "erased",
    ]  # fmt: skip
    [(_, body, remark, digest)] = stored(house)
    assert bytes(body) == b""
    assert bytes(digest) == hashlib.sha256(record.body).digest()
    assert orjson.loads(remark)["erased"].startswith("2026-")
    assert house.rows("select * from held") == []
    assert house.body(kept.seq) == b""


def test_what_is_not_old_enough_stays(house, adt, clean):
    [kept] = house.keep(adt("A", 1), connection="care")
    house.settle()

    clean(29)
    house.settle()
    clean(29)
    house.settle()

    assert house.outcomes() == {kept.seq: "held"}
    assert len(bytes(stored(house)[0][1])) > 0


def test_only_held_messages_are_touched(house, adt, strange, clean):
    house.keep(adt("A", 1), strange("B", 2))
    house.settle()
    before = house.outcomes()

    for _ in range(2):
        clean(1000)
        house.settle()

    assert house.outcomes() == before
    assert house.journal.session.all("select 1 from message where length(body) = 0") == []


def test_the_audit_says_what_was_done_and_holds(house, adt, clean):
    house.keep(adt("A", 1), adt("B", 2), connection="care")
    house.settle()

    for _ in range(3):
        clean(31)
        house.settle()

    done = house.rows("select action, actor from audit where actor = 'crohub:janitor'")
    assert set(done) == {("expire", "crohub:janitor"), ("erased", "crohub:janitor")}
    assert list(audit.broken(house.hub)) == []


def test_more_than_one_order_takes_are_let_go_too(house, adt, clean, monkeypatch):
    for module in (commands, janitor):
        monkeypatch.setattr(module, "EXPIRED_AT_ONCE", 3)
    house.keep(*(adt(f"P{n}", n) for n in range(1, 9)), connection="care")
    house.settle()

    for _ in range(2):
        clean(31)
        house.settle()

    assert set(house.outcomes().values()) == {"erased"}
    assert {bytes(body) for _, body, _, _ in stored(house)} == {b""}


def test_a_replay_leaves_alone_what_is_gone(house, adt, clean):
    [kept] = house.keep(adt("A", 1), connection="care")
    house.settle()
    for _ in range(2):
        clean(31)
        house.settle()

    house.replay(kept.seq)
    house.settle()

    assert house.outcomes() == {kept.seq: "erased"}


def test_the_same_message_sent_again_after_erasing_is_still_known(house, adt, clean):
    [first] = house.keep(adt("A", 1), connection="care")
    house.settle()
    for _ in range(2):
        clean(31)
        house.settle()

    [again] = house.keep(adt("A", 1), connection="care")

    assert (again.seq, again.again) == (first.seq, True)


def test_erasing_keeps_what_the_remark_said_and_is_done_once(small_house, adt):
    session = small_house.journal.session
    [kept] = small_house.keep(adt("A", 1))
    session.run("update message set remark = ?", ('{"notes": ["a note"]}',))

    for now in (1_772_000_000_000_000, 1_773_000_000_000_000):
        small_house.journal.keep([], [], [janitor.erase([kept.seq], now)])

    [(remark,)] = session.all("select remark from message")
    assert orjson.loads(remark) == {"notes": ["a note"], "erased": "2026-02-25T06:13:20.000000Z"}


def test_an_override_ends_when_its_time_is_over_and_not_before(house, adt, clean):
    house.keep(adt("A", 1, sex="F"))
    house.settle()
    [(one,)] = house.rows("select id from participant")
    until = 1_772_000_000_000_000 + 10 * DAY
    house.order(
        "override", object=f"Participant {one}", entity="Participant", id=one, field="sex",
        value="other", until=until,
    )  # fmt: skip
    house.settle()
    assert house.rows("select sex from participant") == [("other",)]

    clean(9)
    house.settle()
    assert house.rows("select sex from participant") == [("other",)]
    clean(11)
    clean(11)  # the same again ends nothing else
    house.settle()

    assert house.rows("select sex from participant") == [("female",)]
    assert house.rows("select state, decided_by from decision") == [("expired", "ada")]
