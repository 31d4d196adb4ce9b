"""The sender against an independent receiver, our own listener, and peers that misbehave."""

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager

import hl7
import hl7.mllp
import pytest

from connectors.errors import TryLater
from connectors.formats import er7
from connectors.hl7v2 import Hl7v2
from connectors.protocol import Accepted
from connectors.record import Delivery


def delivery(number, acks="|"):
    body = (
        f"MSH|^~\\&|HUB|SITE|EHR|NORTH|20260301||CRM^C01^CRM_C01|D{number}|P|2.5.1|||{acks}\r"
        f"PID|1||A{number}\r"
    )
    return Delivery(id=f"d{number}", stream="crm", body=body.encode(), media="hl7v2")


def ack(body, code="AA", *, error="", id_=None):
    answers = er7.header(body).control_id if id_ is None else id_
    head = "MSH|^~\\&|EHR|NORTH|HUB|SITE|20260301||ACK|X1|P|2.5.1"
    return f"{head}\rMSA|{code}|{answers}\r{error}".encode()


@contextmanager
def peer(talk):
    """A receiver on a free port; `talk(connection, frame number, body)` for each frame."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    bodies = []

    def serve():
        while not ended.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                _receive(connection, talk, bodies)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1], bodies
    finally:
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def _receive(connection, talk, bodies):
    data = b""
    connection.settimeout(5)
    while True:
        while b"\x1c\r" in data:
            body, _, data = data.partition(b"\x1c\r")
            bodies.append(body.removeprefix(b"\x0b"))
            try:
                if talk(connection, len(bodies), bodies[-1]) == "close":
                    return
            except OSError:
                return
        try:
            more = connection.recv(65536)
        except OSError:
            return
        if not more:
            return
        data += more


def answering(code, error=""):
    def talk(connection, _number, body):
        connection.sendall(b"\x0b" + ack(body, code, error=error) + b"\x1c\r")

    return talk


@contextmanager
def sending(port, **settings):
    connector = Hl7v2(target_host="127.0.0.1", target_port=port, ack_timeout=0.3, **settings)
    try:
        yield connector
    finally:
        connector.close()


@pytest.mark.parametrize(
    ("code", "error", "outcome", "detail"),
    [
        ("AA", "", "delivered", "AA"),
        ("CA", "", "delivered", "CA"),
        ("AE", "ERR||PID^1^3|101^^HL70357|E\r", "refused", "AE, 101 at PID^1^3"),
        ("AE", "ERR|||207^^HL70357|E\r", "later", "AE, 207"),
        ("CE", "ERR|||206^^HL70357|E\r", "later", "CE, 206"),
        ("AE", "ERR|||207|E\rERR|||101|E\r", "refused", "AE, 207, 101"),
        ("AE", "ERR|PID^1^3^101&missing\r", "refused", "AE, 101 at PID^1^3"),
        ("AE", "", "refused", "AE, without a reason"),
        ("AR", "ERR|||200|E\r", "refused", "AR, 200"),
        ("CR", "ERR|||207|E\r", "refused", "CR, 207"),
        ("ZZ", "", "unknown", "ZZ"),
    ],
)
def test_the_answer_decides_what_became_of_it(code, error, outcome, detail):
    with peer(answering(code, error)) as (port, _), sending(port) as target:
        (receipt,) = target.push([delivery(1)])

    assert (receipt.id, receipt.outcome, receipt.detail) == ("d1", outcome, detail)


def test_the_targets_free_words_are_not_repeated():
    error = "ERR||PID^1^5|101^^HL70357|E||||patient DOE JANE unknown\r"

    with peer(answering("AE", error)) as (port, _), sending(port) as target:
        (receipt,) = target.push([delivery(1)])

    assert "DOE" not in receipt.detail


def test_messages_go_in_order_over_one_connection():
    connections = set()

    def talk(connection, number, body):
        connections.add(connection)
        answering("AA")(connection, number, body)

    with peer(talk) as (port, bodies), sending(port) as target:
        receipts = [*target.push([delivery(1), delivery(2)]), *target.push([delivery(3)])]

    assert [receipt.outcome for receipt in receipts] == ["delivered"] * 3
    assert [er7.header(body).control_id for body in bodies] == ["D1", "D2", "D3"]
    assert bodies[0] == delivery(1).body
    assert len(connections) == 1


@pytest.mark.peer
def test_an_independent_receiver_takes_it():
    received, ended = [], asyncio.Event()

    async def serve(reader, writer):
        while True:
            try:
                message = await reader.readmessage()
            except asyncio.IncompleteReadError:
                break
            received.append(str(message))
            writer.writemessage(message.create_ack())
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        ended.set()

    async def talk():
        server = await hl7.mllp.start_hl7_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with sending(port) as target:
            receipts = await asyncio.to_thread(target.push, [delivery(1), delivery(2)])
        await asyncio.wait_for(ended.wait(), 10)
        server.close()
        await server.wait_closed()
        return receipts

    receipts = asyncio.run(talk())

    assert [receipt.outcome for receipt in receipts] == ["delivered", "delivered"]
    assert [text.encode() for text in received] == [delivery(1).body, delivery(2).body]


@pytest.mark.parametrize("acks", ["|", "AL|NE", "NE|NE", "SU|NE"])
def test_our_own_listener_takes_it_in_both_modes(acks):
    async def talk():
        records = []

        def accept(record):
            records.append(record)
            future = asyncio.get_running_loop().create_future()
            future.set_result(Accepted("kept"))
            return future

        started = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            Hl7v2(port=0).listen(accept, started=lambda _host, port: started.set_result(port))
        )
        with sending(await started) as target:
            receipts = await asyncio.to_thread(target.push, [delivery(1, acks), delivery(2, acks)])
        while len(records) < 2:  # noqa: ASYNC110 - those without an answer may still be on their way
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return receipts, records

    receipts, records = asyncio.run(talk())

    assert [receipt.outcome for receipt in receipts] == ["delivered", "delivered"]
    assert {receipt.confirmed for receipt in receipts} == {not acks.startswith("NE")}
    assert [record.body for record in records] == [delivery(1, acks).body, delivery(2, acks).body]


def test_where_only_errors_are_answered_silence_is_acceptance():
    with peer(lambda *_: None) as (port, _), sending(port) as target:
        (receipt,) = target.push([delivery(1, "ER|NE")])

    assert (receipt.outcome, receipt.confirmed) == ("delivered", False)


def _never(connection, number, body):
    pass


def _close(connection, number, body):
    return "close"


def _reset(connection, number, body):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return "close"


def _garbage(connection, number, body):
    connection.sendall(b"\x0b<html>\x1c\r")


def _unframed(connection, number, body):
    connection.sendall(b"OK\r\n" * 400)


def _no_msa(connection, number, body):
    connection.sendall(b"\x0bMSH|^~\\&|A|B|||20260301||ACK|1|P|2.5\r\x1c\r")


def _other_id(connection, number, body):
    connection.sendall(b"\x0b" + ack(body, id_="SOMEONE") + b"\x1c\r")


def _no_id(connection, number, body):
    connection.sendall(b"\x0b" + ack(body, id_="") + b"\x1c\r")


def _half(connection, number, body):
    connection.sendall(b"\x0b" + ack(body)[:20])
    return "close"


@pytest.mark.parametrize(
    "talk", [_never, _close, _reset, _garbage, _unframed, _no_msa, _other_id, _no_id, _half]
)
def test_without_an_answer_that_counts_the_outcome_is_unknown_and_the_next_waits(talk):
    with peer(talk) as (port, bodies), sending(port) as target:
        receipts = target.push([delivery(1), delivery(2)])

    assert [receipt.outcome for receipt in receipts] == ["unknown", "later"]
    assert len(bodies) == 1


def test_after_an_unknown_outcome_the_same_is_sent_again_on_a_new_connection():
    connections = set()

    def talk(connection, number, body):
        connections.add(connection)
        if number > 1:
            answering("AA")(connection, number, body)

    with peer(talk) as (port, bodies), sending(port) as target:
        (first,) = target.push([delivery(1)])
        (second,) = target.push([delivery(1)])

    assert (first.outcome, second.outcome) == ("unknown", "delivered")
    assert bodies[0] == bodies[1]
    assert len(connections) == 2


def test_an_answer_in_single_bytes_is_read():
    def talk(connection, number, body):
        for byte in b"\x0b" + ack(body) + b"\x1c\r":
            connection.sendall(bytes([byte]))

    with peer(talk) as (port, _), sending(port) as target:
        (receipt,) = target.push([delivery(1)])

    assert receipt.outcome == "delivered"


def test_an_answer_without_end_does_not_hold_us_beyond_the_time_limit():
    stop = threading.Event()

    def talk(connection, number, body):
        connection.sendall(b"\x0b")
        while not stop.wait(0.02):
            connection.sendall(b"x")

    with peer(talk) as (port, _), sending(port) as target:
        (receipt,) = target.push([delivery(1)])
        stop.set()

    assert receipt.outcome == "unknown"
    assert "0.3 s" in receipt.detail


def test_a_late_application_answer_is_not_taken_for_the_next_ones():
    def talk(connection, number, body):
        connection.sendall(b"\x0b" + ack(body, "CA") + b"\x1c\r\x0b" + ack(body, "AA") + b"\x1c\r")

    with peer(talk) as (port, _), sending(port) as target:
        receipts = target.push([delivery(1, "AL|AL"), delivery(2, "AL|AL"), delivery(3, "AL|AL")])

    assert [receipt.outcome for receipt in receipts] == ["delivered"] * 3


def test_a_connection_that_the_target_closed_meanwhile_is_opened_anew():
    def talk(connection, number, body):
        answering("AA")(connection, number, body)
        return "close"

    with peer(talk) as (port, bodies), sending(port) as target:
        receipts = [target.push([delivery(n)])[0] for n in range(3) if not _wait()]

    assert [receipt.outcome for receipt in receipts] == ["delivered"] * 3
    assert len(bodies) == 3


def _wait():
    threading.Event().wait(0.05)  # lets the other side's close arrive


def test_a_target_that_is_down_means_later():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with sending(port) as target:
        with pytest.raises(TryLater, match=f"127.0.0.1:{port} cannot be reached"):
            target.push([delivery(1)])
        assert not target.check().ok


def test_what_is_no_message_is_refused_before_it_is_sent():
    with peer(answering("AA")) as (port, bodies), sending(port) as target:
        receipts = target.push(
            [
                Delivery(id="d1", stream="x", body=b"hello", media="hl7v2"),
                Delivery(id="d2", stream="x", body=b"MSH|^~\\&|A\r", media="hl7v2"),
                Delivery(id="d3", stream="x", body=delivery(1).body + b"\x1c\r", media="hl7v2"),
                delivery(4),
            ]
        )

    assert [receipt.outcome for receipt in receipts] == ["refused"] * 3 + ["delivered"]
    assert len(bodies) == 1


def test_checking_a_target_says_nothing_to_it():
    with peer(answering("AA")) as (port, bodies), sending(port) as target:
        health = target.check()

    assert health.ok
    assert bodies == []
