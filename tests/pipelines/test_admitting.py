"""A pipeline whose messages wait for a person."""

from __future__ import annotations

import pytest


@pytest.fixture
def house(small_house):
    path = small_house.folder / "pipelines/hospital.yaml"
    path.write_text(path.read_text() + "approve: true\n")
    made = type(small_house)(small_house.places, small_house.folder)
    yield made
    made.close()


def people(house):
    return house.rows("select count(*) from participant")[0][0]


def waiting(house):
    return house.rows("select seq, state, reason from outcome order by seq")


def questions(house, state="open"):
    return [row[0] for row in house.rows("select id from decision where state = ?", (state,))]


def test_nothing_of_a_message_is_settled_before_it_is_let_in(house, adt):
    house.keep(adt("A", 1), adt("B", 2))
    house.settle()
    assert people(house) == 0
    assert [row[1:] for row in waiting(house)] == [
        ("parked", "it waits for a person's decision")
    ] * 2

    house.order("decide", object=questions(house)[0], state="accepted")
    house.settle()
    assert people(house) == 1
    assert len(waiting(house)) == 1
    assert len(questions(house)) == 1


def test_what_is_declined_is_set_aside(house, adt):
    house.keep(adt("A", 1))
    house.settle()

    house.order("decide", object=questions(house)[0], state="declined")
    house.settle()

    assert people(house) == 0
    assert [row[1:] for row in waiting(house)] == [("aside", "a person declined it")]


def test_many_are_let_in_with_one_order_and_none_is_asked_about_twice(house, adt):
    house.keep(*(adt(letter, number) for number, letter in enumerate("ABCD", 1)))
    house.settle()

    house.order("decide", objects=questions(house), state="accepted")
    house.settle()
    house.settle()

    assert people(house) == 4
    assert questions(house) == []
    assert len(questions(house, "accepted")) == 4
