"""The sandbox's receiver of HL7 against the client of the `hl7` package."""

from datetime import UTC, datetime

import hl7
import pytest
from hl7.client import MLLPClient

from crohub.sandbox.sink import Sink

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
CRM = (
    "MSH|^~\\&|CROHUB|HUB|ONCORE|UH|20260302080000||CRM^C01^CRM_C01|{}|P|2.5.1\r"
    "PID|1||123456^^^CEDARMESA^MR\rCSR|ONC-101^CEDARMESA||||S-0001\r"
)


@pytest.fixture
def sink():
    made = []

    def make(answer=lambda body: "AA"):
        made.append(Sink(lambda: AT, answer))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_an_independent_client_is_acknowledged_and_its_message_kept(sink):
    taker = sink()

    with MLLPClient("127.0.0.1", taker.port) as client:
        reply = hl7.parse(
            client.send_message(CRM.format("M1").encode()).strip(b"\x0b\x1c\r").decode()
        )

    assert (str(reply["MSA.1"]), str(reply["MSA.2"])) == ("AA", "M1")
    assert (str(reply["MSH.3"]), str(reply["MSH.5"])) == ("ONCORE", "CROHUB")
    assert str(reply.segment("MSH")[9]) == "ACK^C01^ACK"
    assert [(r.control_id, r.kind, r.body) for r in taker.received] == [
        ("M1", "CRM^C01^CRM_C01", CRM.format("M1").encode())
    ]


def test_a_repetition_is_there_to_be_seen(sink):
    taker = sink()

    with MLLPClient("127.0.0.1", taker.port) as client:
        for _ in range(2):
            client.send_message(CRM.format("M1").encode())

    assert [received.control_id for received in taker.received] == ["M1", "M1"]


def test_the_sink_can_refuse(sink):
    taker = sink(lambda body: "AR" if b"ONC-101" in body else "AA")

    with MLLPClient("127.0.0.1", taker.port) as client:
        reply = client.send_message(CRM.format("M2").encode())

    assert b"MSA|AR|M2" in reply
    assert taker.received[0].answer == "AR"


def test_the_sink_can_hang_up_instead_of_answering(sink):
    taker = sink(lambda body: "")

    with MLLPClient("127.0.0.1", taker.port) as client:
        reply = client.send_message(CRM.format("M3").encode())

    assert reply == b""
    assert [(r.control_id, r.answer) for r in taker.received] == [("M3", "")]


def test_stopping_ends_open_connections(sink):
    taker = sink()
    client = MLLPClient("127.0.0.1", taker.port)
    client.send_message(CRM.format("M4").encode())

    taker.stop()

    assert client.socket.recv(1) == b""
    client.close()


def test_a_port_of_a_sink_that_does_not_run_is_an_error():
    with pytest.raises(RuntimeError, match="call start"):
        _ = Sink(lambda: AT).port
