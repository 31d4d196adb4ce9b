"""Paths into HL7 v2 messages."""

import pytest

from connectors.formats import er7
from connectors.formats.er7_path import compile_all, compile_each, compile_part, compile_path, parse

MESSAGE = er7.read(
    b"MSH|^~\\&|LAB|NORTH|HUB|SITE|20260301120000||ADT^A01^ADT_A01|C1|P|2.5.1\r"
    b"PID|1||A1^^^NORTH&1.2.3&ISO^MR~B2^^^USSSA^SS~C3^^^SOUTH^MR||DOE&VAN^JANE\\T\\ANN||"
    b'19700101|F|""|^""||||||||||||||||||||Y\r'
    b"OBX|1|NM|8302-2^Height^LN||172|cm\r"
    b"OBX|2|NM|29463-7^Weight^LN||71~72|kg\r"
    b"OBX|3|NM|8302-2^Height^LN||173|cm\r"
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("PID-8", "F"),
        ("PID-8.1", "F"),
        ("PID-3", "A1^^^NORTH&1.2.3&ISO^MR"),
        ("PID-3.1", "A1"),
        ("PID-3[2].1", "B2"),
        ("PID-3[4].1", None),
        ("PID-3[*].1", "A1"),
        ("PID-3[5=MR].1", "A1"),
        ("PID-3[5=SS].1", "B2"),
        ("PID-3[5=XX].1", None),
        ("PID-3[4.2=1.2.3].1", "A1"),
        ("PID-3[4=SOUTH].1", "C3"),
        ("PID-3.4", "NORTH"),
        ("PID-3.4.1", "NORTH"),
        ("PID-3.4.3", "ISO"),
        ("PID-3.4.4", None),
        ("PID-3.9", None),
        ("PID-5.1", "DOE"),
        ("PID-5.1.2", "VAN"),
        ("PID-5.2", "JANE&ANN"),
        ("PID-9", '""'),
        ("PID-10.2", '""'),
        ("PID-10.1", None),
        ("PID-11", None),
        ("PID-30", "Y"),
        ("PID-99", None),
        ("MSH-1", "|"),
        ("MSH-2", "^~\\&"),
        ("MSH-3", "LAB"),
        ("MSH-9.2", "A01"),
        ("OBX-5", "172"),
        ("OBX[2]-5", "71"),
        ("OBX[2]-5[2]", "72"),
        ("OBX[4]-5", None),
        ("OBX[*]-3.1", "8302-2"),
        ("OBX[3.1=29463-7]-5", "71"),
        ("OBX[3.1=29463-7]-6", "kg"),
        ("OBX[1=3]-5", "173"),
        ("OBX[3.1=none]-5", None),
        ("ZZZ-1", None),
    ],
)
def test_a_path_reads_the_first_value(path, value):
    assert compile_path(path)(MESSAGE) == value


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("PID-3.1", ["A1", "B2", "C3"]),
        ("PID-3[*].1", ["A1", "B2", "C3"]),
        ("PID-3[5=MR].1", ["A1", "C3"]),
        ("PID-3[2].1", ["B2"]),
        ("PID-3.4.2", ["1.2.3"]),
        ("OBX-5", ["172", "71", "72", "173"]),
        ("OBX[3.1=8302-2]-5", ["172", "173"]),
        ("OBX[2]-5", ["71", "72"]),
        ("PID-11.1", []),
        ("ZZZ-1", []),
        ("MSH-2", ["^~\\&"]),
    ],
)
def test_a_path_reads_every_value(path, values):
    assert compile_all(path)(MESSAGE) == values


def test_each_repetition_is_read_part_by_part():
    each = compile_each("PID-3")
    system, universal, kind = compile_part(".4.1"), compile_part(".4.2"), compile_part(".5")

    found = [(system(MESSAGE, r), universal(MESSAGE, r), kind(MESSAGE, r)) for r in each(MESSAGE)]

    assert found == [("NORTH", "1.2.3", "MR"), ("USSSA", None, "SS"), ("SOUTH", None, "MR")]
    assert compile_part(".")(MESSAGE, "a\\T\\b") == "a&b"
    assert compile_part(".")(MESSAGE, "") is None


def test_each_does_not_unescape_before_the_part_does():
    message = er7.read(b"MSH|^~\\&|A\rPID|1||\\E\\F\\E\\\r")

    (raw,) = compile_each("PID-3")(message)

    assert raw == "\\E\\F\\E\\"
    assert compile_part(".1")(message, raw) == "\\F\\"


def test_an_empty_condition_chooses_the_repetition_without_a_value():
    message = er7.read(b"MSH|^~\\&|A\rPID|1||A^^^^MR~B\r")

    assert compile_path("PID-3[5=].1")(message) == "B"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", "character 1: found the end"),
        ("pid-3", "character 1"),
        ("PID", "character 4: found the end, expected a field"),
        ("PID3", "character 4"),
        ("PID-0", "character 4"),
        ("PID-3.", "character 6"),
        ("PID-3.1.2.3", "character 10"),
        ("PID-3[0]", "character 6"),
        ("PID-3[MR]", "character 6"),
        ("PID-3[5=MR", "character 6"),
        ("PID-3[1.2.3=MR]", "character 6"),
        ("OBX[3.1.1=x]-5", "character 4"),
        ("PID-3 ", "character 6"),
        ("PID-3[5=MR].x", "character 12"),
    ],
)
def test_a_bad_path_names_the_place(path, place):
    with pytest.raises(ValueError, match="path") as caught:
        compile_path(path)

    assert place in str(caught.value)


@pytest.mark.parametrize("path", ["4.1", ".0", ".4.1.1", "", ".x"])
def test_a_bad_part_is_refused(path):
    with pytest.raises(ValueError, match="path"):
        compile_part(path)


def test_each_wants_a_whole_field():
    with pytest.raises(ValueError, match="whole field"):
        compile_each("PID-3.1")


def test_a_path_says_which_field_it_reads():
    assert parse("OBX[3.1=8302-2]-5[2].1").reads == "OBX-5"
