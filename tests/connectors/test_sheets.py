"""Workbooks from strangers: what is refused before a cell is read, and cells as text."""

import datetime as dt
import io
import os
import re
import warnings
import zipfile
from pathlib import Path

import openpyxl
import psutil
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from connectors.errors import Refused
from connectors.files import Files
from connectors.formats import sheets, tables, zips
from connectors.formats.sheets import Dialect, Limits
from connectors.promises import PullPromises

T0 = 1_760_000_000
REAL = Path(__file__).parents[3] / "shared/data/etmf/cr-connect-document-catalogue"


def book(*rows: list[object], also: dict[str, bytes] | None = None, change=None) -> bytes:
    """A workbook with these rows; `change` edits it, `also` adds members."""
    made = openpyxl.Workbook()
    sheet = made.active
    for row in rows:
        sheet.append(row)
    if change:
        change(made, sheet)
    body = io.BytesIO()
    made.save(body)
    return edited(body.getvalue(), also or {})


def edited(body: bytes, members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(made, "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, members.get(name, old.read(name)))
        for name in members.keys() - set(old.namelist()):
            new.writestr(name, members[name])
    return made.getvalue()


def part(body: bytes, name: str) -> bytes:
    return zipfile.ZipFile(io.BytesIO(body)).read(name)


def sheet_of(xml: str, **also: bytes) -> bytes:
    """A workbook whose sheet holds these rows as they are written in the file."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    whole = f"<worksheet {main}><sheetData>{xml}</sheetData></worksheet>"
    return edited(book(["x"]), {"xl/worksheets/sheet1.xml": whole.encode(), **also})


def read(body: bytes, **settings: object) -> list[dict[str, str] | str]:
    """Each row's cells, or its fault."""
    found = sheets.pieces(io.BytesIO(body), Dialect(**settings))
    return [piece.fault or tables.read_row(piece.body) for piece in found]


HEAD = ["id", "name", "on"]
NAMED = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>name</t></is></c></row>'
)


def test_cells_are_text():
    body = book(
        HEAD,
        [7, "Éva", dt.date(2026, 3, 1)],
        [7.25, True, dt.datetime.fromisoformat("2026-03-01T08:30")],
    )

    assert read(body) == [
        {"id": "7", "name": "Éva", "on": "2026-03-01"},
        {"id": "7.25", "name": "true", "on": "2026-03-01T08:30:00"},
    ]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (7, "00000", "00007"),
        (0.1 + 0.2, "General", "0.3"),
        (1e-7, "General", "0.0000001"),
        (123456789012345, "0", "123456789012345"),
        (-1.5, "#,##0.00;[Red]-#,##0.00", "-1.5"),
        (46082, "yyyy-mm-dd", "2026-03-01"),
        (46082, "DD/MM/YYYY", "2026-03-01"),
        (46082.5, "dd/mm/yyyy", "2026-03-01T12:00:00"),
        (46082, "m/d/yy h:mm", "2026-03-01T00:00:00"),
        (46082, "[$-409]d mmm yyyy;@", "2026-03-01"),
        (46082, '0" days"', "46082"),
        (0.354166666666667, "h:mm", "08:30:00"),
        (1.5, "[h]:mm", "1 day, 12:00:00"),
        (0.5, "0%", "0.5"),
    ],
)
def test_a_number_is_what_its_format_says_it_is(value, form, text):
    def change(_, sheet):
        sheet["A2"].number_format = form

    assert read(book(["id"], [value], change=change)) == [{"id": text}]


def test_days_may_count_from_1904():
    def change(made, sheet):
        made.epoch = CALENDAR_MAC_1904
        sheet["A2"].value = dt.date(2026, 3, 1)

    assert read(book(["id"], [1], change=change)) == [{"id": "2026-03-01"}]


def test_a_text_of_several_runs_is_one_and_how_it_is_read_aloud_is_not():
    row = (
        '<row r="2"><c r="A2" t="inlineStr"><is><r><t>ab</t></r><r><t> c</t></r>'
        "<rPh sb='0' eb='1'><t>xx</t></rPh></is></c></row>"
    )

    assert read(sheet_of(NAMED + row)) == [{"id": "ab c", "name": ""}]


