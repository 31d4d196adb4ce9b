"""What the public answers of UVA's Protocol Builder mean."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.irb import LISTS
from connectors.rest_elements import elements
from connectors.rest_stream import record as made
from mappings.code_tables import load_codes
from mappings.collection import load_library

DATA = Path(__file__).parents[3] / "shared" / "data" / "irb" / "cr-connect-protocol-builder"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")
LIBRARY = load_library(codes=load_codes(), packaged=True)


def read(mapping, stream, file, record):
    """What a file's elements mean, each marked with the study it was asked for."""
    listing = LISTS["protocol_builder"][stream]
    found, _ = elements((DATA / file).read_bytes(), listing.records)
    reader = LIBRARY.reader([f"protocol_builder/{mapping}"])
    mark = {"STUDY": "12345"} if listing.marked else {}
    return [reader(record(json.dumps(mark | one.value), "application/json")) for one in found]


def statements(meanings, entity):
    return [one for meaning in meanings for one in meaning.statements if one.entity == entity]


def test_four_studies_and_a_date_that_is_null_stays_so(record):
    found = read("study", "user_studies", "user_studies.json", record)

    studies = statements(found, "Study")
    assert {one.key for one in studies} == {"11111", "54321", "65432", "1"}
    assert [one.key for one in studies if not one.at] == ["65432"]


def test_a_review_type_nobody_knows_is_flagged_and_not_guessed(record):
    found = read("study", "user_studies", "user_studies.json", record)

    levels = {one.key: (one.fields.get("review_level"), one.fields["review_level_native"])
              for one in statements(found, "IrbSubmission")}  # fmt: skip
    assert levels == {
        "11111|initial": ("full_board", "2"), "54321|initial": ("full_board", "2"),
        "65432|initial": ("expedited", "3"), "1|initial": (None, "21"),
    }  # fmt: skip
    assert [c.found for meaning in found for c in meaning.complaints] == ["21"]


def test_one_pi_two_si_a_contact_and_a_coordinator(record):
    found = statements(
        read("staff", "investigators", "investigators.json", record), "StaffAssignment"
    )

    assert Counter(one.fields["role_native"] for one in found) == {
        "PI": 1,
        "SI": 2,
        "DC": 1,
        "IRBC": 1,
    }
    assert Counter(one.fields["role"] for one in found)["sub_i"] == 2


def test_a_date_in_words_is_its_day(record):
    (info,) = statements(read("irb-info", "irb_info", "irb_info.json", record), "IrbSubmission")

    assert info.fields["meeting_on"] == "2021-04-25"
    assert info.fields["state"] == "pre_review"


def test_numbers_of_drugs_and_device(record):
    (study,) = statements(read("details", "study", "study_details.json", record), "Study")

    assert [(one.type, one.value) for one in study.identifiers] == [
        ("ind", "1234"), ("ind", "2345"), ("ind", "3456"), ("ide", "12345"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["required_docs.json", "study_details.json", "sponsors.json"])
def test_an_object_and_an_array_are_both_elements(name):
    found, _ = elements((DATA / name).read_bytes(), "@")

    assert len(found) == {"sponsors.json": 3}.get(name, 1)
    assert not any(one.fault for one in found)


def test_an_id_is_the_same_as_a_number_and_as_text():
    docs = json.loads((DATA / "required_docs.json").read_text())["AUXDOCS"]
    kinds = {type(one["SS_AUXILIARY_DOC_TYPE_ID"]) for one in docs}
    listing = LISTS["protocol_builder"]["required_docs"].model_copy(
        update={"records": "AUXDOCS", "id": "SS_AUXILIARY_DOC_TYPE_ID"}
    )
    found, _ = elements((DATA / "required_docs.json").read_bytes(), "AUXDOCS")

    records = [
        made("docs", listing.stream("1"), one, datetime(2026, 1, 1, tzinfo=UTC)) for one in found
    ]

    assert kinds == {int, str}
    assert [one.of or one.message_key.partition("@")[0] for one in records][:2] == [
        "docs/6",
        "docs/24",
    ]
