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


@given(
    st.text("AÄß\x01|^~\\& ", max_size=4), st.sampled_from(["", "|||AL|NE", "|||NE", "|||ER|AL"]),
    st.sampled_from(["", "UNICODE UTF-8"]), st.sampled_from(["2.3", "2.5.1"]),
)  # fmt: skip
def test_an_answer_cast_from_a_mould_is_the_one_that_is_built(name, acks, charset, version):
    line = f"MSH|^~\\&|{name}|N|H|R|20260301120000||ADT^A08|C1|P|{version}{acks or '|||'}"
    body = f"{line}{'|' * (17 - line.count('|'))}{charset}\rPID|1||7\r".encode()
    taken = intake.take(body, RULES, lambda: NOW)
    if taken.against or not taken.like:
        return
    we, stamp = answer.From("HUB", ""), "20260301120000+0000"

    cast = answer.mould(taken.like, we)

    code = answer.code(taken.header, None)
    assert (cast is None) == (code == "")
    if cast:
        built = answer.build(taken.header, code, None, we=we, stamp=stamp)
        assert cast.cast(stamp, taken.control_id) == b"\x0b" + built + b"\x1c\r"


def test_what_differs_between_alike_messages_is_their_own():
    many = [
        b"MSH|^~\\&|A|B|H|R|2026030112000%d||ADT^A08|C%d|P|2.5.1\rPID|1||7\r" % (n, n)
        for n in range(3)
    ]

    taken = [intake.take(body, RULES, lambda: NOW) for body in many]

    assert [one.record.message_key for one in taken] == ["A|B|C0", "A|B|C1", "A|B|C2"]
    assert [one.record.at.second for one in taken] == [0, 1, 2]
    assert len({one.like for one in taken}) == 1
    answers = [reply(told(one, Accepted("kept")), answer.From(), "20260301") for one in taken]
    assert [er7.read(one[1:-2]).row("MSA")[2] for one in answers] == ["C0", "C1", "C2"]
    assert [er7.read(one[1:-2]).row("MSH")[10] for one in answers] == ["C0", "C1", "C2"]


def test_a_header_too_long_to_be_remembered_is_read_and_answered_all_the_same():
    rules, we = intake.Rules(zone=UTC), answer.From()
    remembered = answer.mould.cache_info().currsize
    long = b"MSH|^~\\&|A|B|H|R|20260301120000|%b|ADT^A08|C1|P|2.5.1\rPID|1||7\r" % (b"x" * 5000)

    taken = intake.take(long, rules, lambda: NOW)

    assert (taken.record.message_key, taken.record.fault) == ("A|B|C1", "")
    assert (
        er7.read(reply(told(taken, Accepted("kept")), we, "20260301")[1:-2]).row("MSA")[2] == "C1"
    )
    assert rules.known == {}
    assert answer.mould.cache_info().currsize == remembered
