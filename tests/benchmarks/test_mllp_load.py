"""The load client against the bare loop: every answer is the one to its message."""

from __future__ import annotations

import socket
import sqlite3
import threading

import pytest

from benchmarks import messages, mllp_load
from benchmarks.ending import TooLong, running, within


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    """The bare loop's port and file."""
    path = tmp_path_factory.mktemp("loop") / "bare.db"
    with running("reference_loop", str(path)) as port:
        yield port, path


def test_every_message_is_stored_before_it_is_answered(loop):
    port, path = loop
    bodies = [body for _, body in messages.stream(200, 200)]

    sent = mllp_load.send(port, bodies, connections=8)

    stored = sqlite3.connect(path)
    assert stored.execute("select count(distinct control) from adt").fetchone() == (200,)
    stored.close()
    assert len(sent.latencies) == 200
    assert sent.rate > 0


def test_a_pace_is_kept(loop):
    port, _ = loop
    bodies = [body for _, body in messages.stream(60, 60, start=1000)]

    sent = mllp_load.send(port, bodies, connections=8, per_second=300)

    assert sent.seconds >= 59 / 300


def test_an_answer_to_another_message_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65536)
                line.sendall(b"\x0bMSH|^~\\&|A\rMSA|AA|another\r\x1c\r")

        answering = threading.Thread(target=answer)
        answering.start()

        with pytest.raises(mllp_load.NotAccepted, match="message 0"):
            mllp_load.send(server.getsockname()[1], [messages.adt(1, 1)], connections=1)

        answering.join(5)


def test_messages_are_of_the_size_that_is_compared():
    sizes = [len(body) for _, body in messages.stream(500, 150)]

    assert 1100 <= min(sizes) <= max(sizes) <= 1300


def test_a_measurement_that_takes_too_long_is_broken_off():
    waiting = threading.Event()

    with pytest.raises(TooLong), within(0.05):
        waiting.wait(5)
