"""The journal stores what arrived, once, with its cursor, or nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from pipelines.journal import REUSED, Journal, Position, position_of


def stored(house):
    return house.journal.session.all("select seq, key, flags from message order by seq")


def test_messages_of_one_group_are_numbered_in_their_order(house, adt):
    kept = house.keep(*(adt("A", n) for n in range(1, 6)))

    numbers = [one.seq for one in kept]
    assert numbers == sorted(set(numbers))
    assert [key for _, key, _ in stored(house)] == [f"REG|NORTH|{n}" for n in range(1, 6)]


def test_the_same_message_again_is_not_stored_again(house, adt):
    [first] = house.keep(adt("A", 1))
    [second] = house.keep(adt("A", 1))

    assert (second.seq, second.again, second.reused) == (first.seq, True, False)
    assert len(stored(house)) == 1


def test_a_message_twice_in_one_group_is_stored_once(house, adt):
    first, between, second = house.keep(adt("A", 1), adt("B", 2), adt("A", 1))

    assert (first.again, between.again, second.again) == (False, False, True)
    assert first.seq == second.seq
    assert len(stored(house)) == 2


def test_a_key_with_another_body_is_stored_beside_the_first_and_flagged(house, adt):
    [first] = house.keep(adt("A", 1, sex="F"))
    [other] = house.keep(adt("A", 1, sex="M"))
    [again] = house.keep(adt("A", 1, sex="M"))

    rows = stored(house)
    assert (other.reused, again.reused, again.again) == (True, True, True)
    assert other.seq == again.seq != first.seq
    assert [flags & REUSED for _, _, flags in rows] == [0, REUSED]


def test_where_reuse_is_accepted_another_body_counts_as_a_message(house, adt):
    house.keep(adt("A", 1, sex="F"))
    [other] = house.journal.keep([house.entry(adt("A", 1, sex="M"), reuse="accept")])

    assert not other.reused
    assert [flags for _, _, flags in stored(house)] == [0, 0]


def test_the_same_key_on_another_connection_is_another_message(house, adt):
    house.keep(adt("A", 1))
    [other] = house.keep(adt("A", 1), connection="clinic")

    assert not other.again
    assert len(stored(house)) == 2


def test_what_came_is_kept_byte_for_byte_and_not_in_the_clear(house, adt):
    record = adt("ZZPHI", 1)
    [kept] = house.keep(record)

    [(cell,)] = house.journal.session.all("select body from message")
    assert house.body(kept.seq) == record.body
    assert b"ZZPHI" not in bytes(cell)


def test_a_cursor_moves_in_the_commit_that_stores_what_it_passed(house, adt):
    place = Position(connection="hospital", stream="ADT", position="7", moved_at=1)
    house.journal.keep([house.entry(adt("A", 1))], [place])

    assert position_of(house.journal.session, "hospital", "ADT") == "7"


def test_a_failure_in_the_commit_stores_neither_messages_nor_cursor(house, adt):
    place = Position(connection="hospital", stream="ADT", position="7", moved_at=1)

    def fails(_session):
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        house.journal.keep([house.entry(adt("A", 1))], [place], [fails])

    assert stored(house) == []
    assert position_of(house.journal.session, "hospital", "ADT") == ""


def test_what_else_belongs_into_a_commit_is_done_once_beside_repeated_messages(house, adt):
    house.keep(adt("A", 1))
    done = []

    house.journal.keep([house.entry(adt("A", 1)), house.entry(adt("A", 2))], [], [done.append])

    assert len(stored(house)) == 2
    assert done  # also in the second try, whose transaction is the one that counts


def test_after_a_failure_numbering_goes_on_without_a_clash(house, adt):
    house.keep(adt("A", 1))

    def fails(_session):
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError):
        house.journal.keep([house.entry(adt("A", 2))], [], [fails])
    house.keep(adt("A", 3))

    numbers = [seq for seq, _, _ in stored(house)]
    assert len(set(numbers)) == 2
    assert numbers == sorted(numbers)


def test_a_new_writer_counts_on_from_what_is_stored(small_house, adt):
    [first] = small_house.keep(adt("A", 1))
    [second] = Journal(small_house.session()).keep([small_house.entry(adt("A", 2))])

    assert second.seq == first.seq + 1


def test_two_writers_on_postgresql_never_share_a_number(big_house, adt):
    other = Journal(big_house.session())
    for n in range(1, 21):
        writer = big_house.journal if n % 2 else other
        writer.keep([big_house.entry(adt(f"P{n % 3}", n))])

    rows = stored(big_house)
    assert len({seq for seq, _, _ in rows}) == 20
    assert [key for _, key, _ in rows] == [f"REG|NORTH|{n}" for n in range(1, 21)]


def test_a_journal_that_is_full_stores_nothing_and_goes_on_when_there_is_room(small_house, adt):
    session = small_house.journal.session
    small_house.keep(adt("A", 1))
    [(pages,)] = session.all("pragma page_count")
    session.all(f"pragma max_page_count = {pages}")
    many = [small_house.entry(adt("A", n, extra="|" + "x" * 3000)) for n in range(2, 60)]

    with pytest.raises(sqlite3.OperationalError, match="full"):
        small_house.journal.keep(many)
    assert len(stored(small_house)) == 1
    session.all("pragma max_page_count = 100000")
    small_house.journal.keep(many)

    assert len(stored(small_house)) == 59


def test_a_group_of_any_size_is_stored_in_one_commit_or_not_at_all(small_house, adt):
    journal = Journal(small_house.session())
    sizes = (1, 2, 31, 32, 33, 64, 300)
    last = 0
    for size in sizes:
        kept = journal.keep([small_house.entry(adt("A", last + n)) for n in range(1, size + 1)])
        assert [one.seq for one in kept] == list(range(last + 1, last + size + 1))
        last += size
    clash = [small_house.entry(adt("A", last + n)) for n in range(1, 5)]
    clash.append(replace(clash[0], connection=None))

    with pytest.raises(Exception, match=r"(?i)not null"):
        journal.keep(clash)

    assert journal.session.one("select count(*), max(seq) from message") == (last, last)
    assert not journal.session.raw.in_transaction
    assert journal.keep(clash[:1])[0].seq == last + 1
