"""Validation on request: what departs from the standard, under limits, without a value."""

import time

import pytest

from connectors.formats.er7_validate import Fault, find_faults, validate

MSH = "MSH|^~\\&|A|B|||20260301||ADT^A01^ADT_A01|1|P|2.5.1"


def _message(*segments, head=MSH):
    return "".join(line + "\r" for line in (head, *segments)).encode()


GOOD = _message("EVN|A01|20260301", "PID|1||X^^^N^MR||DOE^JANE||19700101|F", "PV1|1|I", "ZRS|1|x")


def test_a_good_message_has_no_fault():
    assert validate(GOOD) == []


def test_faults_name_the_place_and_never_the_value():
    body = GOOD.replace(b"|F\r", b"|SECRET\r") + b"CSR|1\r"

    faults = validate(body)

    assert Fault("PID-8", "is not in its table") in faults
    assert Fault("CSR", "no segment of ADT_A01") in faults
    assert Fault("CSR-4", "is required") in faults
    assert "SECRET" not in str(faults)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (_message("EVN|A01|20260301", "PV1|1|I"), Fault("PID", "ADT_A01 needs this segment")),
        (b"hello", Fault("MSH", "the message does not begin with MSH")),
        (
            _message(head=MSH.replace("2.5.1", "9.9")),
            Fault("MSH-12", "not checked: no dictionary of this version"),
        ),
        (
            _message(head=MSH.replace("ADT^A01^ADT_A01", "CUSTOM^PAT")),
            Fault("MSH-9", "HL7 v2.5.1 has no structure for this type"),
        ),
        (
            _message(head=MSH.replace("^~\\&", "^~")),
            Fault("MSH-2", "not checked: it leaves delimiters out"),
        ),
    ],
)
def test_each_kind_of_fault_is_named(body, fault):
    assert fault in find_faults(body)


def test_line_feeds_and_doubled_escapes_are_no_obstacle():
    body = GOOD.replace(b"\r", b"\n").replace(b"^~\\&", b"^~\\\\&")

    assert find_faults(body) == []


def test_a_message_that_takes_too_long_is_given_up():
    body = GOOD + b"OBX|1|NM|718-7^Hb^LN||13.1|g/dL|12-16|N|||F\r" * 20_000
    start = time.monotonic()

    faults = validate(body, seconds=1)

    assert faults == [Fault("", "not checked: it took longer than 1 s")]
    assert time.monotonic() - start < 5


def test_a_check_that_dies_is_a_fault_and_no_exception():
    (fault,) = validate(GOOD, megabytes=1)

    assert fault.says.startswith("not checked: the check ended with status")
