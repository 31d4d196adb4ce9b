"""Delimited text: what real files do, row by row, and what leaves us."""

import csv
import hashlib
import itertools
import re
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Refused
from connectors.formats import table_text, tables
from connectors.formats.lines import LINE_LIMIT
from connectors.formats.pieces import Piece
from connectors.formats.tables import Dialect


def read(body: bytes | str, **dialect: object) -> list[Piece]:
    source = BytesIO(body.encode() if isinstance(body, str) else body)
    return list(tables.pieces(source, Dialect(**dialect)))


def rows(body: bytes | str, **dialect: object) -> list[dict[str, str]]:
    settings = Dialect(**dialect)
    return [tables.read_row(p.body, settings.media) for p in read(body, **dialect) if not p.fault]


def faults(body: bytes | str, **dialect: object) -> list[str]:
    return [piece.fault for piece in read(body, **dialect) if piece.fault]


def test_cells_stay_the_text_they_are():
    text = "a,b,c,d\n1E5,007,03/04/2026, x \n"

    assert rows(text) == [{"a": "1E5", "b": "007", "c": "03/04/2026", "d": " x "}]


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends():
    text = 'a,b\r\n"x, ""y""\r\nz",2\r\n3,4\r\n'

    pieces = read(text)

    assert rows(text) == [{"a": 'x, "y"\r\nz', "b": "2"}, {"a": "3", "b": "4"}]
    assert [piece.number for piece in pieces] == [2, 4]
    assert b"".join(p.body.removeprefix(b"a,b\r\n") for p in pieces) == text.encode()[5:]


def test_a_quote_inside_a_bare_cell_is_text():
    assert rows('a,b\n5" nail,x\n') == [{"a": '5" nail', "b": "x"}]


def test_blank_lines_are_passed_over_and_counted():
    assert [piece.number for piece in read("a,b\n\n1,2\n \n3,4")] == [3, 5]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1", "line 2: 1 cells where the header has 2"),
        ("1,2,3", "line 2: 3 cells where the header has 2"),
        ('"1"x,2', "line 2: ',' expected after '\"'"),
        ("1,\0", "line 2: cell 2 holds a NUL character"),
        ("1\r2,3", "line 2: a carriage return inside a row"),
        ("1," + "x" * 131_073, "line 2: cell 2 has more than 131,072 characters"),
        ('1,"' + "x" * 131_073 + '"', "line 2: field larger than field limit (131072)"),
        ("1," + "x" * LINE_LIMIT, "line 2: longer than 4,194,304 bytes"),
    ],
)
def test_a_bad_row_names_its_line_and_the_next_one_is_read(row, fault):
    text = f"a,b\n{row}\n3,4\n"

    assert faults(text)[0].startswith(fault)
    assert rows(text) == [{"a": "3", "b": "4"}]


def test_a_quote_that_is_never_closed_costs_its_own_line_only():
    text = 'a,b\n1,"open\n3,4\n5,6\n'

    assert faults(text) == ["line 2: a quote is opened and never closed"]
    assert rows(text) == [{"a": "3", "b": "4"}, {"a": "5", "b": "6"}]


def test_many_unclosed_quotes_do_not_cost_more_each():
    text = "a,b\n" + '1,"open\n' * 2_000 + "x\n" * 60_000

    assert len(faults(text)) == 62_000


def test_bytes_of_another_encoding_name_their_offset():
    body = "a,b\n1,x\n2,é\n3,y\n".encode("cp1252")

    assert faults(body) == [
        "line 3: byte offset 10 is not utf-8; declare the encoding the file has"
    ]
    assert rows(body, encoding="cp1252")[1] == {"a": "2", "b": "é"}


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_an_encoding_that_is_declared_is_read_byte_for_byte(written, declared):
    # U+0A0A and U+0A00 hold the byte of a line end in either half
    text = 'name;note\r\nਊਏ;"é\n਀"\r\nx;y'
    body = text.encode(written)
    settings = {"encoding": declared, "delimiter": ";"}

    pieces = read(body, **settings)

    assert rows(body, **settings) == [
        {"name": "ਊਏ", "note": "é\n਀"},
        {"name": "x", "note": "y"},
    ]
    head = tables.header(BytesIO(body), Dialect(**settings)).raw
    assert head + b"".join(p.body.removeprefix(head) for p in pieces) == body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            "a,b\n1,2\n".encode("utf-16"),
            "CROHUB-CSV-ENCODING: byte offset 0 has the mark of utf-16",
        ),
        (b"", "CROHUB-CSV-EMPTY"),
        (b"a,b,a\n", "CROHUB-CSV-HEADER: columns 1 and 3 have the same name"),
        (b"a,b ,b\n", "CROHUB-CSV-HEADER: columns 2 and 3 have the same name"),
        (b"a,,b\n", "CROHUB-CSV-HEADER: column 2 has no name"),
        (b'a,"b\n', "CROHUB-CSV-HEADER: line 1: a quote is opened"),
        (b"a,\xe9\n", "CROHUB-CSV-HEADER: line 1: byte offset 2 is not utf-8"),
        (",".join(f"c{n}" for n in range(20_001)).encode(), "CROHUB-CSV-HEADER: 20,001 columns"),
        (b"a;b;c\n", "CROHUB-CSV-HEADER: one column only"),
    ],
)
def test_a_header_that_is_wrong_refuses_the_table(body, code):
    with pytest.raises(Refused, match=re.escape(code)):
        read(body)


