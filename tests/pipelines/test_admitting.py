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


def test_what_nobody_answers_in_time_is_set_aside_and_asked_about_again_when_replayed(house, adt):
    (house.folder / "policies").mkdir()
    (house.folder / "policies" / "decisions.yaml").write_text("message: 2\n")
    patient = type(house)(house.places, house.folder)
    patient.keep(adt("A", 1), adt("B", 2))
    patient.settle()
    [(first, until), (second, _)] = patient.rows("select id, expires_at from decision order by id")
    patient.order("decide", object=second, state="accepted")
    patient.order("lapse", before=until - 1)
    patient.settle()
    in_time = questions(patient)

    patient.order("lapse", before=until + 86_400_000_000)
    patient.settle()
    lapsed = [row[1:] for row in waiting(patient)], questions(patient, "expired")
    patient.replay(patient.rows("select seq from outcome where state = 'aside'")[0][0])
    patient.settle()

    assert in_time == [first]
    assert lapsed == ([("aside", "nobody answered in time")], [first])
    assert [row[1] for row in waiting(patient)] == ["parked"]
    assert len(questions(patient)) == 1
    assert people(patient) == 1
    patient.close()


def test_a_message_that_was_discarded_is_left_as_it_is_when_its_question_lapses(house, adt):
    house.keep(adt("A", 1))
    house.settle()
    [(seq, *_)] = waiting(house)
    house.order("discard", messages=[seq])
    house.settle()
    house.hub.run("update decision set expires_at = 1")

    house.order("lapse", before=1)
    house.settle()

    assert [row[1:] for row in waiting(house)] == [("aside", "discarded")]


def test_many_are_let_in_with_one_order_and_none_is_asked_about_twice(house, adt):
    house.keep(*(adt(letter, number) for number, letter in enumerate("ABCD", 1)))
    house.settle()

    house.order("decide", objects=questions(house), state="accepted")
    house.settle()
    house.settle()

    assert people(house) == 4
    assert questions(house) == []
    assert len(questions(house, "accepted")) == 4
