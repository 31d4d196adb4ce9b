"""Keys made of several parts, and references between FHIR resources."""

import json

import pytest

from mappings.mistakes import MappingErrors

JOINED = """\
reads: application/fhir+json
states:
  StudyArm:
    key: {join: [id, name], joiner: "|", whole: WHOLE}
    study: {path: study, then: [TRANSFORM], refers: Study}
"""


@pytest.fixture
def read(mapping, record):
    def read(resource, whole="true", transform="reference ResearchStudy"):
        made = mapping(JOINED.replace("WHOLE", whole).replace("TRANSFORM", transform))
        return made(record(json.dumps(resource), "application/fhir+json"))

    return read


def test_a_whole_key_needs_every_part(read):
    assert [one.key for one in read({"id": "1", "name": "A"}).statements] == ["1|A"]

    meaning = read({"id": "1"})

    assert meaning.statements == ()
    assert [one.rule for one in meaning.complaints] == ["no-key"]


def test_a_key_that_is_not_whole_is_made_of_what_is_there(read):
    assert [one.key for one in read({"id": "1"}, whole="false").statements] == ["1"]


@pytest.mark.parametrize("transform", ["reference", "reference researchStudy", "reference *"])
def test_a_reference_names_a_type_of_resource(read, transform):
    with pytest.raises(MappingErrors, match="reference"):
        read({"id": "1", "name": "A"}, transform=transform)


@pytest.mark.parametrize("whole", ["yes", "[]"])
def test_whole_is_true_or_false(read, whole):
    with pytest.raises(MappingErrors, match="true"):
        read({"id": "1", "name": "A"}, whole=whole)


@pytest.mark.parametrize(
    "url", ["", 5, None, "Patient", "/", "Patient/", "patient/1", "x" * 10_000, "Patient/a b"]
)
def test_a_delete_that_does_not_say_of_what_says_nothing(mapping, record, url):
    made = mapping(
        "reads: application/fhir+json\nwhen: {resourceType: Patient}\n"
        "states: {Participant: {key: id}}\n"
    )

    meaning = made(
        record(
            json.dumps({"request": {"method": "DELETE", "url": url}}),
            "application/fhir+json",
            said="gone",
        )
    )

    assert meaning.statements == ()