def test_a_row_is_numbered_as_a_person_sees_it_and_blank_ones_are_passed_over():
    body = book([], ["id", "name"], [], ["1", "A"], [None, None], ["2", "B"])

    found = list(sheets.pieces(io.BytesIO(body), Dialect()))

    assert [(piece.number, piece.body) for piece in found] == [
        (4, b"id,name\r\n1,A\r\n"), (6, b"id,name\r\n2,B\r\n"),
    ]  # fmt: skip


def test_a_cell_with_delimiters_and_line_ends_stays_one_cell():
    assert read(book(["id", "name"], ["1", 'a,"b"\nc;d'])) == [{"id": "1", "name": 'a,"b"\nc;d'}]


# -- formulas


def formula(cached: str = "<v>5</v>", kind: str = "") -> bytes:
    row = f'<row r="2"><c r="A2"{kind}><f>SUM(1,4)</f>{cached}</c><c r="B2"><v>1</v></c></row>'
    return sheet_of(NAMED + row)


def test_a_formula_is_its_saved_value_with_a_note():
    [piece] = sheets.pieces(io.BytesIO(formula()), Dialect())

    assert tables.read_row(piece.body) == {"id": "5", "name": "1"}
    assert piece.notes == ("cell A2 is a formula; the value it had when it was saved was taken",)


def test_a_formula_may_be_refused():
    assert read(formula(), formulas="refuse") == [
        "row 2: cell A2 is a formula; save the sheet with values only"
    ]


@pytest.mark.parametrize("cached", ["", "<v></v>"])
def test_a_formula_that_was_never_worked_out_is_a_fault(cached):
    assert read(formula(cached)) == ["row 2: cell A2 holds a formula without a value"]


def test_an_empty_text_is_a_value_of_a_formula():
    assert read(formula("<v></v>", ' t="str"')) == [{"id": "", "name": "1"}]


def test_an_error_is_a_fault_that_names_the_cell():
    row = '<row r="2"><c r="B2" t="e"><v>#REF!</v></c></row><row r="3"><c r="A3"><v>1</v></c></row>'

    assert read(sheet_of(NAMED + row)) == [
        "row 2: cell B2 holds an error instead of a value", {"id": "1", "name": ""},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A2" t="s"><v>99</v></c>', '<c r="A2"><v>NaN</v></c>', '<c r="A2"><v>x</v></c>',
        '<c r="A2" s="77"><v>1</v></c>', '<c r="A2" t="s"><v>x</v></c>',
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_told_is_a_fault_and_not_shown(cell):
    [fault] = read(sheet_of(f'{NAMED}<row r="2">{cell}</row>'))

    assert fault == "row 2: cell A2 holds a value that cannot be told"


# -- the header


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["id", None, "name"]], "column B has no name"),
        ([["id", "on", "id"]], "columns A and C have the same name"),
        ([["id", "name"]], "column site is missing"),
        ([], "the sheet has no row"),
    ],
)
def test_a_header_that_cannot_be_is_refused(rows, said):
    columns = ("site",) if "missing" in said else ()

    with pytest.raises(Refused, match=said):
        read(book(*rows), columns=columns)


def test_a_cell_beyond_the_header_is_a_fault():
    assert read(book(["id"], ["1", None, "2"])) == [
        "row 2: cell C2 is beyond the header's 1 columns"
    ]


def test_the_sheet_is_the_named_one_or_the_first_that_is_not_hidden():
    def change(made, sheet):
        sheet.sheet_state = "hidden"
        made.create_sheet("Roster").append(["id"])
        made["Roster"].append(["2"])

    body = book(["id"], ["1"], change=change)

    assert read(body) == [{"id": "2"}]
    assert read(body, sheet="Sheet") == [{"id": "1"}]
    with pytest.raises(Refused, match="no sheet 'Other'"):
        read(body, sheet="Other")


