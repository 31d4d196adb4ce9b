"""Writing HL7 v2: escaping, building from paths, and the standard's names."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.formats import er7, er7_structure
from connectors.formats.er7_escape import Separators, escape, unescape
from connectors.formats.er7_path import compile_path
from connectors.formats.er7_write import Formatted, build

HEAD = {"MSH-3": "CROHUB", "MSH-7": "20260301120000", "MSH-10": "D1"}
text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x7f").filter(
        lambda c: c >= " " or c in "\t\r\n"
    )
)


@given(text)
@example("\\.br\\ \\F\\ \\X0D\\ | ^ & ~ \\ \r\n")
def test_any_text_comes_back_and_separates_nothing(value):
    written = escape(value)

    assert unescape(written) == value
    assert not set(written) & set("|^&~\r\n")


@given(text, st.permutations("#*!?$"))
def test_any_text_comes_back_under_any_delimiters(value, marks):
    separators = Separators(*marks)

    assert unescape(escape(value, separators), separators) == value


@settings(deadline=None)  # the first example loads the standard's dictionary
@given(st.lists(text.filter(bool), min_size=1, max_size=6))
def test_a_message_is_read_as_it_was_written(values):
    fields = {f"ZNT[{number}]-3": value for number, value in enumerate(values, 1)}

    message = er7.read(build("ADT^A01^ADT_A01", {**HEAD, **fields}))

    assert {path: compile_path(path)(message) for path in fields} == fields


sequences = st.sampled_from(["F", "S", "T", "R", "E", "X0D", "X0A", ".br", "H", "N", "Zfoo"])
words = st.text(string.ascii_letters + " .-", max_size=5)


@given(st.lists(st.tuples(words, sequences), max_size=6), words)
def test_formatted_text_says_the_same_after_it_was_written_again(parts, last):
    raw = "".join(f"{word}\\{name}\\" for word, name in parts) + last

    assert unescape(escape(unescape(raw), formatted=True)) == unescape(raw)


@pytest.mark.parametrize(
    "raw", ["a\\F\\b", "\\X0D\\", "one\\.br\\two", "\\Zfoo\\", "\\H\\x\\N\\", "\\.sp2\\", "\\E\\"]
)
def test_the_known_sequences_are_written_again_byte_for_byte(raw):
    assert escape(unescape(raw), formatted=True) == raw


def test_without_saying_so_formatting_is_text():
    assert escape("one\\.br\\two") == "one\\E\\.br\\E\\two"
    assert escape("one\\.br\\two", formatted=True) == "one\\.br\\two"


@pytest.mark.parametrize("char", ["\x00", "\x0b", "\x1c", "\x1b", "\x08"])
def test_control_characters_are_refused_naming_the_place(char):
    with pytest.raises(ValueError, match=f"0x{ord(char):02X}.*position 3"):
        escape("ab" + char + "c")


def test_a_value_cannot_bring_its_own_segment():
    message = er7.read(build("ADT^A01^ADT_A01", {**HEAD, "PID-5.1": "X\rPV1|1|I^&~\\"}))

    assert message.names() == ["MSH", "PID"]
    assert message.first("PID").value(5) == "X\rPV1|1|I^&~\\"


def test_a_registration_is_built_in_the_order_of_its_structure():
    body = build(
        "CRM^C01^CRM_C01",
        {
            "CSR-6": "20260301",
            "CSR-4.1": "S-001",
            "CSR-1.1": "ONC-101",
            "CSP[2]-1": "FU",
            "CSP[1]-1": "TRT",
            "PID-3[2].1": "B2",
            "PID-3[1].1": "A1",
            "PID-3[1].4.2": "1.2.3",
            "ZRS-1": "x",
            "PV1-2": "",
            **HEAD,
        },
    )

    assert body == (
        b"MSH|^~\\&|CROHUB||||20260301120000||CRM^C01^CRM_C01|D1|P|2.5.1\r"
        b"PID|||A1^^^&1.2.3~B2\r"
        b"CSR|ONC-101|||S-001||20260301\r"
        b"CSP|TRT\r"
        b"CSP|FU\r"
        b"ZRS|x\r"
    )


def test_a_group_that_repeats_holds_the_nth_of_each_segment():
    body = build(
        "ORU^R01^ORU_R01",
        {**HEAD, "OBR-1": "1", "OBX[1]-1": "1", "OBX[2]-1": "2", "OBX[2]-5": "b", "OBX[1]-5": "a"},
    )

    assert [row[5] for row in er7.read(body).rows("OBX")] == ["a", "b"]


def test_two_patients_are_two_groups():
    body = build(
        "CRM^C01^CRM_C01",
        {**HEAD, "PID[1]-3.1": "A", "PID[2]-3.1": "B", "CSR[1]-4.1": "1", "CSR[2]-4.1": "2"},
    )

    assert [s.name for s in er7.read(body).all()] == ["MSH", "PID", "CSR", "PID", "CSR"]


def test_text_beyond_ascii_says_its_character_set():
    message = er7.read(build("ADT^A01^ADT_A01", {**HEAD, "PID-5.1": "Müller"}))

    assert message.first("MSH").field(18) == "UNICODE UTF-8"
    assert message.first("PID").value(5) == "Müller"


def test_the_character_set_of_the_target_is_written():
    body = build("ADT^A01^ADT_A01", {**HEAD, "MSH-18": "8859/1", "PID-5.1": "Müller"})

    assert b"M\xfcller" in body


def test_formatted_text_passes_only_when_it_is_meant():
    fields = {**HEAD, "OBX-5": Formatted("one\\.br\\two|three")}

    body = build("ORU^R01^ORU_R01", fields)

    assert b"one\\.br\\two\\F\\three" in body


def test_a_removal_is_written_as_two_quotes():
    assert b'||""\r' in build("ADT^A01^ADT_A01", {**HEAD, "PID-3.1": "A", "PID-5.1": '""'})


@pytest.mark.parametrize(
    ("type_", "fields", "reason"),
    [
        ("ADT^A99^ADT_A99", {}, "no message structure 'ADT_A99'"),
        ("ADT^A98", {}, "no message structure 'ADT_A98'; expected type"),
        ("ADT^A01^ADT_A01", {"PID-99": "x"}, "PID of HL7 v2.5.1 ends at field 39"),
        ("ADT^A01^ADT_A01", {"QQQ-1": "x"}, "no segment QQQ"),
        ("ADT^A01^ADT_A01", {"CSR-1": "x"}, "ADT\\^A01\\^ADT_A01 has no segment CSR"),
        ("ADT^A01^ADT_A01", {"PID-3.11": "x"}, "has no part 11"),
        ("ADT^A01^ADT_A01", {"PID-8.2": "x"}, "has no part 2"),
        ("ADT^A01^ADT_A01", {"PID-3.4.4": "x"}, "has no part 4"),
        ("ADT^A01^ADT_A01", {"PID-8[2]": "x"}, "PID-8 does not repeat"),
        ("ADT^A01^ADT_A01", {"PID-3[5=MR].1": "x"}, "numbers in brackets"),
        ("ADT^A01^ADT_A01", {"PID-3[*].1": "x"}, "no place to write"),
        ("ADT^A01^ADT_A01", {"PID-3": "x", "PID-3[1].1": "y"}, "written twice"),
        ("ADT^A01^ADT_A01", {"PID-5.1": "a\x0bb"}, "PID-5.1.*0x0B"),
        ("ADT^A01^ADT_A01", {"MSH-9": "x"}, "written from the arguments"),
        ("ADT^A01^ADT_A01", {"MSH-10": ""}, "MSH-10 is missing"),
        ("ADT^A01^ADT_A01", {"MSH-18": "KLINGON"}, "MSH-18"),
        ("ADT^A01^ADT_A01", {"MSH-18": "ASCII", "PID-5.1": "ü"}, "not ASCII"),
        ("ADT^A01^ADT_A01", {"MSH-18": "8859/1", "PID-5.1": "漢"}, "is not in 8859/1"),
        ("ORU^R01^ORU_R01", {"OBX[1]-1": "1", "OBX[2]-1": "2", "NTE[3]-1": "x"}, None),
        ("CRM^C01^CRM_C01", {"PID[2]-1": "2", "CSR[3]-1": "x"}, "CSR\\[3\\] belongs to no group"),
    ],
)
def test_what_the_standard_does_not_know_is_refused_naming_it(type_, fields, reason):
    if reason is None:  # NTE has a place of its own after PID, where any number may stand
        assert b"NTE|x" in build(type_, {**HEAD, **fields})
        return

    with pytest.raises(ValueError, match=reason):
        build(type_, {**HEAD, **fields})


@pytest.mark.parametrize(
    ("type_", "name"), [("ADT^A04", "ADT_A01"), ("ADT^A40", "ADT_A39"), ("ACK", "ACK")]
)
def test_events_share_structures(type_, name):
    assert er7_structure.structure(type_, "2.5.1").name == name


def test_an_unknown_version_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"expected one of 2.1, 2.2, 2.3"):
        build("ADT^A01^ADT_A01", HEAD, version="9.9")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("PID-5.1", "Patient name / Family name"),
        ("PID-3.4.1", "Patient identifier list / Assigning authority"),
        ("CSR-4", "Sponsor patient id"),
        ("PID-8", "Administrative sex"),
    ],
)
def test_a_path_is_described_in_the_standards_words(path, words):
    assert er7_structure.describe(path) == words


def test_a_place_says_its_type_and_whether_it_must_be_there():
    place = er7_structure.place("PID-3", "2.5.1")

    assert (place.datatype, place.repeats, place.required) == ("CX", True, True)
