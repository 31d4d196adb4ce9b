"""Messages become truth in their order; one that cannot be settled costs nobody else anything."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

import hub.settle
from hub import audit
from pipelines import settling

CTI = "\rPV1|1|O|||||||||||||||||V-20^^^NORTH^VN\rCTI|ONC-101^UH"


def sexes(house):
    return [sex for (sex,) in house.rows("select sex from participant order by id")]


def asserted(house):
    """The numbers of the messages that asserted something of a participant, in that order."""
    return [
        seq for (seq,) in house.rows(
            "select seq from assertion where entity = 'Participant' and kind <> 'void' order by a"
        )
    ]  # fmt: skip


def steps(settler):
    while settler.step():
        pass


def upto(house):
    return house.rows("select max(upto) from progress")[0][0]


def test_messages_become_records_and_are_done(house, adt):
    kept = house.keep(adt("A", 1), adt("B", 2, sex="M"), adt("A", 3, sex="M"))

    house.settle()

    assert sexes(house) == ["male", "male"]
    assert asserted(house) == [one.seq for one in kept] or house.hub.dialect == "postgresql"
    assert house.outcomes() == {}
    assert upto(house) >= kept[-1].seq or house.hub.dialect == "postgresql"


def test_settling_twice_has_one_effect(house, adt):
    house.keep(adt("A", 1), adt("B", 2))

    house.settle()
    before = house.rows("select count(*) from assertion")
    house.settle()

    assert house.rows("select count(*) from assertion") == before
    assert list(audit.broken(house.hub)) == []


def test_a_message_that_its_connector_could_not_read_is_parked_with_the_reason(
    house, adt, unreadable
):
    _, bad, _ = house.keep(adt("A", 1), unreadable("A", 2), adt("B", 3))

    house.settle()

    [(seq, state, reason)] = house.rows("select seq, state, reason from outcome")
    assert (seq, state, reason) == (bad.seq, "parked", "unreadable on purpose")
    assert len(sexes(house)) == 2


def test_a_key_with_another_body_is_parked_and_changes_nothing(house, adt):
    house.keep(adt("A", 1, sex="F"))
    [other] = house.keep(adt("A", 1, sex="M"))

    house.settle()

    assert house.outcomes() == {other.seq: "parked"}
    assert sexes(house) == ["female"]


def test_test_messages_and_test_systems_never_reach_production_records(house, adt):
    [marked] = house.keep(replace(adt("A", 1), test=True))
    [tested] = house.keep(adt("B", 2), connection="lab")

    house.settle()

    assert house.outcomes() == {marked.seq: "test", tested.seq: "test"}
    assert sexes(house) == []


def test_a_stream_that_nothing_reads_is_set_aside(house, adt):
    [kept] = house.keep(replace(adt("A", 1), stream="ORU"))

    house.settle()

    assert house.outcomes() == {kept.seq: "aside"}


def test_a_parked_message_lets_its_lane_go_on(house, adt, strange):
    house.keep(adt("A", 1), strange("A", 2), adt("A", 3, sex="M"))

    house.settle()

    assert sexes(house) == ["male"]


def test_where_the_pipeline_says_so_a_parked_message_holds_back_its_lane_only(house, adt, strange):
    _, bad, behind, _ = house.keep(
        adt("A", 1), strange("A", 2), adt("A", 3, sex="M"), adt("B", 4), connection="clinic"
    )
    house.settle()
    [later] = house.keep(adt("A", 5, sex="O"), connection="clinic")
    house.settle()

    assert house.outcomes() == {bad.seq: "blocking", behind.seq: "behind", later.seq: "behind"}
    assert sexes(house) == ["female", "female"]


def test_discarding_the_parked_message_lets_its_lane_go_on_in_order(house, adt, strange):
    first, bad, second, third = house.keep(
        adt("A", 1), strange("A", 2), adt("A", 3), adt("A", 4), connection="clinic"
    )
    house.settle()

    house.order("discard", messages=[bad.seq])
    house.settle()

    assert house.outcomes() == {bad.seq: "aside"}
    assert asserted(house) == [first.seq, second.seq, third.seq]


def test_a_message_that_comes_with_the_order_to_discard_is_not_left_behind(house, adt, strange):
    [bad] = house.keep(strange("A", 1), connection="clinic")
    house.settle()

    house.order("discard", messages=[bad.seq])
    [late] = house.keep(adt("A", 2), connection="clinic")
    house.settle()

    assert house.outcomes() == {bad.seq: "aside"}
    assert asserted(house) == [late.seq]


def test_a_message_that_comes_after_a_release_waits_for_those_released_before_it(
    small_house, adt, strange
):
    house = small_house
    [bad, second] = house.keep(strange("A", 1), adt("A", 2), connection="clinic")
    house.settle()
    settler = house.settler()
    settler.limit = 1

    house.order("discard", messages=[bad.seq])
    [third] = house.keep(adt("A", 3), connection="clinic")
    for _ in range(8):
        settler.step()

    assert asserted(house) == [second.seq, third.seq]
    assert house.outcomes() == {bad.seq: "aside"}


def test_what_waits_behind_is_not_settled_before_a_message_that_fails_again(house, adt, strange):
    bad, behind = house.keep(strange("A", 1), adt("A", 2), connection="clinic")
    house.settle()

    house.replay(bad.seq, behind.seq)
    house.settle()

    assert house.outcomes() == {bad.seq: "blocking", behind.seq: "behind"}
    assert asserted(house) == []


def test_a_message_behind_cannot_overtake_by_being_replayed(house, adt, strange):
    bad, behind = house.keep(strange("A", 1), adt("A", 2), connection="clinic")
    house.settle()

    house.replay(behind.seq)
    house.settle()

    assert house.outcomes() == {bad.seq: "blocking", behind.seq: "behind"}


def test_a_lane_is_free_again_when_what_was_replayed_is_parked_once_more(house, adt, strange):
    """The replay makes the lane wait; that it ends in parking must not keep it waiting."""
    [blocked] = house.keep(strange("Z", 1), connection="clinic")
    [bad] = house.keep(strange("A", 2))
    house.settle()

    house.replay(bad.seq)
    [late] = house.keep(adt("A", 3))
    house.settle()

    assert house.outcomes() == {blocked.seq: "blocking", bad.seq: "parked"}
    assert asserted(house) == [late.seq]


@pytest.mark.parametrize("undated_first", [True, False])
def test_what_has_no_time_never_beats_what_has_one_whatever_comes_first(house, adt, undated_first):
    undated = replace(adt("A", 1, sex="M", minute=60 * 24 * 25), dated="arrival")
    dated = adt("A", 2, sex="F", minute=0)
    for one in (undated, dated) if undated_first else (dated, undated):
        house.keep(one)
        house.settle()

    assert sexes(house) == ["female"]
    found = house.rows("select rule, place, closed_at is null from finding")
    assert [row[:2] for row in found] == [("unreadable-date", "MSH-7")]
    assert bool(found[0][2]) is not undated_first  # closed by the next message that is right


def test_what_has_no_time_counts_where_nothing_else_is_said_in_the_order_of_arrival(house, adt):
    house.keep(*(replace(adt("A", n, sex=sex, minute=-n), dated="arrival")
                 for n, sex in ((1, "M"), (2, "F"))))  # fmt: skip

    house.settle()

    assert sexes(house) == ["female"]
    assert house.rows("select distinct at from assertion where kind = 'stated'") == [(0,)]
    assert house.rows("select min(valid_from) from version")[0][0] > 0


def test_the_time_of_the_event_counts_as_the_messages_own_and_is_told_of(house, adt):
    house.keep(adt("A", 1, sex="M"), replace(adt("A", 2, sex="F"), dated="instead"))

    house.settle()

    assert sexes(house) == ["female"]
    assert house.rows("select rule from finding") == [("unreadable-date",)]


def test_a_replayed_message_replaces_what_it_said_before(house, adt):
    first, _ = house.keep(adt("A", 1), adt("A", 2, sex="M"))
    house.settle()

    house.replay(first.seq)
    house.settle()
    house.replay(first.seq)
    house.settle()

    assert sexes(house) == ["male"]
    assert house.outcomes() == {}
    [(standing,)] = house.rows(
        "select count(*) from assertion where entity = 'Participant' and kind = 'void'"
    )
    assert standing == 2


def test_people_in_no_study_are_held_and_settled_in_order_when_a_link_appears(house, adt):
    held = house.keep(adt("A", 1), adt("A", 2, sex="M"), adt("B", 3), connection="care")
    house.settle()
    before = house.outcomes()

    [link] = house.keep(adt("A", 4, sex="M", extra=CTI), connection="care")
    house.settle()

    assert before == {one.seq: "held" for one in held}
    assert house.outcomes() == {held[2].seq: "held"}
    assert sexes(house) == ["male"]
    assert sorted(asserted(house)) == [held[0].seq, held[1].seq, link.seq]
    assert house.rows("select count(*) from held where seq <> ?", (held[2].seq,)) == [(0,)]


def test_a_link_in_the_same_batch_releases_what_it_held(house, adt):
    house.keep(adt("A", 1), adt("A", 2, extra=CTI), connection="care")

    house.settle()

    assert house.outcomes() == {}
    assert len(asserted(house)) == 2


class Poison:
    """Makes settling fail for one message, as a fault of ours would, `times` times."""

    def __init__(self, monkeypatch, seq, error, times=10_000) -> None:
        self.seq, self.error, self.left, self.calls = seq, error, times, 0
        self.real = hub.settle.settle_one
        monkeypatch.setattr(hub.settle, "settle_one", self)

    def __call__(self, context, changes, settled, said, statements):
        self.calls += 1
        self.real(context, changes, settled, said, statements)
        if said.seq == self.seq and self.left:
            self.left -= 1
            raise self.error


def test_the_one_message_that_breaks_a_batch_is_found_and_parked(house, adt, monkeypatch):
    kept = house.keep(*(adt(f"P{n}", n) for n in range(32)))
    poison = Poison(monkeypatch, kept[21].seq, ZeroDivisionError("secret of a patient"))

    house.settle()

    [(seq, state, reason)] = house.rows("select seq, state, reason from outcome")
    assert (seq, state, reason) == (
        kept[21].seq,
        "parked",
        "settling failed with ZeroDivisionError",
    )
    assert len(sexes(house)) == 31
    assert len(asserted(house)) == 31
    assert poison.calls < 32 * 6  # halved, not tried one by one


def test_the_message_that_breaks_a_batch_holds_back_its_lane_where_it_should(
    house, adt, monkeypatch
):
    kept = house.keep(*(adt(f"P{n % 4}", n) for n in range(16)), connection="clinic")
    Poison(monkeypatch, kept[5].seq, ZeroDivisionError())

    house.settle()

    waiting = {kept[n].seq: "behind" for n in (9, 13)}
    assert house.outcomes() == {kept[5].seq: "blocking", **waiting}
    assert len(asserted(house)) == 13


def test_a_failure_that_passes_parks_nothing(house, adt, monkeypatch):
    kept = house.keep(*(adt(f"P{n}", n) for n in range(8)))
    Poison(monkeypatch, kept[3].seq, sqlite3.OperationalError("database is locked"), times=1)
    settler = house.settler()

    with pytest.raises(sqlite3.OperationalError):
        steps(settler)
    settler.forget()
    steps(settler)

    assert house.outcomes() == {}
    assert len(asserted(house)) == 8


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("disk I/O error"),
        sqlite3.DatabaseError("database disk image is malformed"),
        OSError(5, "Input/output error"),
        MemoryError(),
    ],
    ids=["io", "malformed", "file", "memory"],
)
def test_a_failure_of_the_machine_is_no_fault_of_a_message(small_house, adt, monkeypatch, error):
    [kept] = small_house.keep(adt("A", 1))
    Poison(monkeypatch, kept.seq, error, times=1)
    settler = small_house.settler()

    with pytest.raises(type(error)):
        steps(settler)

    assert small_house.outcomes() == {}
    assert not settling.passing(error)  # the process ends; its successor begins from disk
    small_house.settle()
    assert asserted(small_house) == [kept.seq]


def test_orders_are_obeyed_in_turn_and_audited_with_their_reason(house):
    house.order("pause", object="hospital")
    house.order("resume", object="hospital")
    house.order("drain", object="clinic", reason="move to the new interface engine")

    house.settle()

    assert house.rows("select connection, state, by from gate") == [("clinic", "draining", "ada")]
    trail = house.rows(
        "select action, object, actor, reason from audit where actor = 'ada' order by chain, n"
    )
    assert trail == [
        ("pause", "hospital", "ada", "a test"),
        ("resume", "hospital", "ada", "a test"),
        ("drain", "clinic", "ada", "move to the new interface engine"),
    ]
    assert list(audit.broken(house.hub)) == []


def test_an_order_nobody_knows_is_parked_and_the_next_one_is_obeyed(house):
    odd = house.order("explode", object="hospital")
    house.order("pause", object="hospital")

    house.settle()

    assert house.outcomes() == {odd.seq: "parked"}
    assert house.rows("select connection from gate") == [("hospital",)]


def test_an_order_that_lacks_what_it_needs_is_parked(house):
    odd = house.order("pause")

    house.settle()

    assert house.outcomes() == {odd.seq: "parked"}


def test_a_backlog_of_parked_messages_does_not_hinder_what_is_due(house, adt, strange):
    house.keep(*(strange(f"P{n}", n) for n in range(40)))
    house.settle()
    [fresh] = house.keep(adt("A", 100))

    house.settle()

    assert asserted(house) == [fresh.seq]


def test_how_a_feed_is_doing_is_noted_with_its_messages(house, adt):
    house.keep(adt("A", 1))

    house.settle()

    [(connection, stream, system)] = house.rows("select connection, stream, system from feed")
    assert (connection, stream, system) == ("hospital", "ADT", "ehr")