# -- what is refused before it is read

RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId9" TargetMode="External" Target="http://127.0.0.1/x" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}"/>'
    "</Relationships>"
)
MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
PLAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/VBAPROJECT.BIN", "macros"),
        ("xl/macrosheets/sheet1.xml", "macros"),
        ("xl/externalLinks/externalLink1.xml", "links to other files"),
        ("xl/connections.xml", "a connection to a database"),
        ("xl/queryTables/queryTable1.xml", "a connection to a database"),
        ("xl/embeddings/oleObject1.bin", "an embedded file"),
        ("xl/activeX/activeX1.xml", "a control"),
    ],
)
def test_a_workbook_that_could_do_something_is_refused(name, what):
    with pytest.raises(Refused, match=f"CROHUB-SHEET-PARTS: the workbook has {what}"):
        read(book(["id"], ["1"], also={name: b"<x/>"}))


def test_a_workbook_that_calls_itself_one_with_macros_is_refused():
    plain = book(["id"], ["1"])
    types = part(plain, "[Content_Types].xml").replace(PLAIN.encode(), MACROS.encode())
    assert MACROS.encode() in types

    with pytest.raises(Refused, match="the workbook has macros"):
        read(edited(plain, {"[Content_Types].xml": types}))


@pytest.mark.parametrize("kind", ["externalLinkPath", "oleObject", "image", "package"])
def test_a_link_outward_is_refused_wherever_it_stands(kind):
    with pytest.raises(Refused, match="links to other files"):
        read(book(["id"], ["1"], also={"xl/worksheets/_rels/x.rels": RELS.format(kind).encode()}))


def test_a_hyperlink_in_a_cell_is_none():
    def change(_, sheet):
        sheet["A2"].hyperlink = "https://example.org/"

    assert read(book(["id"], ["1"], change=change)) == [{"id": "1"}]


def test_an_encrypted_or_old_workbook_is_refused():
    with pytest.raises(Refused, match=r"CROHUB-SHEET-OLD.*\.xlsx"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))


def test_a_workbook_that_explodes_is_refused():
    row = '<row><c t="inlineStr"><is><t>x</t></is></c></row>' * 120_000

    with pytest.raises(Refused, match="CROHUB-ZIP-RATIO"):
        read(sheet_of(NAMED + row))


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "name",
    ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml",
     "[Content_Types].xml", "xl/_rels/workbook.xml.rels"],
)  # fmt: skip
def test_a_doctype_in_any_part_is_refused(name):
    plain = sharing("x")
    bad = re.sub(rb"^(<\?xml.*?\?>)?", lambda m: m[0] + LAUGHS, part(plain, name), count=1)

    with pytest.raises(Refused, match="CROHUB-XML-DTD"):
        read(edited(plain, {name: bad}))


@pytest.mark.parametrize(
    ("rows", "limits", "code"),
    [
        ('<row r="9"><c r="A9"><v>1</v></c></row>', {"rows": 8}, "CROHUB-SHEET-ROWS"),
        ('<row r="999999999"><c><v>1</v></c></row>', {}, "CROHUB-SHEET-ROWS"),
        ('<row r="1"><c r="A1"><v>1</v></c></row>', {}, "CROHUB-SHEET-ROWS"),
        ('<row r="2"><c r="ZZZZ2"><v>1</v></c></row>', {}, "CROHUB-SHEET-COLUMNS"),
        ('<row r="2"><c r="D2"><v>1</v></c></row>', {"columns": 3}, "CROHUB-SHEET-COLUMNS"),
        ('<row r="2"><c/><c/><c/></row>', {"cells": 4}, "CROHUB-SHEET-CELLS"),
    ],
)
def test_limits_are_kept(rows, limits, code):
    with pytest.raises(Refused, match=code):
        read(sheet_of(NAMED + rows), limits=Limits(**limits))


