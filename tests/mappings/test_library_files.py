"""The packaged staff roster: what a row says, what it takes back, and the sandbox's own rosters."""

import csv
import io
from datetime import timedelta

import pytest

from connectors.formats import tables
from crohub.sandbox.days import play
from crohub.sandbox.founding import found
from crohub.sandbox.planted import BEGINS
from mappings.code_tables import load_codes
from mappings.collection import load_library

LIBRARY = load_library(codes=load_codes(), packaged=True)
READER = LIBRARY.reader(["files/roster"])


@pytest.fixture
def read(record):
    """What a row with these cells means."""

    def read(**cells):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, cells)
        writer.writeheader()
        writer.writerow(cells)
        return READER(record(text.getvalue(), tables.MEDIA))

    return read


def test_a_row_is_all_that_the_personnel_system_says(read):
    [person] = read(employee_id="E1", family_name="Hollis", left_on="").statements

    assert person.complete
    assert person.fields == {"family_name": "Hollis"}


def test_a_row_without_a_number_says_nothing(read):
    assert read(employee_id="", family_name="Hollis").statements == ()


@pytest.mark.parametrize(
    ("said", "read_as"),
    [("2024-02-29", "2024-02-29"), ("2024-02", "2024-02"), ("20240229", "2024-02-29")],
)
def test_a_date_is_as_precise_as_it_is_said(read, said, read_as):
    [person] = read(employee_id="E1", hired_on=said).statements

    assert person.fields["hired_on"] == read_as


@pytest.mark.parametrize("said", ["31/02/2024", "1/2/2024", "2023-02-29", "Jan 2, 2024", "45292"])
def test_a_date_that_would_be_a_guess_is_left_out_with_a_finding(read, said):
    meaning = read(employee_id="E1", family_name="Hollis", hired_on=said)

    assert meaning.statements[0].fields == {"family_name": "Hollis"}
    assert [(one.rule, one.place) for one in meaning.complaints] == [
        ("unreadable-date", "hired_on")
    ]


def test_numbers_keep_their_zeros_and_shares_their_digits(read):
    [person] = read(employee_id="007", fte="0.50").statements

    assert (person.key, person.fields["fte"]) == ("007", "0.50")


def test_an_employee_number_is_told_apart_by_its_employer(read):
    meaning = read(employee_id="E1", employer="CEDARMESA")

    [number] = meaning.statements[0].identifiers
    assert (number.type, number.value, number.assigner) == ("hr_id", "E1", "CEDARMESA")


def test_a_role_on_a_study_needs_both_columns(read):
    with_both = read(employee_id="E1", study_nct="NCT99000101", study_role="PI")
    with_one = read(employee_id="E1", study_nct="NCT99000101")

    assert [one.entity for one in with_both.statements] == ["Person", "StaffAssignment"]
    assert with_both.statements[1].fields["role"] == "pi"
    assert [one.entity for one in with_one.statements] == ["Person"]


def rows(roster):
    """The rows of a roster as its file would be read."""
    return tables.pieces(io.BytesIO(roster), tables.Dialect())


def test_the_sandboxs_rosters_are_read_and_only_the_planted_slips_are_found(record):
    world = found(7, BEGINS)
    days = [play(world, BEGINS + timedelta(days=n)) for n in range(10)]

    meanings = [
        [READER(record(piece.body, tables.MEDIA)) for piece in rows(day.roster)] for day in days
    ]

    assert all(len(meaning.statements) == 1 for day in meanings for meaning in day)
    found_in = [
        (n, one.rule, one.place)
        for n, day in enumerate(meanings)
        for meaning in day
        for one in meaning.complaints
    ]
    assert found_in == [(9, "unreadable-date", "hired_on")]
