"""The ER7 reader: lossless, lazy, tolerant."""

import itertools
import re
import time
from pathlib import Path

import pytest

from connectors.formats import er7
from connectors.formats.er7_escape import Separators, unescape

MSH = "MSH|^~\\&|LAB|NORTH|HUB|SITE|20260301120000||ADT^A01^ADT_A01|C1|P|2.5.1|||AL|NE||"
DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"
FILES = sorted(DATA.rglob("*.hl7"))


def _message(*segments: str, end: str = "\r", head: str = MSH) -> bytes:
    return "".join(line + end for line in (head, *segments)).encode()


def test_fields_are_counted_as_the_standard_counts_them():
    message = er7.read(_message("PID|1||A1^^^NORTH&1.2.3&ISO^MR~B2^^^USSSA^SS||DOE^JANE"))

    msh, pid = message.first("MSH"), message.first("PID")

    assert msh.field(1) == "|"
    assert msh.field(2) == "^~\\&"
    assert msh.value(3) == "LAB"
    assert msh.value(9, 2) == "A01"
    assert pid.field(3) == "A1^^^NORTH&1.2.3&ISO^MR~B2^^^USSSA^SS"
    assert pid.repetitions(3) == ["A1^^^NORTH&1.2.3&ISO^MR", "B2^^^USSSA^SS"]
    assert pid.value(3, 4, 2) == "1.2.3"
    assert pid.value(3, 5, repetition=2) == "SS"
    assert pid.value(3, 1, repetition=3) == ""
    assert pid.value(40) == ""


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_any_line_end_separates_segments(end):
    message = er7.read(_message("EVN|A01", "PID|1", "OBX|1", "OBX|2", end=end))

    assert message.names() == ["MSH", "EVN", "PID", "OBX"]
    assert [obx.field(1) for obx in message.segments("OBX")] == ["1", "2"]


def test_mixed_line_ends_separate_and_come_back():
    body = (MSH + "\rEVN|A01\nPID|1\r\nOBX|1||a\r\r\nOBX|2||b\n").encode()

    message = er7.read(body)

    assert [obx.field(3) for obx in message.segments("OBX")] == ["a", "b"]
    assert "".join(a + b for a, b in message.pieces()).encode() == body


def test_a_line_feed_inside_a_field_stays_in_the_field():
    message = er7.read(_message("OBX|1|TX|||first\nsecond\n\nthird|x", "NTE|1"))

    assert message.first("OBX").value(5) == "first\nsecond\n\nthird"
    assert message.first("NTE").value(1) == "1"


def test_custom_delimiters_are_used():
    body = b"MSH#*!?$#A#B#C#D#20260301##ADT*A01#7#P#2.5\rPID#1##9*x$y!8*z##DOE*?S?*b\r"

    message = er7.read(body)

    assert message.separators == Separators("#", "*", "!", "?", "$")
    assert message.first("MSH").value(9, 2) == "A01"
    assert message.first("PID").value(3, 2, 2) == "y"
    assert message.first("PID").value(3, 2, repetition=2) == "z"
    assert message.first("PID").value(5, 2) == "*"


@pytest.mark.parametrize("encoding", ["^~\\\\&", "^~\\&#"])
def test_a_doubled_or_a_fifth_encoding_character_is_read(encoding):
    body = f"MSH|{encoding}|A|B|||20260301||ADT^A01|1|P|2.5.1\rPID|1||A^^^x&y\r".encode()

    message = er7.read(body)

    assert message.separators == Separators()
    assert message.first("PID").value(3, 4, 2) == "y"


def test_a_delimiter_that_msh_2_leaves_out_separates_nothing():
    message = er7.read(b"MSH|^~|A|B|||20260301||ADT^A01|1|P|2.1\rPID|1||AT&T \\F\\^x\r")

    assert message.first("PID").value(3) == "AT&T \\F\\"
    assert message.separators.encoding_characters == "^~"


def test_a_byte_order_mark_is_passed_over_and_noted():
    body = b"\xef\xbb\xbf" + _message("PID|1")

    message = er7.read(body)

    assert message.first("PID").value(1) == "1"
    assert message.body == body
    assert any("byte order mark" in note for note in message.notes)


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("UNICODE UTF-8", "utf-8"), ("8859/1", "latin-1"), ("8859/15", "iso8859-15"), ("", "utf-8")],
)
def test_the_declared_character_set_is_used(declared, codec):
    body = (MSH + declared + "\rPID|1||||MÜLLER^ÅSA\r").encode(codec)

    message = er7.read(body)

    assert message.first("PID").value(5) == "MÜLLER"
    assert message.notes == ()


@pytest.mark.parametrize("declared", ["UNICODE UTF-8", "ASCII", ""])
def test_latin_1_bytes_under_another_name_are_read_and_noted(declared):
    body = (MSH + declared + "\rPID|1||||MÜLLER\r").encode("latin-1")

    message = er7.read(body)

    assert message.first("PID").value(5) == "MÜLLER"
    assert any("character set" in note for note in message.notes)


