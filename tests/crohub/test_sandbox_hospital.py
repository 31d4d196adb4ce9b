"""The hospital's sender against receivers of other makers, patient ones and rude ones."""

import asyncio
import socket
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta

import pytest

from crohub.sandbox.days import play
from crohub.sandbox.founding import found
from crohub.sandbox.hospital import Hospital, NoAnswer
from crohub.sandbox.mllp import Wire, framed
from crohub.sandbox.sink import Sink
from crohub.sandbox.world import Message

BEGINS = date(2026, 3, 2)


def note(number, line=0, expect="AA"):
    body = f"MSH|^~\\&|A|B|C|D|20260302080000||ADT^A08^ADT_A01|N{number}|P|2.5.1\rPID|1||{number}\r"
    at = datetime(2026, 3, 2, 8, tzinfo=UTC) + timedelta(seconds=number)
    return Message(at=at, line=line, control_id=f"N{number}", body=body.encode(), expect=expect)


@contextmanager
def independent_server(received):
    """The MLLP server of the `hl7` package, in a thread of its own."""
    from hl7.mllp import start_hl7_server

    async def talk(reader, writer):
        try:
            while True:
                message = await reader.readmessage()
                received.append(message)
                writer.writemessage(message.create_ack())
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # the hospital hung up
        finally:
            writer.close()
            with suppress(asyncio.CancelledError, OSError):
                await writer.wait_closed()

    async def serve():
        server = await start_hl7_server(talk, "127.0.0.1", 0, encoding="utf-8")
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        async with server:
            await stop.wait()

    async def main():
        nonlocal stop
        stop = asyncio.Event()
        loops.append(asyncio.get_running_loop())
        await serve()

    stop, port, loops, ready = None, [], [], threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    ready.wait(10)
    try:
        yield port[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def rude_server(*manners):
    """Treats the first connections by `manners`, one each, the rest politely."""
    left, seen, wires = list(manners), [], []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            wire = Wire(connection)
            wires.append(wire)
            manner = left.pop(0) if left else polite
            try:
                manner(wire, seen)
            except OSError:
                pass
            finally:
                wire.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for wire in wires:
            wire.close()
        thread.join()


def polite(wire, seen):
    while body := wire.receive():
        seen.append(body)
        control_id = body.split(b"|")[9]
        wire.send(b"MSH|^~\\&|C|D|A|B|||ACK|X|P|2.5.1\rMSA|AA|" + control_id + b"\r")


def takes_and_hangs_up(wire, seen):
    seen.append(wire.receive())


def takes_and_says_nothing(wire, seen):
    seen.append(wire.receive())
    wire.receive()


def answers_rubbish(wire, seen):
    seen.append(wire.receive())
    wire.connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\x1c\r")


def breaks_off_in_its_answer(wire, seen):
    seen.append(wire.receive())
    wire.connection.sendall(framed(b"MSH|^~\\&|C|D\rMSA|AA")[:-2])


@pytest.fixture
def hospital():
    made = []

    def make(port, **settings):
        made.append(Hospital("127.0.0.1", port, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_hospital_that_is_closed_sends_nothing_and_does_not_mind():
    hospital = Hospital("127.0.0.1", 9, patience=0.1)
    hospital.close()

    assert hospital.send([note(1)]) == []


def test_a_whole_day_is_answered_by_an_independent_server(hospital):
    received = []
    day = play(found(1, BEGINS), BEGINS)
    readable = [m for m in day.messages if not m.why]

    with independent_server(received) as port:
        answered = hospital(port).send(readable)

    assert len(answered) == len(received) == len(readable) > 100
    assert {(sent.answer, sent.as_expected) for sent in answered} == {("AA", True)}


def test_the_messages_of_a_line_arrive_in_their_order(hospital):
    received = []
    messages = [note(n, line=n % 3) for n in range(60)]

    with independent_server(received) as port:
        hospital(port, lines=3).send(messages)

    numbers = [int(str(message["PID.3"])) for message in received]
    for line in range(3):
        mine = [n for n in numbers if n % 3 == line]
        assert mine == sorted(mine)
    assert sorted(numbers) == list(range(60))


@pytest.mark.parametrize(
    "manner",
    [takes_and_hangs_up, takes_and_says_nothing, answers_rubbish, breaks_off_in_its_answer],
)
def test_a_message_without_an_answer_is_said_again_the_same(hospital, manner):
    with rude_server(manner) as (port, seen):
        answered = hospital(port, lines=1, timeout=0.2).send([note(1), note(2)])

    assert seen == [note(1).body, note(1).body, note(2).body]
    assert [(sent.control_id, sent.answer, sent.attempts) for sent in answered] == [
        ("N1", "AA", 2),
        ("N2", "AA", 1),
    ]


def test_a_receiver_that_never_answers_is_named(hospital):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sender = hospital(port, patience=0.2)

    with pytest.raises(NoAnswer, match=rf"no answer from 127.0.0.1:{port} to N1 in \d+ attempts"):
        sender.send([note(1)])
    assert sender.sheet == []


def test_after_no_answer_the_same_messages_can_be_sent_again(hospital):
    clock = iter(range(0, 10_000, 50))  # seconds: two looks at it and patience is at its end
    with rude_server(takes_and_hangs_up, takes_and_hangs_up) as (port, seen):
        sender = hospital(port, lines=1, patience=60, now=lambda: next(clock))
        with pytest.raises(NoAnswer, match="in 2 attempts over 60 s"):
            sender.send([note(1), note(2)])

        answered = sender.send([note(1), note(2)])

    assert [sent.control_id for sent in answered] == ["N1", "N2"]
    assert seen == [note(1).body] * 3 + [note(2).body]


def test_an_answer_that_was_not_due_stands_on_the_sheet_as_a_surprise(hospital):
    sink = Sink(lambda: datetime(2026, 3, 2, tzinfo=UTC), lambda body: "AE")
    sink.start()
    try:
        sender = hospital(sink.port)
        sender.send([note(1, expect="AE"), note(2)])
    finally:
        sink.stop()

    assert [(s.control_id, s.expect, s.answer) for s in sender.surprises()] == [("N2", "AA", "AE")]


def test_an_answer_to_another_message_is_a_surprise(hospital):
    def answers_another(wire, seen):
        while wire.receive():
            wire.send(b"MSH|^~\\&|C|D|A|B|||ACK|X|P|2.5.1\rMSA|AA|N999\r")

    with rude_server(answers_another) as (port, _):
        sender = hospital(port, lines=1)
        sender.send([note(1)])

    assert [(sent.answer, sent.echo) for sent in sender.surprises()] == [("AA", "N999")]


def test_error_codes_are_read_whatever_the_line_ends(hospital):
    def answers_with_line_feeds(wire, seen):
        while wire.receive():
            wire.send(b"MSH|^~\\&|C\nMSA|AE|N1\nERR||PID^1^7|102^Data type error^HL70357|E\n")

    with rude_server(answers_with_line_feeds) as (port, _):
        answered = hospital(port, lines=1).send([note(1, expect="AE")])

    assert [(sent.answer, sent.echo, sent.code) for sent in answered] == [("AE", "N1", "102")]


def test_closing_ends_a_send_that_waits(hospital):
    heard = threading.Event()

    def listens_for_ever(wire, seen):
        wire.receive()
        heard.set()
        wire.receive()

    with rude_server(listens_for_ever) as (port, _):
        sender = hospital(port, lines=1, timeout=30)
        results = []
        thread = threading.Thread(target=lambda: results.append(sender.send([note(1)])))
        thread.start()
        heard.wait(10)

        sender.close()
        thread.join(10)

    assert results == [[]]


def test_a_frame_over_many_packets_is_one_answer():
    here, there = socket.socketpair()
    wire = Wire(here)

    for byte in framed(b"MSA|AA|1") + framed(b"MSA|AA|2"):
        there.sendall(bytes([byte]))

    assert [wire.receive(), wire.receive()] == [b"MSA|AA|1", b"MSA|AA|2"]
    there.close()
    assert wire.receive() == b""
    wire.close()
