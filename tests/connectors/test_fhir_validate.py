"""Validation beside the data: complaints name paths and codes, never values."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.fhir.validate import complaints

_EXAMPLES = Path(__file__).parents[3] / "shared/data/fhir"


def test_a_sound_resource_has_no_complaints():
    body = b'{"resourceType": "ResearchStudy", "status": "active"}'

    assert complaints(body, "R4") == []


def test_the_version_is_never_guessed():
    subject = (
        b'{"resourceType": "ResearchSubject", "status": "on-study", '
        b'"study": {"reference": "ResearchStudy/1"}, "individual": {"reference": "Patient/1"}}'
    )

    assert complaints(subject, "R4B") == []
    assert "individual: extra_forbidden" in complaints(subject, "R5")


def test_a_complaint_names_the_path_and_no_value():
    found = complaints(b'{"resourceType": "Patient", "birthDate": "ZZPHI", "zz": 1}', "R4")

    assert any(line.startswith("birthDate: ") for line in found)
    assert "zz: extra_forbidden" in found
    assert "ZZPHI" not in "".join(found)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"resourceType": "FooType"}', "resourceType: unknown"),
        (b'{"resourceType": "Element"}', "resourceType: unknown"),
        (b'{"resourceType": "../os"}', "resourceType: unknown"),
        (b"[]", "resourceType: unknown"),
        (b'{"a": ', "line 1 column 7: no JSON"),
        (
            b'{"resourceType": "Patient", "contained": [{"resourceType": "FooType"}]}',
            "contained or entry: resourceType unknown",
        ),
    ],
)
def test_what_the_models_do_not_know_is_a_complaint_too(body, complaint):
    assert complaints(body, "R4") == [complaint]


@pytest.mark.skipif(not _EXAMPLES.exists(), reason="../shared/data is not there")
def test_all_r4_examples_of_hl7_are_sound():
    files = sorted((_EXAMPLES / "r4-examples").glob("*.json"))

    assert len(files) == 182
    assert {path.name for path in files if complaints(path.read_bytes(), "R4")} == set()


@pytest.mark.skipif(not _EXAMPLES.exists(), reason="../shared/data is not there")
def test_real_traffic_is_complained_about_and_goes_on():
    body = (_EXAMPLES / "cdc-reportstream/valid_data.fhir").read_bytes()

    found = complaints(body, "R4")

    assert any("source.endpoint" in line for line in found)
