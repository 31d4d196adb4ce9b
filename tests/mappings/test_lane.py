"""The lane of a message is what the mapping would read, only sooner."""

from pathlib import Path

import pytest

from connectors.formats import er7, er7_path
from mappings.lane import compile_lane
from mappings.values import BadPath

DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"
PATHS = ("PID-3[5=MR].1", "PID-3.1", "PID-3[2].1", "PID-3[*].4", "PV1-19.1", "SCH-2.1")
ODD = [
    b"MSH|^~\\&|\rPID|||1^^^N^MR\r",
    b"MSH|^~\\&|\rPID|||1^^^N^SS~2^^^N^MR~3^^^N^MR\r",
    b"MSH|^~\\&|\nPID|||1^^^N^MR\n",
    b"\xef\xbb\xbfMSH|^~\\&|\rPID|||1^^^N^MR\r",
    b"MSH#*!?$#\rPID###1***N*MR\r",
    b"MSH|^~\\&#|\rPID|||1^^^N^MR\r",
    b'MSH|^~\\&|\rPID|||""\r',
    b"MSH|^~\\&|\rPID|||A\\T\\B^^^N^MR\r",
    b"MSH|^~\\&|||||||||||||||UNICODE UTF-8\rPID|||\xc3\xa9^^^N^MR\r",
    b"MSH|^~\\&|\rPID|||~^^^^MR~7^^^^MR\r",
    b"MSH|^~\\&|\rPID||",
    b"MSH|^~\\&|\rPV1|1\r",
]


def bodies():
    yield from ODD
    for path in sorted(DATA.rglob("*.hl7")):
        yield path.read_bytes()


@pytest.mark.parametrize("path", PATHS)
def test_a_lane_is_what_the_path_reads(path):
    lane, compiled = compile_lane(path), er7_path.compile_path(path)

    for body in bodies():
        try:
            expected = compiled(er7.read(body))
        except er7.Unreadable:
            expected = None
        assert lane(body) == (None if expected == '""' else expected)


@pytest.mark.parametrize(
    "body", [b"", b"MSH", b"MSH|", b"hello", b"MSH|^~\\&|\r\0PID|||1\r", b"\x00"]
)
def test_a_body_that_cannot_be_read_has_no_lane(body):
    assert compile_lane("PID-3.1")(body) is None


def test_the_first_alternative_with_a_value_is_the_lane():
    lane = compile_lane(["PID-3[5=MR].1", "PID-2.1", "MSH-10"])

    assert lane(b"MSH|^~\\&|||||||A|9\rPID||2|3\r") == "2"
    assert lane(b"MSH|^~\\&|||||||A|9\r") == "9"


def test_other_media_have_lanes_too():
    json = compile_lane("subject.reference || id", "application/fhir+json")
    row = compile_lane("mrn", "text/csv;row;delimiter=%3B")
    xml = compile_lane("@SubjectKey", "application/xml")

    assert json(b'{"subject": {"reference": "Patient/1"}}') == "Patient/1"
    assert json(b'{"id": 5}') == "5"
    assert json(b"[") is None
    assert json(b'{"id": {"a": 1}}') is None
    assert row(b"mrn;x\n7;1\n") == "7"
    assert xml(b"<a SubjectKey='S1'/>") == "S1"


@pytest.mark.parametrize(
    ("expression", "media"),
    [("PID", "hl7v2"), ([], "hl7v2"), ("a ||", "application/json"), ("a", "x")],
)
def test_a_lane_that_is_no_path_is_refused(expression, media):
    with pytest.raises(BadPath):
        compile_lane(expression, media)
