"""Records become journal entries: lane, flags, sealing; and senders hear what became of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pipelines.intake import lane_digest
from pipelines.journal import FAULT, GONE, TEST, UNREAD
from pipelines.writer import Writer


@pytest.fixture
def sent(small_house):
    """Hands records to the intake as a listener does; the hub's words."""

    def send(*records, reuse="park", open_session=small_house.places.journal):
        writer = Writer(open_session, wake=lambda: None, fatal=lambda _: None)
        writer.start()

        async def all_of_them():
            accept = small_house.intake(writer).accept("hospital", 0, reuse=reuse)
            return [await asyncio.wait_for(accept(record), 20) for record in records]

        try:
            return asyncio.run(all_of_them())
        finally:
            writer.stop()

    return send


def test_a_message_is_kept_and_again_kept(sent, adt):
    first, second = sent(adt("A", 1), adt("A", 1))

    assert (first.outcome, first.again) == ("kept", False)
    assert (second.outcome, second.again) == ("kept", True)


def test_a_known_key_with_another_body_is_a_conflict_unless_the_connection_accepts_it(sent, adt):
    _, conflict = sent(adt("A", 1), adt("A", 1, sex="M"))
    _, accepted = sent(adt("A", 2), adt("A", 2, sex="M"), reuse="accept")

    assert (conflict.outcome, accepted.outcome) == ("conflict", "kept")


def test_a_stream_that_nothing_reads_is_said_to_be_unread(sent, adt):
    [said] = sent(replace(adt("A", 1), stream="ORU"))

    assert said.outcome == "unread"


def test_what_could_not_be_read_is_refused_and_kept(sent, unreadable, small_house):
    [said] = sent(unreadable("A", 1))

    assert said.outcome == "refused"
    assert small_house.journal.session.one("select count(*) from message")[0] == 1


def test_no_room_is_said_to_the_sender(sent, adt, small_house):
    def small():
        session = small_house.places.journal()
        [(pages,)] = session.all("pragma page_count")
        session.all(f"pragma max_page_count = {pages}")
        return session

    records = [adt("A", n, extra="|" + "".join(map(str, range(n, n + 900)))) for n in range(40)]
    said = sent(*records, open_session=small)

    assert said[-1].outcome == "full"


def test_flags_say_what_the_record_was(small_house, adt):
    flags = {
        "plain": small_house.entry(adt("A", 1)).flags,
        "gone": small_house.entry(replace(adt("A", 1), said="gone")).flags,
        "test": small_house.entry(replace(adt("A", 1), test=True)).flags,
        "fault": small_house.entry(replace(adt("A", 1), fault="x")).flags,
        "unread": small_house.entry(replace(adt("A", 1), stream="ORU")).flags,
    }

    assert flags == {"plain": 0, "gone": GONE, "test": TEST, "fault": FAULT, "unread": UNREAD}


def test_one_patient_has_one_lane_and_the_lane_says_nothing_of_the_patient(small_house, adt):
    first, second, other = (small_house.entry(adt(p, n)) for n, p in enumerate("AAB"))

    assert first.lane == second.lane != other.lane
    assert first.lane == lane_digest(small_house.keyring, "A")
    assert len(first.lane) == 16


def test_a_message_without_a_lane_has_one_of_its_own(small_house, adt):
    first, second = (small_house.entry(replace(adt("A", n), body=b"MSH|^~\\&|x")) for n in (1, 2))

    assert first.lane != second.lane


def test_fault_and_notes_are_kept_beside_the_message(small_house, adt):
    entry = small_house.entry(replace(adt("A", 1), notes=("a byte order mark",)))

    assert entry.remark == '{"fault":"","notes":["a byte order mark"]}'
    assert small_house.entry(adt("A", 2)).remark is None