def test_an_unknown_character_set_is_noted():
    message = er7.read((MSH + "KLINGON\rPID|1||||MÜLLER\r").encode())

    assert message.first("PID").value(5) == "MÜLLER"
    assert any("KLINGON" in note for note in message.notes)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "100"),
        (b"PID|1", "100"),
        (b"MSH", "100"),
        (b"MSH|", "100"),
        (b"MSH|\rPID|1", "100"),
        (b"MSH|||A", "100"),
        (b"MSH|^^\\&|A", "100"),
        (b"MSH|^~|", ""),
        (b"MSHA^~\\&A", "100"),
        (b"MSH|^~\\&|A\0B\r", "102"),
    ],
)
def test_only_what_has_no_message_in_it_is_unreadable(body, code):
    if not code:
        assert er7.read(body).separators.component == "^"
        return

    with pytest.raises(er7.Unreadable) as caught:
        er7.read(body)

    assert caught.value.code == code


def test_caps_refuse_what_is_past_them_and_nothing_below():
    many = _message(*["OBX|1|NM"] * 49_999)
    too_many = _message(*["OBX|1|NM"] * 50_000)
    repeated = _message("PID|1||" + "~".join(["x"] * 10_000))
    too_repeated = _message("PID|1||" + "~".join(["x"] * 10_001))

    assert len(er7.read(many).rows("OBX")) == 49_999
    assert len(er7.read(repeated).first("PID").repetitions(3)) == 10_000
    for body in (too_many, too_repeated):
        with pytest.raises(er7.Unreadable, match="at most") as caught:
            er7.read(body)
        assert caught.value.code == "102"


def test_repetitions_spread_over_fields_are_not_counted_together():
    body = _message(*["PID|1||" + "~".join(["x"] * 6_000)] * 2)

    assert len(er7.read(body).rows("PID")) == 2


@pytest.mark.parametrize(
    "body",
    [
        _message(*["OBX|1|NM|718-7^Hb||13.1|g/dL"] * 20_000),
        _message("OBX|1|TX|||" + "^".join(["c"] * 100_000)),
        _message("OBX|1|TX|||" + "x" * 10_000_000),
        _message("OBX|1|TX|||" + "\n" * 200_000),
    ],
)
def test_large_messages_are_read_in_less_than_a_second(body):
    start = time.process_time()

    message = er7.read(body)
    rows = message.rows("OBX")

    assert rows[0][0] == "OBX"
    assert time.process_time() - start < 1


def test_the_header_is_read_without_the_body():
    head = er7.header(MSH.encode() + b"UNICODE UTF-8~8859/1\rPID|1||\xff\xfe")

    assert (head.sending_app, head.sending_facility) == ("LAB", "NORTH")
    assert (head.receiving_app, head.receiving_facility) == ("HUB", "SITE")
    assert (head.type, head.trigger, head.structure) == ("ADT", "A01", "ADT_A01")
    assert (head.time, head.control_id) == ("20260301120000", "C1")
    assert (head.processing_id, head.version) == ("P", "2.5.1")
    assert (head.accept_ack, head.app_ack) == ("AL", "NE")
    assert head.charset == "UNICODE UTF-8"


def test_a_short_header_says_nothing_where_it_ends():
    head = er7.header(b"MSH|^~\\&|LAB\nPID|1|x")

    assert head.sending_app == "LAB"
    assert (head.type, head.control_id, head.version, head.charset) == ("", "", "", "")


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("x\\X0D\\y\\X0D0A\\", "x\ry\r\n"),
        ("\\X41\\\\X42\\", "AB"),
        ("\\XC3BC\\", "ü"),
        ("one\\.br\\two", "one\\.br\\two"),
        ("\\Zfoo\\", "\\Zfoo\\"),
        ("\\H\\loud\\N\\", "\\H\\loud\\N\\"),
        ("dangling\\", "dangling\\"),
        ("C:\\temp\\F\\x", "C:\\temp|x"),
        ("\\E\\.br\\E\\", "\\.br\\"),
        ("\\X0\\", "\\X0\\"),
        ("\\XFF\\", "\\XFF\\"),
    ],
)
def test_escape_sequences_are_decoded_or_kept(raw, plain):
    assert unescape(raw) == plain


@pytest.mark.skipif(not FILES, reason="shared/data is not here")
def test_every_real_message_is_read_and_comes_back():
    count = 0
    for file in FILES:
        body = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
        starts = [match.start() for match in re.finditer(rb"(?:^|(?<=[\r\n]))MSH", body)]
        for start, end in itertools.pairwise([*starts, len(body)]):
            one = body[start:end]
            message = er7.read(one)
            assert "".join(a + b for a, b in message.pieces()).encode() == one, file.name
            assert all(re.fullmatch("[A-Z][A-Z0-9]{2}", name) for name in message.names()), file
            count += 1

    assert count == 515
