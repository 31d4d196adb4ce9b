"""A sender that asked for it hears, once its message is settled, what became of it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import hl7.mllp
import pytest

from connectors.formats import er7
from connectors.hl7v2 import Hl7v2, intake
from pipelines.answering import Answering, House
from pipelines.answers import OLDEST, Answerer, Desk, Place, consumer
from pipelines.writer import Writer

RULES = Hl7v2(port=0)._rules()


class Receiver:
    """The sender's receiving side: a server of the `hl7` package in a loop of its own."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.came = threading.Event()
        self.code = "CA"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._open: set[asyncio.Task] = set()
        start = hl7.mllp.start_hl7_server(self._serve, host="127.0.0.1", port=0)
        self._server = self._run(start)
        self.port = self._server.sockets[0].getsockname()[1]

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, reader, writer):
        self._open.add(asyncio.current_task())
        try:
            while True:
                message = await reader.readmessage()
                self.heard.append(str(message).encode())
                writer.writemessage(message.create_ack(self.code))
                await writer.drain()
                self.came.set()
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    async def _close(self):
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def end(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def said(self) -> list[tuple[str, str, str, str]]:
        """Own control id, MSA-1, MSA-2 and the error's code of each answer heard."""
        found = []
        for body in self.heard:
            one = er7.read(body)
            error = one.first("ERR")
            msa = one.first("MSA")
            number = one.first("MSH").field(10)
            found.append((number, msa.field(1), msa.field(2), error.value(3) if error else ""))
        return found


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.end()


@pytest.fixture
def writer(house):
    made = Writer(house.places.journal, wake=lambda: None, fatal=print)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def wanting(adt):
    """Makes what the listener hands over of a message that asks for an answer: MSH-15, MSH-16."""

    def make(patient="A", number=1, acks="AL|AL", **rest):
        body = adt(patient, number, **rest).body.replace(b"|2.5.1\r", f"|2.5.1|||{acks}\r".encode())
        taken = intake.take(body, RULES, lambda: adt().at)
        return taken.record

    return make


@pytest.fixture
def answering(house, writer, receiver):
    """Makes an answerer on sessions of its own; what it does is in time order."""
    lines = []

    def make(connection="hospital", *, port=None, **rest):
        connector = Hl7v2(
            port=0,
            target_host="127.0.0.1",
            target_port=port or receiver.port,
            application="CROHUB",
            ack_timeout=5,
        )
        lines.append(connector)
        clock = rest.pop("clock", lambda: 1_772_000_000_000_000)
        desk = Desk(
            hub=house._kept(house.places.hub()),
            journal=house.session(),
            writer=writer,
            keyring=house.keyring,
            clock=clock,
            chance=lambda: 1.0,
        )
        return Answerer(desk, connection, connector, **rest)

    yield make
    for line in lines:
        line.close()


def until_quiet(answerer):
    while answerer.step():
        pass


def test_what_was_settled_is_answered_with_aa_under_a_number_of_its_own(
    house, wanting, answering, receiver
):
    one, two = house.keep(wanting("A", 1), wanting("B", 2))
    house.settle()

    until_quiet(answering())

    expected = [(f"A{one.seq}", "AA", "1", ""), (f"A{two.seq}", "AA", "2", "")]
    assert receiver.said() == expected
    assert receiver.heard[0].startswith(b"MSH|^~\\&|CROHUB|UH|REG|NORTH|")
    assert b"||AL|NE" in receiver.heard[0].split(b"\r")[0]


def test_nobody_is_answered_before_the_message_is_settled(house, wanting, answering, receiver):
    house.keep(wanting("A", 1))
    answerer = answering()
    until_quiet(answerer)
    before = list(receiver.heard)

    house.settle()
    until_quiet(answerer)

    assert before == []
    assert len(receiver.heard) == 1


def test_a_parked_message_is_answered_with_its_code_and_no_data(
    house, wanting, answering, receiver
):
    house.keep(wanting("ZZPHI", 1, sex="Q9"))
    house.settle()

    until_quiet(answering())

    assert set(house.outcomes().values()) == {"parked"}
    assert [said[1:] for said in receiver.said()] == [("AE", "1", "103")]
    assert b"ZZPHI" not in receiver.heard[0]
    assert b"Q9" not in receiver.heard[0]


def test_a_message_that_waits_behind_another_is_answered_when_its_turn_has_come(
    house, wanting, answering, receiver
):
    bad, behind = (
        house.keep(one, connection="clinic")[0]
        for one in (wanting("A", 1, sex="Q9"), wanting("A", 2))
    )
    house.settle()
    answerer = answering("clinic")
    until_quiet(answerer)
    first = receiver.said()

    house.order("discard", messages=[bad.seq])
    house.settle()
    until_quiet(answerer)

    assert house.outcomes()[bad.seq] == "aside"
    assert [said[1:3] for said in first] == [("AE", "1")]
    assert [said[:3] for said in receiver.said()[1:]] == [(f"A{behind.seq}", "AA", "2")]


@pytest.mark.parametrize(
    ("acks", "sex", "answers"),
    [
        ("AL|ER", "F", []),
        ("AL|ER", "Q9", ["AE"]),
        ("AL|SU", "F", ["AA"]),
        ("AL|SU", "Q9", []),
        ("NE|AL", "F", ["AA"]),
        ("AL|NE", "F", []),
        ("AL|", "F", []),
        ("|AL", "F", []),  # has had its only answer at once
    ],
)
def test_the_sender_decides_which_answers_it_wants(
    small_house, wanting, answering_small, acks, sex, answers
):
    receiver, answerer = answering_small
    small_house.keep(wanting("A", 1, acks=acks, sex=sex))
    small_house.settle()

    until_quiet(answerer)

    assert [said[1] for said in receiver.said()] == answers


@pytest.fixture
def answering_small(small_house, receiver):
    writer = Writer(small_house.places.journal, wake=lambda: None, fatal=print)
    writer.start()
    connector = Hl7v2(port=0, target_host="127.0.0.1", target_port=receiver.port, ack_timeout=5)
    desk = Desk(
        hub=small_house._kept(small_house.places.hub()),
        journal=small_house.session(),
        writer=writer,
        keyring=small_house.keyring,
        clock=lambda: 1_772_000_000_000_000,
    )
    yield receiver, Answerer(desk, "hospital", connector)
    connector.close()
    writer.stop()


def test_messages_that_nothing_reads_or_that_are_tests_are_answered_as_taken(
    house, wanting, answering, receiver
):
    house.keep(replace(wanting("A", 1), stream="ORU"))
    house.keep(replace(wanting("B", 2), test=True))
    house.settle()

    until_quiet(answering())

    assert set(house.outcomes().values()) == {"aside", "test"}
    assert [said[1:3] for said in receiver.said()] == [("AA", "1"), ("AA", "2")]


def test_what_was_refused_at_once_gets_no_second_answer(house, wanting, answering, receiver):
    house.keep(wanting("A", 1, sex="F"))
    house.keep(wanting("A", 1, sex="M"))  # the key again with another body: CE 205
    house.settle()

    until_quiet(answering())

    assert [said[1] for said in receiver.said()] == ["AA"]


def test_a_target_that_is_away_gets_the_same_answer_later(house, wanting, answering, receiver):
    [kept] = house.keep(wanting("A", 1))
    house.settle()
    now = [1_772_000_000_000_000]
    answerer = answering(clock=lambda: now[0])
    receiver.code = "ZZ"  # no acknowledgement: what became of it is not known
    until_quiet(answerer)
    tried = len(receiver.heard)
    receiver.code = "CA"

    until_quiet(answerer)
    too_soon = len(receiver.heard)
    now[0] += 2_000_000
    until_quiet(answerer)

    assert (tried, too_soon) == (1, 1)
    assert [said[:2] for said in receiver.said()] == [(f"A{kept.seq}", "AA")] * 2


def test_after_a_restart_what_was_owed_is_answered_and_nothing_twice(
    house, wanting, answering, receiver
):
    house.keep(wanting("A", 1))
    house.settle()
    until_quiet(answering())
    receiver.code = "ZZ"
    house.keep(wanting("B", 2))
    house.settle()
    until_quiet(answering())
    receiver.code = "CA"

    until_quiet(answering())
    until_quiet(answering())

    assert [said[2] for said in receiver.said()] == ["1", "2", "2"]


def test_more_than_a_batch_is_answered_in_order(house, wanting, answering, receiver):
    house.keep(*(wanting("A", n) for n in range(1, 121)))
    house.settle()

    until_quiet(answering())

    assert [int(said[2]) for said in receiver.said()] == list(range(1, 121))


def test_without_a_target_it_is_said_and_passed_over(house, wanting, answering, receiver):
    house.keep(wanting("A", 1))
    house.settle()
    answerer = answering(target=False)

    until_quiet(answerer)
    until_quiet(answering())

    assert "no target" in answerer.trouble
    assert receiver.heard == []


def test_a_paused_connection_answers_nobody(house, wanting, answering, receiver):
    house.keep(wanting("A", 1))
    house.settle()

    until_quiet(answering(paused=lambda: True))

    assert receiver.heard == []


def test_an_old_answer_is_given_up_after_enough_tries(house, wanting, answering, receiver):
    house.keep(wanting("A", 1))
    house.settle()
    received = house.journal.session.one("select received_at from message")[0]
    answerer = answering(clock=lambda: received + OLDEST + 1, tries=8)
    answerer.place = Place(owed=[1] if house.hub.dialect == "sqlite" else _numbers(house))

    until_quiet(answerer)

    assert receiver.heard == []
    assert answerer.place.owed == []


def _numbers(house):
    return [seq for (seq,) in house.journal.session.all("select seq from message")]


def test_where_answering_stands_has_a_name_that_fits_its_column():
    names = {consumer("x" * 80), consumer("x" * 79 + "y"), consumer("hospital")}

    assert len(names) == 3
    assert all(len(name) <= 80 for name in names)


def test_messages_that_want_an_answer_are_found_by_their_index(small_house):
    plan = small_house.journal.session.all(
        "explain query plan select seq from message where connection = ? and (flags & 32) <> 0 "
        "and part = ? and seq > ? and seq <= ? order by seq limit 50",
        ("hospital", 0, 0, 10),
    )

    assert "ix_message_answer" in plan[0][3]


def test_a_node_answers_while_it_runs(small_house, wanting, receiver):
    writer = Writer(small_house.places.journal, wake=lambda: None, fatal=print)
    writer.start()
    line = Hl7v2(port=0, target_host="127.0.0.1", target_port=receiver.port)
    node = Answering(
        House(
            places=small_house.places,
            deployment=small_house.deployment,
            keyring=small_house.keyring,
            writer=writer,
            connector=lambda name: line if name == "hospital" else Hl7v2(target_host="127.0.0.1"),
            paused=dict,
        )
    )
    small_house.keep(wanting("A", 1))
    small_house.settle()

    node.start()
    came = receiver.came.wait(20)
    node.stop()
    line.close()
    writer.stop()

    assert came
    assert [said[1:3] for said in receiver.said()] == [("AA", "1")]