def test_utf_16_without_a_mark_must_say_its_byte_order():
    with pytest.raises(Refused, match="no byte order mark"):
        read("a,b\n".encode("utf-16-le"), encoding="utf-16")


def test_columns_that_are_missing_are_named_and_those_found_are_not():
    with pytest.raises(Refused, match="column id, site is missing") as caught:
        read("Tanaka,Ada\n", columns=("id", "site"))

    assert "Tanaka" not in str(caught.value)


def test_columns_may_come_in_any_order_with_others_between():
    assert rows("x,b,a\n0,2,1\n", columns=("a", "b")) == [{"x": "0", "b": "2", "a": "1"}]


def test_reading_resumes_behind_any_row():
    text = 'a,b\n1,2\n"3\n3",4\n\n5\n6,7\n'
    whole = read(text)

    for done, piece in enumerate(whole, 1):
        rest = list(tables.pieces(BytesIO(text.encode()), Dialect(), piece.after))
        assert rest == whole[done:]


def test_a_row_that_stands_alone_says_how_it_is_written():
    dialect = Dialect(delimiter="\t", encoding="cp1252")
    [piece] = read("a\tb\né\t2\n".encode("cp1252"), delimiter="\t", encoding="cp1252")

    assert dialect.media == "text/csv;row;charset=cp1252;delimiter=%09"
    assert tables.read_row(piece.body, dialect.media) == {"a": "é", "b": "2"}


@pytest.mark.parametrize("body", [b"", b"a,b\n", b"a,b\n1\n", b"a,b\n1,2\n3,4\n", b"\xff,b\n1,2"])
def test_a_body_that_is_no_row_is_refused(body):
    with pytest.raises(Refused, match="CROHUB-CSV-ROW"):
        tables.read_row(body)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TABLE = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=8)
)


@given(TABLE)
def test_what_python_writes_as_csv_is_read_the_same(table):
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    names = [f"c{n}" for n in range(len(table[0]))]
    writer.writerow(names)
    writer.writerows(table)

    assert rows(text.getvalue()) == [dict(zip(names, row, strict=True)) for row in table]


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_faults_and_every_byte_is_accounted_for(junk):
    body = b"a,b\n" + junk

    pieces = read(body)

    kept = b"".join(piece.body.removeprefix(b"a,b\n") for piece in pieces)
    blank = [line for line in junk.split(b"\n") if not line.strip(b" \t\r\0")]
    assert len(junk) - len(kept) <= sum(len(line) + 1 for line in blank)
    for piece, following in itertools.pairwise(pieces):
        assert piece.number < following.number


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+49 1", "'+49 1"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-5", "-5"),
        ("+1.5e-3", "+1.5e-3"),
        (-5, "-5"),
        (True, "true"),
        (None, ""),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(value, cell):
    assert table_text.safe(value) == cell


def test_a_table_written_can_be_read_again():
    body = table_text.written(("a", "b"), [["x,y", 'q"r'], ["l\nm", None]])

    assert rows(body) == [{"a": "x,y", "b": 'q"r'}, {"a": "l\nm", "b": ""}]


def test_control_totals_prove_a_whole_table():
    body = table_text.written(("a", "b"), [[1, 2], [3, 4]], totals="TRL")

    table, _, trailer = body[:-2].rpartition(b"\r\n")
    expected = hashlib.sha256(table + b"\r\n").hexdigest()
    assert trailer.decode() == f"TRL,2,{expected}"
