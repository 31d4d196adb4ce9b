"""Lineage is read off the mappings: which source field can reach which canonical field."""

from mappings.collection import load_library
from mappings.lineage import lineage, markdown

INBOUND = """\
reads: application/fhir+json
states:
  Participant:
    key: id
    identifiers: {each: identifier, is: mrn, value: .value}
    sex: {path: gender, then: [code sex]}
  Enrollment:
    key: id
    state: {call: fhir.subject_state}
"""
OUTBOUND = """\
when: {entity: Participant}
writes: application/json
resource: {who: {sex: {path: sex, then: [upper]}}, ids: ["identifier(mrn)"]}
"""


def library(tmp_path, codes):
    for name, text in (("inbound/patient", INBOUND), ("outbound/out", OUTBOUND)):
        path = tmp_path / "library" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return load_library(tmp_path / "library", codes=codes)


def test_every_way_in_and_out_is_a_line(tmp_path, codes):
    found = {
        (one.entity, one.field, one.direction, one.path, one.steps)
        for one in lineage(library(tmp_path, codes))
    }

    assert found == {
        ("Participant", "key", "in", "id", ""),
        ("Participant", "identifiers (mrn)", "in", "identifier .value", ""),
        ("Participant", "sex", "in", "gender", "code sex"),
        ("Participant", "sex_native", "in", "gender", "code sex"),
        ("Enrollment", "key", "in", "id", ""),
        ("Enrollment", "state", "in", "progress", "call fhir.subject_state"),
        ("Enrollment", "state", "in", "status", "call fhir.subject_state"),
        ("Participant", "sex", "out", "who.sex", "upper"),
        ("Participant", "identifier(mrn)", "out", "ids[0]", ""),
    }


def test_the_crosswalk_page_has_a_table_for_each_entity(tmp_path, codes):
    page = markdown(lineage(library(tmp_path, codes)))

    assert "## Enrollment" in page
    assert "| sex | ← | application/fhir+json | `gender` | code sex | patient |" in page
    assert "| sex | → | application/json | `who.sex` | upper | out |" in page
