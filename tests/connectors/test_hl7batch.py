"""Batch files: shapes that are taken, shapes that are refused whole, and why."""

from pathlib import Path

import pytest

from connectors.formats import hl7batch
from connectors.formats.er7 import header

DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")

FHS = "FHS|^~\\&|A|B|||20260301||roster.hl7||F1"
BHS = "BHS|^~\\&|A|B|||20260301||||B1"


def _msh(number):
    return f"MSH|^~\\&|A|B|||20260301||ADT^A04|M{number}|P|2.5.1\rPID|1||{number}"


def _file(*lines, end="\r"):
    return "".join(line + "\r" for line in lines).replace("\r", end).encode()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        ([_msh(1)], ["M1"]),
        ([_msh(1), _msh(2)], ["M1", "M2"]),
        ([BHS, _msh(1), _msh(2), "BTS|2"], ["M1", "M2"]),
        ([BHS, _msh(1), "BTS"], ["M1"]),
        ([FHS, _msh(1), _msh(2), "FTS|1"], ["M1", "M2"]),
        ([FHS, BHS, _msh(1), "BTS|1", BHS, _msh(2), _msh(3), "BTS|2", "FTS|2"], ["M1", "M2", "M3"]),
        ([FHS, BHS, _msh(1), "BTS|1", "FTS|"], ["M1"]),
    ],
)
def test_a_whole_file_yields_its_messages_in_order(lines, ids, end):
    batch = hl7batch.split(_file(*lines, end=end))

    assert [header(one).control_id for one in batch.messages] == ids


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "line 1: expected MSH"),
        (["PID|1"], "line 1: expected MSH"),
        ([BHS, "PID|1", "BTS|0"], "line 1: BHS is followed by PID"),
        ([BHS, "BTS|0"], "line 2: a batch without a message"),
        ([FHS, "FTS|0"], "line 2: a file without a message"),
        ([BHS, _msh(1), "BTS|2"], "line 4: BTS-1 says '2', found 1 messages"),
        ([BHS, _msh(1), "BTS|x"], "line 4: BTS-1 says 'x'"),
        ([FHS, BHS, _msh(1), "BTS|1", "FTS|2"], "line 6: FTS-1 says '2', found 1 batches"),
        ([BHS, _msh(1), BHS, "BTS|1"], "line 4: BHS in the middle of a batch"),
        ([_msh(1), BHS, _msh(2), "BTS|1"], "line 3: BHS in the middle"),
        ([FHS, BHS, _msh(1), FHS, "BTS|1", "FTS|1"], "line 5: FHS in the middle"),
        ([_msh(1), "BTS|1"], "line 3: BTS without BHS"),
        ([_msh(1), "FTS|1"], "line 3: FTS without FHS"),
        ([BHS, _msh(1)], "the file ends in a batch, expected BTS"),
        ([FHS, _msh(1)], "the file ends without FTS"),
        ([FHS, BHS, _msh(1), "FTS|1"], "line 5: FTS in the middle of a batch"),
        ([BHS, _msh(1), "BTS|1", _msh(2)], "line 5: a message after BTS"),
        ([FHS, _msh(1), "FTS|1", _msh(2)], "line 5: MSH after FTS"),
        ([FHS], "the file ends without FTS"),
        (["BHS|", _msh(1), "BTS|1"], "line 1: BHS: the batch header ends before"),
        (["FHS|^^", _msh(1), "FTS|1"], "line 1: FHS: two delimiters"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused_whole_naming_the_place(lines, reason):
    with pytest.raises(hl7batch.BadBatch) as caught:
        hl7batch.split(_file(*lines))

    assert str(caught.value).startswith(reason)


def test_messages_are_the_very_bytes_of_the_file():
    body = _file(FHS, BHS, _msh(1), _msh(2), "BTS|2", "FTS|1", end="\r\n")

    batch = hl7batch.split(body)

    assert b"".join(batch.messages) in body
    assert batch.control_id == "F1"
    assert batch.file_header == FHS.encode()


def test_a_byte_order_mark_before_the_envelope_is_passed_over():
    batch = hl7batch.split(b"\xef\xbb\xbf" + _file(BHS, _msh(1), "BTS|1"))

    assert batch.control_id == "B1"


def test_custom_delimiters_in_the_envelope_are_read():
    batch = hl7batch.split(b"BHS#*!?$#A\rMSH#*!?$#A#####ADT#1\rBTS#1\r")

    assert len(batch.messages) == 1


def test_a_segment_name_inside_text_does_not_split_a_message():
    body = b"MSH|^~\\&|A|||||ADT|1\rOBX|1|TX|||see MSH|x\rNTE|1||BHS|y\r"

    assert hl7batch.split(body).messages == (body,)
    assert not hl7batch.is_batch(body)


def test_100000_messages_are_split_in_linear_time():
    body = _file(BHS, *[_msh(1)] * 100_000, "BTS|100000")

    assert len(hl7batch.split(body).messages) == 100_000


GOOD = {
    "sample_hl7": 1,
    "sample_msh": 1,
    "rep_sample_hl7": 1,
    "sample_file": 1,
    "sample_file1": 3,
    "sample_file2": 2,
    "sample_batch": 1,
    "sample_batch1": 2,
    "sample_batch2": 2,
}
BAD = {
    "sample_file3": "the file ends without FTS",
    "sample_file4": "FTS without FHS",
    "sample_file5": "FTS in the middle of a batch",
    "sample_file6": "BTS without BHS",
    "sample_batch3": "the file ends in a batch",
    "sample_batch4": "BTS without BHS",
    "sample_bad_batch": "BHS is followed by EVN",
    "sample_bad_file": "BHS is followed by EVN",
    "sample_bad_file3": "FHS is followed by EVN",
    "sample_bad_batch1": "BHS in the middle",
    "sample_bad_file1": "BHS in the middle",
    "sample_bad_file2": "FHS in the middle",
}


@needs_data
def test_every_sample_of_the_peer_has_an_expected_outcome():
    assert {file.stem for file in (DATA / "python-hl7").glob("*.hl7")} == GOOD.keys() | BAD.keys()


@needs_data
@pytest.mark.parametrize(("name", "count"), GOOD.items())
def test_good_samples_yield_their_messages(name, count):
    batch = hl7batch.split((DATA / "python-hl7" / f"{name}.hl7").read_bytes())

    assert len(batch.messages) == count
    assert all(header(one).type for one in batch.messages)


@needs_data
@pytest.mark.parametrize(("name", "reason"), BAD.items())
def test_bad_samples_are_refused_whole_with_the_reason(name, reason):
    with pytest.raises(hl7batch.BadBatch, match=reason):
        hl7batch.split((DATA / "python-hl7" / f"{name}.hl7").read_bytes())


@needs_data
@pytest.mark.parametrize("name", ["hl7_test_files/batch_message", "smoketest/valid_mars"])
def test_the_cdc_files_of_two_messages_are_two_messages(name):
    (file,) = (DATA / "cdc-reportstream").rglob(f"{name.rpartition('/')[2]}.hl7")

    batch = hl7batch.split(file.read_bytes())

    assert len(batch.messages) == 2


@needs_data
def test_every_other_real_file_is_split_into_its_own_bytes():
    for file in DATA.rglob("*.hl7"):
        body = file.read_bytes()
        if file.stem not in BAD:
            assert all(one in body for one in hl7batch.split(body).messages), file.name
