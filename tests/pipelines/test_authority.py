"""A sender that names its authority only now and then still means one person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mappings.mistakes import MappingErrors
from pipelines import settings

PLAIN = "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings: {port: 0}\n"


@pytest.fixture
def house_of(small_house):
    """Makes a house whose hospital's connection says this."""
    made = []

    def make(connection):
        (small_house.folder / "connections/hospital.yaml").write_text(connection)
        house = type(small_house)(small_house.places, small_house.folder)
        made.append(house)
        return house

    yield make
    for house in made:
        house.close()


def unnamed(record):
    return replace(record, body=record.body.replace(b"^^^NORTH^MR", b"^^^^MR"))


def people(house):
    return house.rows("select count(*) from participant")[0][0]


def test_named_and_unnamed_are_one_person_where_the_connection_says_so(house_of, adt):
    house = house_of(PLAIN + "authority: NORTH\n")
    house.keep(adt("A", 1), unnamed(adt("A", 2, sex="M")))

    house.settle()

    assert people(house) == 1
    assert house.rows("select sex from participant") == [("male",)]


def test_without_it_they_are_two(house_of, adt):
    house = house_of(PLAIN)
    house.keep(adt("A", 1), unnamed(adt("A", 2)))

    house.settle()

    assert people(house) == 2


def test_an_authority_that_no_message_could_name_is_a_mistake(small_house):
    file = small_house.folder / "connections/hospital.yaml"
    file.write_text(PLAIN + "authority: NORTH^1.2.3^ISO\n")

    with pytest.raises(MappingErrors, match=r"hospital.yaml:5.*authority.*CX-4.1"):
        settings.load(small_house.folder)
