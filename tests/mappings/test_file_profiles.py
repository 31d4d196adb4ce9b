"""File profiles: every entity of the model has a source, and each template says what is read."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import openpyxl
import pytest

from connectors.files import Files
from connectors.formats import tables
from hub.model.spec import entities
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.setting import Context

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/connectors/file-profiles.md").read_text("utf-8")
TEMPLATES = ROOT / "mappings/library/inbound/files/templates"
LIBRARY = load_library(codes=load_codes(), packaged=True)
PROFILES = {
    name: spec
    for name, spec in LIBRARY.inbound.items()
    if any(case.given.parent == TEMPLATES for case in spec.cases)
}
UNSTATED: dict[str, str] = {}  # entities that no mapping states, each with its reason


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def read(record):
    """What a row with these cells means to a profile."""

    def read(name, cells, **parameters):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, cells)
        writer.writeheader()
        writer.writerow(cells)
        reader = LIBRARY.reader([f"files/{name}"], Context(parameters=parameters))
        return reader(record(text.getvalue(), tables.MEDIA))

    return read


# -- every entity has a source


def test_every_entity_of_the_model_is_stated_by_a_mapping_of_the_library():
    stated = {thing.entity for spec in LIBRARY.inbound.values() for thing in spec.things}

    assert set(entities()) - stated == set(UNSTATED)
    assert all(UNSTATED.values())


# -- templates


def test_there_is_a_template_for_every_profile_and_a_profile_for_every_template():
    used = {case.given for spec in PROFILES.values() for case in spec.cases}

    assert set(TEMPLATES.iterdir()) <= used
    assert len(PROFILES) > 40


@pytest.mark.parametrize("name", PROFILES)
def test_a_template_has_the_columns_that_its_mapping_reads(name):
    spec = PROFILES[name]
    (template,) = {case.given for case in spec.cases if case.given.parent == TEMPLATES}
    (row,) = rows(template)

    unread = {"Email", "Registration Date"} if name == "files/citi" else set()
    assert set(row) - set(spec.sources()) == unread
    assert set(spec.sources()) - set(row) == set()


@pytest.mark.parametrize("name", PROFILES)
def test_a_template_states_all_that_its_mapping_can(name, record):
    (template,) = {case.given for case in PROFILES[name].cases if case.given.parent == TEMPLATES}
    meaning = LIBRARY.reader([name])(record(template.read_bytes(), tables.MEDIA))

    said = {one.entity: set(one.fields) for one in meaning.statements}
    assert meaning.complaints == ()
    for thing in PROFILES[name].things:
        assert set(thing.fields) == said[thing.entity] - _native(said[thing.entity])


def _native(names):
    return {one for one in names if one.endswith("_native") and one[:-7] in names}


@pytest.mark.parametrize("name", PROFILES)
def test_the_page_lists_each_template_with_its_mapping_and_its_entity(name):
    spec = PROFILES[name]
    (line,) = [one for one in PAGE.splitlines() if f"| `{name}` |" in one]

    assert all(f"[{thing.entity}]" in line for thing in spec.things)
    (template,) = re.findall(r"`([\w-]+\.csv)`", line)
    assert (TEMPLATES / template).is_file()


# -- what a row means


def test_a_row_without_its_number_says_nothing(read):
    assert read("contract", {"contract_no": "", "title": "CTA"}).statements == ()


def test_things_are_known_by_the_numbers_of_the_office(read):
    cells = {"contract_no": "C-1", "protocol_no": "ONC-1", "owner_email": "R.Hollis@u.example"}
    (contract,) = read("contract", cells, office="oncore").statements

    assert [(one.type, one.assigner) for one in contract.identifiers] == [("contract_no", "oncore")]
    study, owner = contract.fields["study"], contract.fields["owner"]
    assert [(one.type, one.value, one.assigner) for one in study.identifiers] == [
        ("local_protocol_no", "ONC-1", "oncore")
    ]
    assert [one.value for one in owner.identifiers] == ["r.hollis@u.example"]


def test_a_word_that_is_no_code_is_unknown_with_a_finding(read):
    meaning = read("contract", {"contract_no": "C-1", "kind": "Handshake", "title": "CTA"})

    said = {"contract_no": "C-1", "title": "CTA", "kind": None, "kind_native": "Handshake"}
    assert meaning.statements[0].fields == said
    assert [one.field for one in meaning.complaints] == ["kind"]


def test_a_delegation_log_in_a_workbook_means_what_its_template_does(tmp_path):
    (row,) = rows(TEMPLATES / "delegations.csv")
    made = openpyxl.Workbook()
    made.active.append(list(row))
    made.active.append(list(row.values()))
    made.save(tmp_path / "log.xlsx")
    stream = {"glob": "*.xlsx", "format": "xlsx", "settle": 0}
    system = Files.model_validate({"path": tmp_path, "streams": {"log": stream}})

    (record,) = system.pull("log", "")
    (case,) = LIBRARY.inbound["files/delegation"].cases
    reader = LIBRARY.reader(["files/delegation"])

    (delegation,) = reader(record).statements
    assert delegation.fields["tasks"] == ["consent", "eligibility"]
    assert delegation.key == row["delegation_no"]
    assert case.given == TEMPLATES / "delegations.csv"


# -- CITI


CITI = {"Completion Report ID": "5", "Member ID": "7", "Completion Date": "03/04/2026"}


def test_a_private_address_says_nothing_of_whom_a_completion_is(read):
    person, _ = read("citi", CITI | {"Email": "x@home.example"}).statements

    assert [one.type for one in person.identifiers] == ["citi_member_id"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"Institutional Email": "X@u.example"}, ("email_institutional", "x@u.example", "")),
        ({"Employee Number": "E1"}, ("hr_id", "E1", "personnel")),
    ],
)
def test_a_completion_is_of_whom_address_or_number_say(read, cells, expected):
    person, training = read("citi", CITI | cells, employer="personnel").statements

    assert expected in [(one.type, one.value, one.assigner) for one in person.identifiers]
    assert training.fields["person"].key == person.key


@pytest.mark.parametrize(
    ("form", "day"), [("MM/DD/YYYY", "2026-03-04"), ("DD/MM/YYYY", "2026-04-03")]
)
def test_the_form_of_a_date_is_said_and_not_guessed(read, form, day):
    _, training = read("citi", CITI, date_form=form).statements

    assert training.fields["completed_on"] == day


def test_a_date_in_another_form_is_a_finding(read):
    _, training = (meaning := read("citi", CITI)).statements

    assert "completed_on" not in training.fields
    assert [one.place for one in meaning.complaints] == ["Completion Date"]
