"""Starting with much to do, and starting twice."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest

from connectors.record import Record
from crohub import schema
from hub import clock, seal
from pipelines import revision, settings
from pipelines.intake import Intake, reader_of
from pipelines.journal import Journal
from pipelines.places import Places
from pipelines.writer import Writer

pytestmark = pytest.mark.faults

BACKLOG, PATIENTS = 20_000, 200
ROOM = 200 << 20  # bytes that all processes together may need more for a backlog than without


def _fill(config: Path, messages) -> None:
    """Journals messages as an edge does, without anybody settling them."""
    places, deployment = Places(config / "data"), settings.load(config)
    schema.upgrade(places)
    with closing(places.journal()) as session:
        number = revision.enter(session, config)
        intake = Intake(
            keyring=seal.load(places.keys),
            writer=Writer(places.journal, wake=lambda: None, fatal=print),
            revision=number,
            parts=1,
            clock=clock.now,
            reader_of=partial(reader_of, deployment),
        )
        journal = Journal(session)
        entries = (intake.entry("hospital", 0, _record(message)) for message in messages)
        while part := list(itertools.islice(entries, 500)):
            journal.keep(part)


def _record(message) -> Record:
    return Record(
        stream="ADT", message_key=message.control_id, at=message.at, body=message.body,
        media="hl7v2",
    )  # fmt: skip


def _memory(node) -> int:
    whole = psutil.Process(node.process.pid)
    return sum(one.memory_info().rss for one in (whole, *whole.children(recursive=True)))


def _most_memory_until_settled(node) -> int:
    most = _memory(node)
    until = time.monotonic() + 120
    while not node.is_settled():
        assert time.monotonic() < until, "settling did not come to its end"
        most = max(most, _memory(node))
        time.sleep(0.05)
    return most


def test_a_large_backlog_is_settled_in_order_and_in_little_memory(node, burst):
    [messages] = burst(1, BACKLOG, seed=11, strange=0)
    _fill(node.config, messages)

    began = time.monotonic()
    node.start()
    most = _most_memory_until_settled(node)
    seconds = time.monotonic() - began
    after = _memory(node)
    assert node.stop() in (0, -signal.SIGTERM)

    with closing(Places(node.data).hub(read_only=True)) as hub:
        seqs = [seq for (seq,) in hub.all("select distinct seq from assertion order by a")]
        versions = hub.all("select id, seq from version order by v")
    assert seqs == list(range(1, BACKLOG + 1))
    last: dict[str, int] = {}
    for one, seq in versions:
        assert seq >= last.get(one, 0)
        last[one] = seq
    assert most - after < ROOM, f"{most >> 20} MB at most, {after >> 20} MB after {seconds:.0f} s"


def test_the_first_effect_of_a_backlog_does_not_wait_for_the_last(node, burst):
    [messages] = burst(1, BACKLOG, seed=12, strange=0)
    _fill(node.config, messages)
    node.start()
    places = Places(node.data)

    until = time.monotonic() + 60
    while True:
        with closing(places.hub(read_only=True)) as hub:
            [(done,)] = hub.all("select coalesce(max(upto), 0) from progress")
        if done:
            break
        assert time.monotonic() < until, "nothing was settled"
        time.sleep(0.01)
    node.kill("all")

    assert done < BACKLOG


def test_a_second_server_on_the_same_folder_ends_with_3_and_disturbs_nobody(node, client, burst):
    node.start()

    second = subprocess.run(
        [sys.executable, "-m", "crohub", "serve", "--config", node.config, "--port", "0"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert second.returncode == 3
    assert str(node.process.pid) in second.stderr
    assert "Traceback" not in second.stderr
    asyncio.run(client.send_all(burst(2, 5, seed=1, strange=0)))
    node.wait_settled()
    assert set(client.answers) == {"AA"}
    assert node.stop() in (0, -signal.SIGTERM)


def test_a_node_that_was_killed_leaves_its_folder_to_the_next(node):
    node.start()
    node.kill("all")

    node.restart()

    assert node.stop() in (0, -signal.SIGTERM)


def test_a_revision_of_an_earlier_start_is_what_waiting_messages_are_settled_under(node, burst):
    [messages] = burst(1, 50, seed=13, strange=0)
    _fill(node.config, messages)
    pipeline = node.config / "pipelines" / "hospital.yaml"
    pipeline.write_text(pipeline.read_text().replace("hl7v2/participant, ", ""))

    node.start()
    node.wait_settled()
    node.stop()

    with closing(Places(node.data).hub(read_only=True)) as hub:
        [(effects,)] = hub.all("select count(distinct seq) from assertion")
    assert effects == 50
