"""Told over MLLP: to an independent server, and to peers that are slow, die or say nothing."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager

import hl7.mllp
import pytest

from connectors.formats import er7
from hub.statement import Identifier, Ref, Stated

CRM = "feed: versions\nmapping: hl7v2/enrolled\nto: ehr_in\nmode: on\n"


def connection(port, timeout=5.0):
    return (
        "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings:\n"
        f"  target_host: 127.0.0.1\n  target_port: {port}\n  ack_timeout: {timeout}\n"
    )


@pytest.fixture
def crm(small_outward):
    """Makes the deliverer of CRM messages to a port; people, a study and names are known."""
    made = []

    def start(port, timeout=5.0, **more):
        more_lines = "".join(f"{k}: {v}\n" for k, v in more.items())
        small_outward.write(
            connections__ehr_in=connection(port, timeout), pipelines__out=CRM + more_lines
        )
        people(small_outward)
        connector = small_outward.house.deployment.connector("ehr_in")
        made.append(connector)
        return small_outward.deliverer(connector=connector)

    yield start
    for connector in made:
        connector.close()


def people(outward, count=4):
    for n in range(1, count + 1):
        mrn = (Identifier("mrn", f"100{n}", "NORTH"),)
        name = {"family_name": "O'NEIL & SONS", "given_name": "ADA"}
        outward.say(
            Stated(entity="Participant", key=f"p{n}", fields={"sex": "female"}, identifiers=mrn),
            Stated(entity="ParticipantPhi", key=f"p{n}", fields=name),
        )
    protocol = (Identifier("sponsor_protocol_no", "ONC-101", "SPONSOR"),)
    outward.say(Stated(entity="Study", key="st1", fields={"title": "T"}, identifiers=protocol))


@contextmanager
def independent(refuse=()):
    """The server of python-hl7; it answers AA, or AR to the messages at these places."""
    heard, found, started = [], {}, threading.Event()

    async def talk(reader, writer):
        try:
            while True:
                message = await reader.readmessage()
                heard.append(message)
                code = "AR" if len(heard) - 1 in refuse else "AA"
                writer.writemessage(message.create_ack(code))
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # the sender hung up
        finally:
            writer.close()

    async def serve():
        server = await hl7.mllp.start_hl7_server(talk, "127.0.0.1", 0)
        found.update(loop=asyncio.get_running_loop(), end=asyncio.Event(), server=server)
        started.set()
        async with server:
            await found["end"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    started.wait(10)
    try:
        yield found["server"].sockets[0].getsockname()[1], heard
    finally:
        found["loop"].call_soon_threadsafe(found["end"].set)
        thread.join(10)


@contextmanager
def peer(talk):
    """A receiver on a free port; `talk(line, number, body)` answers each frame as it likes."""
    server = socket.create_server(("127.0.0.1", 0))
    bodies: list[bytes] = []

    def serve():
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with line:
                line.settimeout(5)
                receive(line, talk, bodies)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1], bodies
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


def receive(line, talk, bodies):
    data = b""
    while True:
        try:
            more = line.recv(65536)
        except OSError:
            return
        if not more:
            return
        data += more
        while b"\x1c\r" in data:
            body, _, data = data.partition(b"\x1c\r")
            bodies.append(body.removeprefix(b"\x0b"))
            if talk(line, len(bodies), bodies[-1]) == "hang up":
                return


def ack(body, code="AA", *, answers=None):
    answers = er7.header(body).control_id if answers is None else answers
    text = f"MSH|^~\\&|EHR|NORTH|HUB|SITE|20260301||ACK|X|P|2.5.1\rMSA|{code}|{answers}\r"
    return b"\x0b" + text.encode() + b"\x1c\r"


def enrolled(outward, *numbers, state="enrolled"):
    for n in numbers:
        outward.enroll(n, state)


def locked(body):
    """An answer: the record is locked, the same again may succeed (HL7 table 0357)."""
    return ack(body, "AE").removesuffix(b"\x1c\r") + b"ERR||PID^1|206|E\r\x1c\r"


def test_a_target_whose_records_are_locked_still_takes_the_others(crm, small_outward):
    def talk(line, number, body):
        line.sendall(locked(body) if number <= 6 else ack(body))

    with peer(talk) as (port, bodies):
        deliverer = crm(port)
        people(small_outward, 7)
        enrolled(small_outward, *range(1, 8))
        small_outward.run(deliverer)

    assert deliverer.breaker.state == "closed"
    assert small_outward.rows("state, tries") == [("ready", 1)] * 6 + [("delivered", 1)]
    assert len(bodies) == 7


def test_an_independent_server_reads_what_it_is_told(crm, small_outward):
    with independent() as (port, heard):
        deliverer = crm(port)
        enrolled(small_outward, 1, 2, state="consented")
        small_outward.enroll(1, "enrolled", registered_at="2026-03-01T08:30Z[+01:00]")
        small_outward.run(deliverer)

    assert [m.extract_field("MSH", 1, 9, 1, 2) for m in heard] == ["C01"] * 3
    assert [m.extract_field("PID", 1, 3) for m in heard] == ["1001", "1002", "1001"]
    assert heard[2].extract_field("CSR", 1, 6) == "202603010930+0100"
    assert heard[0].unescape(heard[0].extract_field("PID", 1, 5, 1, 1)) == "O'NEIL & SONS"
    first, second, third = small_outward.rows("id")
    ids = [m.extract_field("MSH", 1, 10) for m in heard]
    assert ids == [first, second, third]
    assert {len(one) for one in ids} == {20}  # all that MSH-10 holds
    assert small_outward.rows("state, detail") == [("delivered", "AA")] * 3


def test_a_message_the_server_refuses_is_parked_and_the_next_goes_out(crm, small_outward):
    with independent(refuse={0}) as (port, heard):
        deliverer = crm(port)
        enrolled(small_outward, 1, 2)
        small_outward.run(deliverer)

    assert small_outward.rows("state, detail") == [
        ("refused", "AR, without a reason"), ("delivered", "AA"),
    ]  # fmt: skip
    assert len(heard) == 2


def test_an_answer_that_never_comes_is_asked_for_again_with_the_same_bytes(crm, small_outward):
    def talk(line, number, body):
        if number > 2:
            line.sendall(ack(body))

    with peer(talk) as (port, bodies):
        deliverer = crm(port, timeout=0.2)
        enrolled(small_outward, 1)
        for _ in range(3):
            small_outward.run(deliverer)
            small_outward.clock.move(5)

    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert small_outward.rows("state, tries") == [("delivered", 3)]


def test_a_peer_that_dies_after_it_has_read_is_told_again(crm, small_outward):
    def talk(line, number, body):
        if number == 1:
            linger = struct.pack("ii", 1, 0)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)  # RST, not FIN
            return "hang up"
        line.sendall(ack(body))
        return None

    with peer(talk) as (port, bodies):
        deliverer = crm(port, timeout=2)
        enrolled(small_outward, 1)
        small_outward.run(deliverer)
        between = small_outward.rows("state, tries")
        small_outward.clock.move(5)
        small_outward.run(deliverer)

    assert between == [("ready", 1)]
    assert bodies[0] == bodies[1]
    assert small_outward.rows("state") == ["delivered"]


def test_an_answer_in_single_bytes_counts(crm, small_outward):
    def talk(line, _number, body):
        for byte in ack(body):
            line.sendall(bytes((byte,)))

    with peer(talk) as (port, _):
        deliverer = crm(port)
        enrolled(small_outward, 1)
        small_outward.run(deliverer)

    assert small_outward.rows("state") == ["delivered"]


def test_an_answer_to_another_message_does_not_count(crm, small_outward):
    def talk(line, number, body):
        line.sendall(ack(body, answers="SOMEBODY-ELSE" if number == 1 else None))

    with peer(talk) as (port, bodies):
        deliverer = crm(port, on_unknown="hold")
        enrolled(small_outward, 1)
        small_outward.run(deliverer)

    assert len(bodies) == 1
    assert small_outward.rows("state, detail") == [
        ("unknown", "MSA-2 of the answer names another message")
    ]


def test_a_target_that_is_down_opens_its_breaker_and_is_told_when_it_is_back(crm, small_outward):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    deliverer = crm(port, timeout=1)
    enrolled(small_outward, 1, 2, 3, 4)
    for _ in range(10):
        small_outward.run(deliverer)
        small_outward.clock.move(2)
    state, tries = deliverer.breaker.state, sum(small_outward.rows("tries"))
    small_outward.clock.move(60)

    with peer(lambda line, _number, body: line.sendall(ack(body))) as (back, bodies):
        deliverer.connector = type(deliverer.connector)(
            target_host="127.0.0.1", target_port=back, ack_timeout=5
        )
        small_outward.run(deliverer)
        deliverer.connector.close()

    assert (state, tries) == ("open", 5)
    assert len(bodies) == 4
    assert small_outward.counts().delivered == 4


def test_reading_personal_data_to_send_it_enters_the_audit(crm, small_outward):
    with independent() as (port, _):
        deliverer = crm(port)
        enrolled(small_outward, 1)
        small_outward.run(deliverer)
    small_outward.obey()

    [(actor, what, detail)] = small_outward.house.rows(
        "select actor, object, detail from audit where action = 'saw'"
    )
    [one] = small_outward.rows("id")
    assert (actor, what) == ("pipeline:out", "ehr")
    assert one in detail
    assert "ParticipantPhi" in detail
    assert "NEIL" not in detail


def test_a_person_without_a_number_the_hospital_knows_is_waited_for(crm, small_outward):
    with independent() as (port, heard):
        deliverer = crm(port)
        small_outward.say(
            Stated(
                entity="Enrollment", key="e9",
                fields={
                    "study": Ref("Study", "st1"), "participant": Ref("Participant", "p9"),
                    "subject_number": "S-9", "state": "consented",
                },
            )
        )  # fmt: skip
        small_outward.run(deliverer)
        before = small_outward.rows("state, detail")
        mrn = (Identifier("mrn", "1009", "NORTH"),)
        small_outward.say(Stated(entity="Participant", key="p9", fields={}, identifiers=mrn))
        small_outward.clock.move(2)
        small_outward.run(deliverer)

    assert before == [("waiting", "participant.identifier(mrn) is not known yet")]
    assert [m.extract_field("PID", 1, 3) for m in heard] == ["1009"]


def test_the_hospitals_own_number_is_said_and_not_one_it_has_merged_away(crm, small_outward):
    from hub.statement import SameAs

    with independent() as (port, heard):
        deliverer = crm(port)
        for key, number in (("A", "5001"), ("B", "5002")):
            mrn = (Identifier("mrn", number, "NORTH"),)
            small_outward.say(
                Stated(entity="Participant", key=key, fields={}, identifiers=mrn), system="ehr"
            )
        small_outward.say(
            Stated(entity="Participant", key="p7", fields={"sex": "male"},
                   identifiers=(Identifier("mrn", "5001", "NORTH"),))
        )  # fmt: skip
        small_outward.say(SameAs(entity="Participant", kept="B", retired="A"), system="ehr")
        small_outward.enroll(7, "consented")
        small_outward.run(deliverer)

    assert [m.extract_field("PID", 1, 3) for m in heard] == ["5002"]
