"""JSON from strangers: what is refused, what is kept digit by digit, and the original slices."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Refused
from connectors.formats.json_text import Reader, decode, read, write


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{"a": {"b": 1, "b": 2}}', "appears twice at /a/b"),
        (b'{"x/y": [0, {"k~": 1, "k~": 1}]}', "appears twice at /x~1y/1/k~0"),
        (b'{"a": [1, NaN]}', "NaN.* at /a/1"),
        (b"[-Infinity]", "-Infinity.* at /0"),
        (b'{"n": 9223372036854775808}', "beyond 64 bits at /n"),
        (b'{"n": -9223372036854775809}', "beyond 64 bits at /n"),
        (b'{"n": 1e99999999999999999999}', "unreadable number at /n"),
        (b"[" * 65 + b"]" * 65, "deeper than 64 levels at /0/0"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "deeper than 64 levels at /a/a"),
        (b"[" * 1_000_000, "deeper than 64 levels"),
        (b'{"a": 1} {}', "character 9 of 11: expected the end"),
        (b'{"a": 1', "line 1 column 8"),
        (b'{"a": tru}', "line 1 column 7"),
        (b'{\n "a": 01}', "line 2 column 8"),
        (b"", "line 1 column 1"),
        (b'"\x01"', "control character"),
        (b'"abc', "Unterminated string"),
        (b'{"name": "\xe9"}', "UTF-8 at byte 10"),
        (b'["\\ud800"]', "surrogate"),
        (b"\xff\xfe[\x001\x00]\x00", "UTF-8 at byte 0"),
    ],
)
def test_what_two_readers_would_read_differently_is_refused_with_its_place(text, place):
    with pytest.raises(Refused, match=place):
        read(text)


def test_a_refusal_never_quotes_a_value():
    with pytest.raises(Refused) as refused:
        read(b'{"name": "ZZPHI", "name": "ZZPHI"}')

    assert "ZZPHI" not in str(refused.value)


@pytest.mark.parametrize("digits", ["1.10", "0.0000001000", "12345678901234567.123", "-0.0"])
def test_a_fraction_keeps_its_digits(digits):
    value = read(f'{{"dose": {digits}}}'.encode())["dose"]

    assert format(value, "f") == digits


def test_the_largest_integers_of_64_bits_are_read():
    assert read(b"[9223372036854775807, -9223372036854775808]") == [2**63 - 1, -(2**63)]


def test_64_levels_are_read():
    assert json.dumps(read(b"[" * 64 + b"]" * 64)).count("[") == 64


def test_brackets_inside_text_are_no_levels():
    assert read(b'["' + b"[" * 200 + b'\\"["]') == ["[" * 200 + '"[']


def test_a_byte_order_mark_is_no_content():
    assert read(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_a_whole_surrogate_pair_is_one_character():
    assert read(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_written_json_keeps_fractions_and_order():
    text = b'{"z":1.10,"a":[1E+5,null,true,"\xc3\xa9"]}'

    assert write(read(text)) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_any_json_is_read_as_what_was_written(value):
    assert read(json.dumps(value).encode()) == value
    assert read(write(value)) == value


def test_pieces_are_cut_as_they_were_written():
    text = decode('{"list": [ {"a" : 1.10} ,\n{"b":"é"}], "more": 1}'.encode())
    reader = Reader(text)
    found = []

    for key in reader.members():
        if key == "list":
            for _ in reader.elements():
                part = reader.part()
                found.append((text[part.start : part.end], part.value))
        else:
            reader.part()
    reader.end()

    assert found == [('{"a" : 1.10}', {"a": Decimal("1.10")}), ('{"b":"é"}', {"b": "é"})]


def test_one_faulty_piece_leaves_the_others_sound():
    reader = Reader(decode(b'[{"a": 1}, {"a": 1, "a": 2}, {"a": 3}]'))

    parts = [reader.part() for _ in reader.elements()]

    assert [bool(part.fault) for part in parts] == [False, True, False]
    assert parts[1].fault == "a key that appears twice at /a"


@pytest.mark.parametrize("text", ['{"a" 1}', '{"a": 1,}', "{1: 2}", '{"a": 1, "a": 2}', "[1 2]"])
def test_walking_refuses_what_is_no_json(text):
    def walk(reader: Reader) -> None:
        for _ in reader.members() if text.startswith("{") else reader.elements():
            reader.part()

    with pytest.raises(Refused):
        walk(Reader(text))


@pytest.mark.parametrize("text", [b'\\"' * 4_000_000, b'"' + b'\\"' * 4_000_000, b"{}" * 8_000_000])
def test_hostile_text_takes_no_longer_than_its_length(text):
    with pytest.raises(Refused):
        read(text)
