"""The entities keep the promises that the rest of the hub derives from them."""

import re

import pytest
from sqlalchemy import JSON, LargeBinary, create_engine, inspect
from sqlmodel import SQLModel

import hub.model
from hub.model.base import ENVELOPE, SEALED
from hub.model.spec import by_plural, entities

SPECS = list(entities().values())
FIELDS = [(spec, field) for spec in SPECS for field in spec.fields.values()]


def test_every_entity_is_exported_and_every_export_is_an_entity():
    assert sorted(hub.model.__all__) == sorted(entities())


def test_every_entity_becomes_a_table_with_the_envelope():
    engine = create_engine("sqlite://")

    SQLModel.metadata.create_all(engine, [spec.table for spec in SPECS])

    for spec in SPECS:
        columns = {column["name"] for column in inspect(engine).get_columns(spec.table.name)}
        assert columns == {*ENVELOPE, *(field.column for field in spec.fields.values())}
    engine.dispose()


def test_a_field_is_sealed_exactly_where_its_column_holds_bytes():
    for spec, field in FIELDS:
        sealed = isinstance(spec.table.c[field.column].type, LargeBinary)

        assert field.sealed == sealed, f"{spec.name}.{field.name}"


def test_personal_data_and_arms_live_only_in_entities_of_their_own():
    for spec, field in FIELDS:
        assert field.sealed == spec.sealed, f"{spec.name}.{field.name}"
    assert {spec.name for spec in SPECS if spec.sealed} == {"ParticipantPhi", "EnrollmentArm"}


def test_a_sealed_entity_lies_beside_an_open_one_and_shares_its_id():
    for spec in SPECS:
        assert bool(spec.beside) == spec.sealed
        if spec.beside:
            assert not entities()[spec.beside].sealed
            assert spec.table.c.id.type.length == 36
            assert not isinstance(spec.table.c.id.type, LargeBinary)


def test_a_python_type_of_a_sealed_field_is_bytes():
    for spec, field in FIELDS:
        if field.sealed:
            assert spec.kind.model_fields[field.column].annotation == bytes | None


def test_a_reference_points_to_an_entity_and_is_indexed():
    for spec, field in FIELDS:
        if field.meta.kind == "ref":
            assert field.meta.of in entities(), f"{spec.name}.{field.name}"
            assert field.column == f"{field.name}_id"
            assert spec.table.c[field.column].index


def test_a_list_is_kept_as_json():
    for spec, field in FIELDS:
        if field.meta.kind == "texts" and not field.sealed:
            assert isinstance(spec.table.c[field.column].type, JSON)


def test_every_column_may_be_empty_and_says_what_it_is():
    for spec, field in FIELDS:
        assert spec.table.c[field.column].nullable, f"{spec.name}.{field.name}"
        assert field.meta.says.strip(), f"{spec.name}.{field.name}"


def test_a_status_keeps_the_words_of_its_source_beside_it():
    coded_by_sources = {
        "status", "state", "kind", "role", "sex", "phase", "employment_status", "scope", "level",
        "category", "severity", "direction", "outcome", "billing_status", "designation", "payer",
    }  # fmt: skip
    for spec, field in FIELDS:
        if field.meta.kind == "code" and field.name in coded_by_sources:
            assert f"{field.name}_native" in spec.fields, f"{spec.name}.{field.name}"


def test_codes_are_lower_case_words_without_repetition():
    for spec, field in FIELDS:
        codes = field.meta.codes
        assert len(set(codes)) == len(codes), f"{spec.name}.{field.name}"
        written = {"country": r"[A-Z]{2}", "currency": r"[A-Z]{3}"}.get(field.name, r"[a-z0-9_]+")
        assert all(re.fullmatch(written, code) for code in codes), f"{spec.name}.{field.name}"


def test_a_label_is_a_field_of_its_entity():
    for spec in SPECS:
        assert spec.label in {"", *spec.fields}, spec.name


def test_plurals_are_kebab_case_and_unique():
    assert len(by_plural()) == len(SPECS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", plural) for plural in by_plural())
    assert {"participants", "studies", "enrollments", "participant-visits"} <= set(by_plural())


def test_identifier_patterns_are_regular_expressions_for_the_normal_form():
    for spec in SPECS:
        for kind in spec.identifiers.values():
            for pattern in (kind.form, *kind.placeholders):
                re.compile(pattern)
            assert kind.check in {"", "npi", "orcid", "ror", "dea"}


def test_identifiers_stand_strongest_first():
    for spec in SPECS:
        strengths = [kind.strong for kind in spec.identifiers.values()]

        assert strengths == sorted(strengths, reverse=True), spec.name


def test_numbers_that_name_a_patient_are_marked_as_personal_data():
    kinds = entities()["Participant"].identifiers

    assert {kind.type for kind in kinds.values() if kind.sensitivity not in SEALED} == {
        "research_id"
    }


@pytest.mark.parametrize("spec", [s for s in SPECS if s.lifecycle], ids=lambda spec: spec.name)
def test_a_lifecycle_speaks_of_every_state_and_of_no_other(spec):
    states = spec.fields[spec.lifecycle.field].meta.codes

    assert set(spec.lifecycle.steps) == set(states)
    assert {new for after in spec.lifecycle.steps.values() for new in after} <= set(states)
    assert set(spec.lifecycle.always) <= set(states)


@pytest.mark.parametrize("spec", [s for s in SPECS if s.lifecycle], ids=lambda spec: spec.name)
def test_every_state_can_be_reached_from_the_first(spec):
    lifecycle = spec.lifecycle
    reached = {next(iter(lifecycle.steps))}

    while new := {n for n in lifecycle.steps for o in reached if lifecycle.allows(o, n)} - reached:
        reached |= new

    assert reached == set(lifecycle.steps)


def test_what_an_entity_says_of_itself_is_one_line():
    for spec in SPECS:
        assert spec.says.endswith("."), spec.name
        assert "\n" not in spec.says
