"""The mapping's own splitting of fields gives what the HL7 path reader gives."""

import contextlib
from pathlib import Path

import pytest

from connectors.formats import er7, er7_path, hl7batch
from mappings.media import hl7v2
from mappings.media.hl7_sheet import REMOVED
from mappings.values import BadPath

DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"
PATHS = (
    "MSH-9.1", "MSH-3.2", "PID-3.1", "PID-3[5=MR].1", "PID-3[2].1", "PID-3[*].4", "PID-3[4=].1",
    "PID-5.1", "PID-5.2", "PID-11.3", "PID-13[2=PRN].1", "PID-99.1", "OBX-5.1", "NK1-2.1",
    "ZZZ-1.1",
    "PID-3.4.2", "PID-7", "OBX[2]-3.1", "PV1-3.1", "MSH-2",
)  # fmt: skip
OWN = [
    "MSH|^~\\&|A&B|x\rPID|1||1^^^N&2^MR~~2^^^S^SS||O\\T\\N^B\\F\\C&d^^||19700101~2|F\r",
    "MSH#*!?$#A#x\rPID#1##1***N$2*MR!2***S*SS##A?F?N*B\r",
    "MSH|^~\\&\nPID|||~9^^^^MR\nOBX|1||a^b&c||1~2\nOBX|2||x\n",
    "MSH|^~\\&|A\rPID\rPID|||7^^^^MR\r",
]


def messages():
    for text in OWN:
        yield text.encode()
    for path in sorted(DATA.rglob("*.hl7")):
        body = path.read_bytes()
        yield body
        with contextlib.suppress(hl7batch.BadBatch):
            yield from hl7batch.split(body).messages


@pytest.mark.parametrize("path", PATHS)
def test_a_path_reads_the_same_here_and_there(path):
    one, every = hl7v2.medium().one(path), hl7v2.medium().all(path)
    compiled, compiled_all = er7_path.compile_path(path), er7_path.compile_all(path)

    for body in messages():
        try:
            message = er7.read(body)
        except er7.Unreadable:
            continue
        sheet = hl7v2.medium().read(body, "hl7v2")
        expected = compiled(message)
        assert one(sheet, None) == expected or (expected is None and one(sheet, None) == REMOVED)
        assert list(every(sheet, None)) == compiled_all(message)


def test_relative_paths_read_one_repetition():
    medium = hl7v2.medium()
    sheet = medium.read(OWN[0].encode(), "hl7v2")
    paths = [medium.one(path) for path in (".1", ".4", ".4.2", ".5", ".9", ".")]

    read = [[get(sheet, each) for get in paths] for each in medium.each("PID-3")(sheet, None)]

    assert read == [
        ["1", "N", "2", "MR", None, "1^^^N&2^MR"],
        ["2", "S", None, "SS", None, "2^^^S^SS"],
    ]


def test_groups_open_at_their_segment_and_hold_what_follows():
    medium = hl7v2.medium()
    sheet = medium.read(b"MSH|^~\\&|\rNTE|0\rPID|1\rNTE|a\r\nMRG|b\rPID|2\rMRG|c\r", "hl7v2")
    note, merged = medium.one(".NTE-1.1"), medium.one(".MRG-1.1")

    groups = medium.each("PID+")(sheet, None)

    assert [(note(None, g), merged(None, g)) for g in groups] == [("a", "b"), (None, "c")]


@pytest.mark.parametrize("path", ["PID", "PID-", "pid-3", "PID-3.1.1.1", ".x", "PID-3[", "P" * 600])
def test_what_is_no_path_is_told_when_it_is_compiled(path):
    with pytest.raises(BadPath):
        hl7v2.medium().one(path)
    with pytest.raises(BadPath):
        hl7v2.medium().each(path)


def test_two_quotes_are_what_the_hub_calls_removed():
    sheet = hl7v2.medium().read(b'MSH|^~\\&|\rPID|||""\r', "hl7v2")

    assert hl7v2.medium().one("PID-3.4")(sheet, None) == REMOVED
    assert hl7v2.medium().removed == REMOVED
