"""The API's models describe every entity and keep what is sealed apart."""

import pytest
from pydantic import ValidationError

from hub.model.shape import sealed_beside, shape
from hub.model.spec import entities

ENVELOPE = {
    "id": "018f",
    "version": 1,
    "valid_from": "2026-03-01",
    "recorded_at": "2026-03-01T08:30Z[+00:00]",
    "quality": "ok",
    "withdrawn": False,
}


@pytest.mark.parametrize("name", entities())
def test_every_entity_has_a_schema_with_its_fields_in_order(name):
    schema = shape(name).model_json_schema()

    fields = [field for field in schema["properties"] if field in entities()[name].fields]
    assert fields == list(entities()[name].fields)


def test_a_record_is_described_with_references_codes_and_identifiers():
    record = ENVELOPE | {
        "study": {"entity": "Study", "id": "018e", "label": "ONC-101"},
        "state": "enrolled",
        "state_native": "ON STUDY",
        "withdrawal_scope": ["treatment"],
        "identifiers": [{"type": "subject_number", "value": "S-0007", "assigner": "ONC-101"}],
    }

    shown = shape("Enrollment").model_validate(record)

    assert shown.model_dump(exclude_unset=True) == record


@pytest.mark.parametrize("wrong", [{"state": "ON STUDY"}, {"eligible": []}, {"arm": {}}, {"x": 1}])
def test_what_an_entity_does_not_have_does_not_fit(wrong):
    with pytest.raises(ValidationError):
        shape("Enrollment").model_validate(ENVELOPE | wrong)


def test_sealed_fields_appear_only_when_asked_for():
    open_names = set(shape("Participant").model_fields)
    sealed_names = set(shape("Participant", with_sealed=True).model_fields)

    assert sealed_names - open_names == {"phi"}
    assert set(sealed_beside("Enrollment")) == {"arm"}
    record = ENVELOPE | {"phi": {"family_name": "DOE", "address_lines": ["1 MAIN ST"]}}
    assert shape("Participant", with_sealed=True).model_validate(record).phi.family_name == "DOE"


def test_the_same_question_gives_the_same_model():
    assert shape("Study") is shape("Study")
