"""The tables of CDC ReportStream: rows are refused one by one, by line, and good rows load."""

import pytest

from connectors.files import Files
from mappings.code_tables import load_codes
from mappings.collection import load

MAPPING = """\
reads: text/csv;row
states:
  ParticipantVisit:
    key: specimen_id
    actual_on: {path: test_time, then: [DATE]}
    visit_type: lab
"""


@pytest.fixture
def pull(data):
    folder = data / "csv" / "cdc-reportstream" / "csv_test_files" / "input"

    def pull(name, **settings):
        stream = {"glob": name, "format": "csv", "settle": 0, **settings}
        return list(Files(path=folder, streams={"rows": stream}).pull("rows", ""))

    return pull


@pytest.fixture
def dates(tmp_path, pull):
    """What each of the seven rows of weird-dates says, by a transform."""

    def dates(transform):
        path = tmp_path / "mapping.yaml"
        path.write_text(MAPPING.replace("DATE", transform))
        mapping = load(path, codes=load_codes())
        meanings = [mapping(record) for record in pull("weird-dates.csv")]
        return [
            one.statements[0].fields.get(
                "actual_on", one.complaints[0].rule if one.complaints else ""
            )
            for one in meanings
        ]

    return dates


BAD = "unreadable-date"


def test_only_the_spelling_that_needs_no_guess_is_a_date_by_itself(dates):
    assert dates("date") == [BAD, BAD, BAD, BAD, BAD, "2020-01-31", BAD]


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ('"date_as MON DD, YYYY"', [0, 4]),
        ("date_as MM-DD-YYYY", [1]),
        ("date_as MM/DD/YYYY", [2, 6]),
        ("date_as DD/MM/YYYY", [3]),
        ("date_as YYYY-MM-DD", [5]),
    ],
)
def test_a_form_that_is_set_reads_its_own_spelling_and_no_other(dates, form, rows):
    found = dates(form)

    assert [row for row, one in enumerate(found) if one == "2020-01-31"] == rows
    assert {one for row, one in enumerate(found) if row not in rows} == {BAD}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("missing-data.csv", "line 2: 1 cells where the header has 7"),
        ("too-much-data.csv", "line 2: 8 cells where the header has 7"),
    ],
)
def test_a_row_that_does_not_fit_its_header_is_refused_by_line(pull, name, fault):
    [record] = pull(name, threshold=1)

    assert record.fault.endswith(fault)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("completely-empty-file.csv", "CROHUB-FILE-EMPTY"),
        ("not-a-csv-file.csv", "CROHUB-CSV-HEADER"),
        ("too-many-columns.csv", "CROHUB-CSV-HEADER"),
    ],
)
def test_a_file_that_is_no_table_is_refused_as_a_whole(pull, name, code):
    [record] = pull(name)

    assert code in record.fault


def test_a_header_alone_is_no_row_and_no_fault(pull):
    assert pull("column-headers-only.csv") == []


@pytest.mark.parametrize("name", ["happy-path.csv", "change-column-ordering.csv", "weird-data.csv"])
def test_good_rows_load_whatever_the_order_of_the_columns(pull, tmp_path, name):
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING.replace("DATE", "date"))
    mapping = load(path, codes=load_codes())

    said = [mapping(record).statements[0] for record in pull(name)]

    assert [one.key for one in said] == [
        "28504428", "46000469", "89423698", "22829307", "77404373", "43269633", "31027967",
    ]  # fmt: skip
    assert {one.fields["actual_on"] for one in said} == {"2020-10-10"}


def test_commas_quotes_and_tabs_are_data(pull, tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING.replace("DATE", "date"))
    mapping = load(path, codes=load_codes())

    labs = [
        mapping(record).statements[0].fields["visit_type"]
        for record in pull("quoted-strings-with-embedded-commas.csv")
    ]

    assert labs[:3] == ["Bob's Country Bunker Lab", "Labs, Inc", "'Labs Inc'"]
    assert "\t" in labs[3]


def test_the_good_rows_of_a_file_load_beside_the_bad_one(data, tmp_path):
    folder = data / "csv" / "cdc-reportstream" / "csv_test_files" / "input"
    good = (folder / "happy-path.csv").read_bytes()
    bad = (folder / "too-much-data.csv").read_bytes().splitlines(keepends=True)[1]
    (tmp_path / "mixed.csv").write_bytes(good + bad)
    stream = {"glob": "*.csv", "format": "csv", "settle": 0, "threshold": 0.5}

    records = list(Files(path=tmp_path, streams={"rows": stream}).pull("rows", ""))

    assert [bool(record.fault) for record in records] == [False] * 7 + [True]
    assert "line 9" in records[-1].fault
