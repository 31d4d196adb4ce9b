"""Whatever bytes come in a frame, there is a record and an answer."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats import er7, hl7batch
from connectors.formats.er7_time import read_time, write_time
from connectors.hl7v2 import answer, intake
from connectors.hl7v2.turn import Turn, reply
from connectors.protocol import Accepted

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = intake.Rules(zone=UTC)

words = rb"MSH|^~\& MSH | ^ ~ \ & FHS|^~\& BHS| BTS|1 ADT^A01 P|2.5.1 PID|1||A 8859/1".split()
pieces = st.one_of(
    st.binary(max_size=12), st.sampled_from([*words, b"\r", b"\n", b"\r\n", b"\xff", b"\0"])
)
bodies = st.lists(pieces, max_size=25).map(b"".join)
headed = bodies.map(b"MSH|^~\\&|A|B|||2026||ADT|1|P|2.5|||".__add__)


@given(st.one_of(bodies, headed))
def test_any_bytes_are_read_in_full_or_refused_with_a_code(body):
    try:
        message = er7.read(body)
    except er7.Unreadable as error:
        message, code = None, error.code

    if message is None:
        assert code in ("100", "102")
    else:
        text = "".join(line + end for line, end in message.pieces())
        assert body.endswith(text.encode(message.codec))


@given(
    st.one_of(bodies, headed), st.sampled_from(["kept", "conflict", "unread", "refused", "full"])
)
def test_any_bytes_become_a_record_and_an_answer(body, outcome):
    taken = intake.take(body, RULES, lambda: NOW)

    answered = reply(told(taken, Accepted(outcome, "why\x01\n")), answer.From(), "20260301")

    assert taken.record.body == body
    assert bool(taken.record.fault) == (taken.against is not None)
    if answered:
        assert er7.read(answered[1:-2]).row("MSA")[1] in ("AA", "AE", "AR", "CA", "CE", "CR")


def told(taken, accepted):
    turn = Turn([taken], None)
    turn.told[0] = accepted
    return turn


@given(bodies)
def test_any_bytes_are_a_batch_or_a_refusal(body):
    with suppress(hl7batch.BadBatch):
        assert all(one.startswith(b"MSH") for one in hl7batch.split(body).messages)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20260301", datetime(2026, 3, 1, tzinfo=UTC)),
        ("202603011305", datetime(2026, 3, 1, 13, 5, tzinfo=UTC)),
        ("20260301130507", datetime(2026, 3, 1, 13, 5, 7, tzinfo=UTC)),
        ("20260301130507.25", datetime(2026, 3, 1, 13, 5, 7, 250_000, tzinfo=UTC)),
        ("20260301130507.123456789", datetime(2026, 3, 1, 13, 5, 7, 123_456, tzinfo=UTC)),
        ("20210924093000+0215", datetime(2021, 9, 24, 7, 15, tzinfo=UTC)),
        ("2021092409-0500", datetime(2021, 9, 24, 14, tzinfo=UTC)),
        ("10131113", datetime(1013, 11, 13, tzinfo=UTC)),
        ("2026", None),
        ("202603", None),
        ("20261301", None),
        ("20260230120000", None),
        ("20260301250000", None),
        ("201610015080000", None),
        ("20160106165800070+0000", None),
        ("20260301+2500", None),
        ("٢٠٢٦٠٣٠١١٢٠٠٠٠", None),
        ("today", None),
        ("", None),
    ],
)
def test_a_time_is_read_as_it_is_written_or_not_at_all(text, at):
    assert read_time(text, UTC) == at


def test_a_time_without_an_offset_is_of_the_given_zone():
    assert read_time("20260701120000", ZoneInfo("Europe/Berlin")) == datetime(
        2026, 7, 1, 10, tzinfo=UTC
    )
    assert write_time(datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))) == (
        "20260701120000+0200"
    )