def sharing(text: str) -> bytes:
    """A workbook whose second row refers to a shared text."""
    table = f'<sst xmlns="x"><si><t>-</t></si><si><r><t>{text}</t></r><r><t>!</t></r></si></sst>'
    cells = '<row r="2"><c r="A2" t="s"><v>1</v></c></row>'
    return edited(sheet_of(NAMED + cells), {"xl/sharedStrings.xml": table.encode()})


def test_a_shared_text_is_read_by_its_number():
    assert read(sharing("Ana")) == [{"id": "Ana!", "name": ""}]


def test_shared_texts_have_a_limit():
    with pytest.raises(Refused, match="CROHUB-SHEET-SIZE"):
        read(sharing("x" * 100), limits=Limits(texts=50))


def test_a_sheet_may_claim_any_size():
    plain = book(["id"], ["1"])
    sheet = part(plain, "xl/worksheets/sheet1.xml")
    claims = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"', sheet)
    assert claims != sheet

    assert read(edited(plain, {"xl/worksheets/sheet1.xml": claims})) == [{"id": "1"}]


def test_memory_does_not_grow_with_the_rows():
    def grown(count: int) -> int:
        rows = "".join(
            f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, count + 2)
        )
        dialect = Dialect(archive=zips.Limits(ratio=1000))
        found = sheets.pieces(io.BytesIO(sheet_of(NAMED + rows)), dialect)
        before, most = psutil.Process().memory_info().rss, 0
        for number, _ in enumerate(found):
            if number % 1000 == 0:
                most = max(most, psutil.Process().memory_info().rss)
        return most - before

    grown(1000)

    assert grown(60_000) < 12_000_000  # as a tree they take 50 MB


# -- workbooks in a folder


def drop(path: Path, name: str, body: bytes, *, time: float = T0) -> None:
    (path / name).write_bytes(body)
    os.utime(path / name, (time, time))


def files(path: Path, **stream: object) -> Files:
    return Files(
        path=path, streams={"roster": {"glob": "*.xlsx", "format": "xlsx", "settle": 0, **stream}}
    )


class TestSheetPull(PullPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        drop(tmp_path, "a.xlsx", book(["id", "name"], ["1", "A"], ["2", "B", "C"], ["3", "C"]))
        drop(tmp_path, "b.xlsx", book(["id", "name"], ["4", "D"]), time=T0 + 5)
        drop(tmp_path, "c.xlsx", b"no workbook", time=T0 + 6)
        return files(tmp_path)

    @pytest.fixture
    def stream(self):
        return "roster"

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there")


def test_a_row_reads_like_one_of_a_table(tmp_path):
    drop(tmp_path, "a.xlsx", book(["id", "on"], [1, "2026-03-01T08:00:00+01:00"]))

    [record] = files(tmp_path, at="on").pull("roster", "")

    assert record.media == "text/csv;row"
    assert record.body == b"id,on\r\n1,2026-03-01T08:00:00+01:00\r\n"
    assert record.at == dt.datetime(2026, 3, 1, 7, tzinfo=dt.UTC)


def test_a_note_of_a_cell_is_one_of_its_record(tmp_path):
    drop(tmp_path, "a.xlsx", formula())

    [record] = files(tmp_path).pull("roster", "")

    assert record.notes[0].startswith("cell A2 is a formula")


@pytest.mark.parametrize(("name", "count"), [("documents", 205), ("investigators", None)])
def test_real_workbooks_are_read(name, count):
    if not REAL.is_dir():
        pytest.skip("the real test data is not here")

    body = (REAL / f"{name}.xlsx").read_bytes()
    found = read(body)
    with warnings.catch_warnings(action="ignore"):  # of extensions that openpyxl drops
        real = openpyxl.load_workbook(io.BytesIO(body), data_only=True).worksheets[0]
    expected = [row for row in real.values if any(cell is not None for cell in row)]

    assert count in (None, len(found))
    assert len(found) == len(expected) - 1
    for row, cells in zip(found, expected[1:], strict=True):
        assert [cell for cell in row.values() if cell] == [
            str(cell) for cell in cells if cell is not None and str(cell).strip()
        ]
