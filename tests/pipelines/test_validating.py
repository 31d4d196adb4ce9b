"""A sample of messages is compared with its standard; the faults are findings, nothing stops."""

from __future__ import annotations

import pytest

from pipelines import revision, settings
from pipelines.validating import faults, is_sampled


@pytest.fixture
def house_that(small_house):
    """The house, once its hospital's pipeline says one thing more."""

    def say(line):
        path = small_house.folder / "pipelines" / "hospital.yaml"
        path.write_text(path.read_text() + line)
        small_house.deployment = settings.load(small_house.folder)
        session = small_house.journal.session
        small_house.revision = revision.enter(session, small_house.folder)
        revision.lay_out(session, small_house.revision, small_house.places.revisions)
        return small_house

    return say


def found(house):
    rows = house.rows("select rule, place, expected from finding where closed_at is null")
    return sorted(row for row in rows if row[0] == "hl7-validation")


def test_a_message_is_compared_with_its_own_version_where_the_pipeline_asks_for_it(house_that, adt):
    house = house_that("validate_share: 1\n")
    [kept] = house.keep(adt())

    house.settle()

    assert house.outcomes().get(kept.seq) is None
    assert ("hl7-validation", "EVN", "a message as its HL7 version has it: ADT_A01 needs this "
            "segment") in found(house)  # fmt: skip
    assert "Doe" not in str(found(house))


def test_hl7_messages_are_not_compared_unless_the_pipeline_asks_for_it(small_house, adt):
    small_house.keep(*(adt(number=n) for n in range(1, 4)))

    small_house.settle()

    assert found(small_house) == []


def test_a_share_takes_that_many_and_the_same_ones_again():
    taken = [seq for seq in range(20_000) if is_sampled(seq, 0.05)]

    assert 900 < len(taken) < 1100
    assert not any(is_sampled(seq, 0) for seq in range(1000))
    assert all(is_sampled(seq, 1) for seq in range(1000))


def test_a_medium_without_a_standard_has_no_faults():
    assert list(faults(b"a,b", "text/csv;row", "R4")) == []
    assert list(faults(b'{"resourceType": "Patient", "id": 1}', "application/fhir+json", "R4"))
