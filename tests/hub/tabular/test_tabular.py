"""Tables go out in four forms: the same values in each, nothing that a spreadsheet would run, and
no more in memory than a piece."""

from __future__ import annotations

import csv
import io
import tracemalloc

import openpyxl
import orjson
import pytest
from pyarrow import parquet

from hub.tabular import workbook
from hub.tabular.column import Column
from hub.tabular.formats import FORMATS

COLUMNS = (
    Column("name"), Column("count", "integer"), Column("amount", "decimal"), Column("open", "flag"),
    Column("since", "date"), Column("seen", "moment"), Column("codes", "texts"),
    Column("of", "json"), Column("share", "number"),
)  # fmt: skip
ROWS = [
    ("Åsa & <Bo>\n\"x\"", 7, "1.10", True, "2026-03", "2026-03-01T08:30:00.000001Z", ["a", "b"],
     {"id": "1"}, 0.5),
    (None,) * 9,
    ("=1+1", -2, "12345678901234567.5", False, "2026", "2026-03-01T08:30:00Z", [], [1], 2),
]  # fmt: skip


def made(name, rows=ROWS, columns=COLUMNS) -> bytes:
    return b"".join(FORMATS[name].written(columns, rows))


def test_a_line_of_ndjson_is_a_row_as_it_is():
    names = [column.name for column in COLUMNS]

    lines = made("ndjson").splitlines()

    assert [tuple(orjson.loads(line).values()) for line in lines] == ROWS
    assert list(orjson.loads(lines[0])) == names


def test_csv_is_read_back_and_runs_nothing():
    header, first, empty, third = csv.reader(io.StringIO(made("csv").decode(), newline=""))

    assert header == [column.name for column in COLUMNS]
    assert first == [
        'Åsa & <Bo>\n"x"', "7", "1.10", "true", "2026-03", "2026-03-01T08:30:00.000001Z", "a; b",
        '{"id":"1"}', "0.5",
    ]  # fmt: skip
    assert empty == [""] * 9
    assert third[:4] == ["'=1+1", "-2", "12345678901234567.5", "false"]


def test_parquet_keeps_types_and_precision():
    table = parquet.read_table(io.BytesIO(made("parquet")))
    rows = [tuple(row.values()) for row in table.to_pylist()]

    assert rows[0][:5] == ROWS[0][:5]
    assert rows[0][5].isoformat() == "2026-03-01T08:30:00.000001+00:00"
    assert rows[0][6:] == (["a", "b"], '{"id":"1"}', 0.5)
    assert rows[1] == (None,) * 9
    assert rows[2][:3] == ROWS[2][:3]
    assert table.schema.field("amount").metadata == {b"kind": b"decimal"}


def test_a_workbook_is_read_back_and_runs_nothing():
    sheet = openpyxl.load_workbook(io.BytesIO(made("xlsx"))).active
    header, first, empty, third = sheet.iter_rows(values_only=True)

    assert header == tuple(column.name for column in COLUMNS)
    assert first == (
        'Åsa & <Bo>\n"x"', 7, 1.1, True, "2026-03", "2026-03-01T08:30:00.000001Z", "a; b",
        '{"id":"1"}', 0.5,
    )  # fmt: skip
    assert set(empty) == {None}
    assert third[:4] == ("'=1+1", -2, "12345678901234567.5", False)
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {
        "s",
        "n",
        "b",
        "inlineStr",
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(start):
    columns, rows = [Column(f"{start}n")], [(f"{start}HYPERLINK(1)",)]

    sheet = openpyxl.load_workbook(io.BytesIO(made("xlsx", rows, columns))).active
    cells = [
        row[0] for row in csv.reader(io.StringIO(made("csv", rows, columns).decode(), newline=""))
    ]

    assert all(cell.startswith("'") for cell in cells)
    assert all(value.startswith("'") for (value,) in sheet.iter_rows(values_only=True))


def test_a_workbook_says_that_a_text_is_cut_and_refuses_more_rows_than_a_sheet_has(monkeypatch):
    long = made("xlsx", [("x" * 40_000,)], [Column("n")])
    value = openpyxl.load_workbook(io.BytesIO(long)).active["A2"].value
    monkeypatch.setattr(workbook, "MOST", 3)

    assert len(value) == 32_767
    assert value.endswith("… (cut)")
    with pytest.raises(workbook.TooMany, match="3 rows"):
        made("xlsx", [("x",)] * 4, [Column("n")])


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_of_any_length_takes_no_more_than_a_piece(name):
    rows = ((f"row {number}", number) for number in range(60_000))
    columns = [Column("name"), Column("number", "integer")]
    pieces = FORMATS[name].written(columns, rows)
    next(pieces)
    tracemalloc.start()

    size = sum(len(piece) for piece in pieces)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size > 100_000
    assert peak < 4_000_000


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_without_a_row_is_a_whole_one(name):
    written = made(name, [])

    assert name == "ndjson" or written
    if name == "parquet":
        assert parquet.read_table(io.BytesIO(written)).num_rows == 0
