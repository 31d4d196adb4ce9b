"""The made-up institution against the project's own connectors."""

import asyncio
import csv
import threading
from collections import Counter
from datetime import timedelta

import pytest

from connectors.fhir import Fhir
from connectors.hl7v2 import Hl7v2
from connectors.protocol import Accepted
from connectors.sftp import Sftp
from crohub.sandbox.institution import Institution

pytest.importorskip("asyncssh", reason="the extra `sandbox` is not installed")


class Shelf:
    """Keeps records in memory and gives the hub's word on each."""

    def __init__(self):
        self.bodies = {}

    def __call__(self, record):
        future = asyncio.get_running_loop().create_future()
        future.set_result(self.verdict(record))
        return future

    def verdict(self, record):
        if record.fault:
            return Accepted("refused", record.fault)
        known = record.message_key in self.bodies
        body = self.bodies.setdefault(record.message_key, record.body)
        return Accepted("kept", again=known) if body == record.body else Accepted("conflict")


@pytest.fixture
def listener():
    """The port of a strict listener in a thread of its own, and its shelf."""
    shelf, started, ports, loops = Shelf(), threading.Event(), [], []

    def take_port(host, port):
        ports.append(port)
        started.set()

    async def listen():
        task = asyncio.create_task(Hl7v2(port=0).listen(shelf, started=take_port))
        loops.append((asyncio.get_running_loop(), task))
        await asyncio.wait([task])

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert started.wait(10)
    yield ports[0], shelf
    loop, task = loops[0]
    loop.call_soon_threadsafe(task.cancel)
    thread.join()


def test_two_weeks_are_answered_as_the_rules_say(listener, tmp_path):
    port, shelf = listener
    institution = Institution(8, ("127.0.0.1", port), tmp_path)
    institution.start()

    counts = institution.play(14)
    institution.stop()

    assert institution.hospital.surprises() == []
    codes = Counter((sent.answer, sent.code) for sent in institution.hospital.sheet)
    assert set(codes) == {("AA", ""), ("AE", "102"), ("AE", "205"), ("AR", "101")}
    bodies = {sent.body for sent in institution.hospital.sheet if sent.answer == "AA"}
    assert bodies == set(shelf.bodies.values())
    assert counts["messages"] > 1200


def test_the_register_is_pulled_day_by_day_with_what_was_deleted(listener, tmp_path):
    port, _ = listener
    with Institution(7, ("127.0.0.1", port), tmp_path, hiccup_every=0) as institution:
        server = Fhir(base_url=institution.endpoints.fhir_url)
        cursor, seen, gone = "", set(), set()
        institution.play_day()  # what was deleted before the first pull is not asked for
        first_pull = institution.now()
        for _ in range(4):
            for record in server.pull("Appointment", cursor):
                cursor = record.cursor or cursor
                seen.add(record.message_key)
                if record.said == "gone":
                    gone.add(record.message_key)
            institution.play_day()
        before_the_last_day = [v for v in institution.store.history("Appointment")
                               if v.at <= institution.now() - timedelta(days=1)]  # fmt: skip

    deleted = [v for v in before_the_last_day if v.method == "DELETE" and v.at > first_pull]
    assert len(gone) == len(deleted) > 0
    assert all(any(f"Appointment/{v.id}" in key for key in gone) for v in deleted)
    newest = {v.id: v for v in reversed(before_the_last_day)}
    there = {f"Appointment/{v.id}@{v.number}" for v in newest.values() if v.resource}
    assert there <= seen


def test_rosters_are_pulled_with_the_host_key_pinned(listener, tmp_path):
    port, _ = listener
    with Institution(7, ("127.0.0.1", port), tmp_path) as institution:
        ends = institution.endpoints
        folder = Sftp(
            host=ends.sftp_host, port=ends.sftp_port, username=ends.sftp_user,
            host_key=ends.sftp_host_key, password=f"${{file:{ends.sftp_password_file}}}",
            path=ends.sftp_folder,
            streams={"roster": {"format": "csv", "glob": "roster_*.csv", "settle": 0}},
        )  # fmt: skip
        institution.play(2)

        healthy = folder.check().ok
        records = list(folder.pull("roster", ""))

    rows = [next(csv.DictReader(r.body.decode().splitlines()))["employee_id"] for r in records]
    assert healthy
    assert len(rows) == 2 * len(set(rows)) >= 80
