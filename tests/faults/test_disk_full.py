"""A disk that is full: nobody is told that a message is stored, and when there is room it is."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hub import audit
from pipelines.places import Places

pytestmark = pytest.mark.faults

START, END = b"\x0b", b"\x1c\x0d"


@pytest.fixture(scope="session")
def shim(tmp_path_factory) -> Path:
    """The library that makes a disk full. No compiler: these tests fail, and say so."""
    made = tmp_path_factory.mktemp("shim") / "full_disk.so"
    source = Path(__file__).with_name("full_disk.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture
def full(shim, node, tmp_path: Path) -> Path:
    """What is written here is the part of a file's name for which there is no room."""
    flag = tmp_path / "full"
    node.environment = {"LD_PRELOAD": str(shim), "FULL_FLAG": str(flag)}
    return flag


async def _send(node, messages) -> list[bytes]:
    """Each message once, all on one connection; the answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    answers = []
    try:
        for message in messages:
            writer.write(START + message.body + END)
            answers.append(await asyncio.wait_for(reader.readuntil(END), 20))
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return answers


def _named(prefix: str, messages):
    return [
        replace(one, control_id=prefix + one.control_id, patient=prefix + one.patient)
        for one in messages
    ]


@pytest.fixture
def some(burst):
    """Makes messages that no other call makes."""
    return lambda prefix: _named(prefix, burst(1, 30, seed=1, strange=0)[0])


def test_a_full_disk_is_answered_with_an_error_and_passes_without_a_restart(node, some, full):
    node.start()
    before = asyncio.run(_send(node, some("B")))
    pid = node.process.pid

    full.write_text("/data/")
    refused = asyncio.run(_send(node, some("D")))
    full.unlink()
    accepted = asyncio.run(_send(node, some("D") + some("A")))
    node.wait_settled()

    assert all(b"MSA|AA" in one for one in before + accepted)
    assert all(b"MSA|AE" in one and b"|207^" in one for one in refused)
    assert node.process.pid == pid
    assert node.stop() in (0, -signal.SIGTERM)
    assert "Traceback" not in node.said()
    _holds_once(node, 90)


def test_a_hub_without_room_waits_while_the_journal_goes_on(node, some, full):
    node.start()
    settler = node.settler()

    full.write_text("hub.db")
    answers = asyncio.run(_send(node, some("B")))
    still_waiting = not node.is_settled()
    full.unlink()
    node.wait_settled()

    assert all(b"MSA|AA" in one for one in answers)
    assert still_waiting
    assert node.settler() == settler
    assert node.said().count('"waits"') < 10  # it waits; it does not spin
    assert node.stop() in (0, -signal.SIGTERM)
    _holds_once(node, 30)


def test_a_settler_that_cannot_write_ends_and_its_successor_goes_on(node, some):
    """A file that may not grow is an input or output error to SQLite: nothing is believed."""
    node.start()
    settler = node.settler()
    resource.prlimit(settler, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))

    answers = asyncio.run(_send(node, some("B")))
    node.wait_settled()

    assert all(b"MSA|AA" in one for one in answers)
    assert node.settler() != settler
    assert node.stop() in (0, -signal.SIGTERM)
    _holds_once(node, 30)


def test_a_journal_that_cannot_be_written_ends_the_process_unacknowledged(node, some):
    node.start()
    stored = asyncio.run(_send(node, some("B")))
    largest = max(path.stat().st_size for path in node.data.glob("journal.db*"))
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        asyncio.run(_send(node, some("D") * 20))
    ended = node.process.wait(20)
    node.close()
    node.restart()
    again = asyncio.run(_send(node, some("D")))
    node.wait_settled()

    assert ended == 1
    assert all(b"MSA|AA" in one for one in stored + again)
    assert node.stop() in (0, -signal.SIGTERM)
    _holds_once(node, 60)


def _holds_once(node, count: int) -> None:
    with closing(sqlite3.connect(node.data / "journal.db")) as journal:
        sent = "select count(*) from message where connection <> 'crohub'"  # without its own orders
        assert journal.execute(sent).fetchone() == (count,)
        assert journal.execute("pragma integrity_check").fetchone() == ("ok",)
    with closing(Places(node.data).hub(read_only=True)) as hub:
        effects = hub.all(
            "select seq, count(*) from assertion where entity = 'Participant' group by seq"
        )
        assert list(audit.broken(hub)) == []
    assert len(effects) == count
    assert {times for _, times in effects} == {1}
