"""The HL7 v2 connector keeps the promises of every connector that listens, pushes, is checked."""

import socket
import threading
from collections import Counter

import pytest
from pydantic import PrivateAttr

from connectors.hl7v2 import Hl7v2
from connectors.hl7v2.frame import framed
from connectors.promises import CheckPromises, ListenPromises, PushPromises
from connectors.record import Delivery


def message(number, event="ADT^A08^ADT_A01"):
    return (
        f"MSH|^~\\&|REG|NORTH|HUB|SITE|20260301120000+0000||{event}|C{number}|P|2.5.1\r"
        f"PID|1||A{number}^^^NORTH^MR\r"
    ).encode()


class Telling(Hl7v2):
    """Tells where it listens, since the port is any that is free."""

    _started: threading.Event = PrivateAttr(default_factory=threading.Event)
    _address: list[tuple[str, int]] = PrivateAttr(default_factory=list)

    async def listen(self, accept):
        def started(host, port):
            self._address.append((host, port))
            self._started.set()

        await super().listen(accept, started=started)

    def address(self):
        assert self._started.wait(10)
        return self._address[-1]


def answer_to(address, body):
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(framed(body))
        data = b""
        while not data.endswith(b"\x1c\r"):
            more = connection.recv(65536)
            if not more:
                return b""
            data += more
    return data


class TestHl7v2Listens(ListenPromises):
    @pytest.fixture
    def connector(self):
        return Telling(port=0)

    @pytest.fixture
    def messages(self):
        return [message(1), message(2), message(3, "SIU^S12^SIU_S12")]

    @pytest.fixture
    def say(self, connector):
        return lambda body: answer_to(connector.address(), body)


class Receiver:
    """A receiving system: one connection at a time, a message is known by its MSH-10."""

    def __init__(self):
        self.known = Counter()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def things(self):
        return sorted(self.known)

    def end(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)

    def _serve(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def _talk(self, connection):
        connection.settimeout(10)
        data = b""
        while True:
            while b"\x1c\r" in data:
                body, _, data = data.partition(b"\x1c\r")
                number = body.split(b"|")[9].decode()
                self.known[number] += 1
                head = f"MSH|^~\\&|EHR|NORTH|HUB|SITE|20260301||ACK|X{number}|P|2.5.1"
                connection.sendall(framed(f"{head}\rMSA|AA|{number}\r".encode()))
            more = connection.recv(65536)
            if not more:
                return
            data += more


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.end()


@pytest.fixture
def nobody():
    """A port on which nobody listens: it is bound for as long as the test runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def sender(port):
    return Hl7v2(target_host="127.0.0.1", target_port=port, ack_timeout=5)


@pytest.fixture
def to_receiver(receiver):
    made = sender(receiver.port)
    yield made
    made.close()


class TestHl7v2Pushes(PushPromises):
    @pytest.fixture
    def connector(self, to_receiver):
        return to_receiver

    @pytest.fixture
    def down(self, nobody):
        return sender(nobody)

    @pytest.fixture
    def deliveries(self):
        return [
            Delivery(id=f"d{number}", stream="crm", body=message(number), media="hl7v2")
            for number in (1, 2, 3)
        ]

    @pytest.fixture
    def there(self, receiver):
        return receiver.things


class TestHl7v2SenderCheck(CheckPromises):
    @pytest.fixture
    def connector(self, to_receiver):
        return to_receiver

    @pytest.fixture
    def down(self, nobody):
        return sender(nobody)


class TestHl7v2ListenerCheck(CheckPromises):
    @pytest.fixture
    def connector(self):
        return Hl7v2(port=0)

    @pytest.fixture
    def down(self, nobody):
        # bound elsewhere, and nobody answers there: the port is not to be had
        return Hl7v2(port=nobody)
