"""NDJSON line by line."""

from io import BytesIO

import pytest

from connectors.formats import ndjson
from connectors.formats.pieces import Piece


def read(body: bytes) -> list[Piece]:
    return list(ndjson.pieces(BytesIO(body)))


def test_a_line_is_kept_as_it_stands_without_its_end():
    pieces = read(b'\xef\xbb\xbf {"a": 1.10} \r\n\n"x"\n[1]')

    assert [(p.body, p.number) for p in pieces] == [(b'{"a": 1.10}', 1), (b'"x"', 3), (b"[1]", 4)]
    assert not any(p.fault for p in pieces)


@pytest.mark.parametrize(
    "line",
    [b'{"a":', b'{"a":1,"a":2}', b"NaN", b"[" * 65 + b"]" * 65, b'"\xff"', b"{} {}", b"1e", b"\0"],
)
def test_a_bad_line_has_a_fault_with_its_number_and_the_next_is_read(line):
    bad, good = read(line + b"\n{}\n")

    assert bad.fault.startswith("line 1: ")
    assert (good.body, good.fault) == (b"{}", "")


def test_a_fault_does_not_quote_the_line():
    [bad] = read(b'{"name": "Tanaka", "name": "Ada"')

    assert "Tanaka" not in bad.fault


def test_a_line_too_long_is_cut_and_the_next_is_read():
    long, good = read(b'"' + b"x" * ndjson.LINE_LIMIT + b'"\n{}\n')

    assert "line 1: longer than 16,777,216 bytes" in long.fault
    assert len(long.body) == 1024
    assert (good.body, good.number) == (b"{}", 2)


def test_reading_resumes_behind_any_line():
    body = b'{"a":1}\n\nbad\n{"b":2}'
    whole = read(body)

    for done, piece in enumerate(whole, 1):
        assert list(ndjson.pieces(BytesIO(body), piece.after)) == whole[done:]
