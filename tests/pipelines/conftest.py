"""A house with migrated databases on SQLite and on PostgreSQL, and a settler that maps in place."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest

from connectors.record import Record
from crohub import schema
from hub import seal
from hub.checks.running import Checking
from pipelines import bodies, mapwork, orders, revision, settings, settling
from pipelines.intake import Intake, reader_of
from pipelines.journal import Journal
from pipelines.mapper import Limits, pack, unpack
from pipelines.places import Places
from pipelines.queue import PARTS
from pipelines.understand import Readers
from pipelines.writer import Writer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADT = "reads: {{connection: {0}, stream: ADT}}\nlane: 'PID-3[5=MR].1'\n"
READ = "mappings: [hl7v2/participant, hl7v2/merge, hl7v2/research_encounter, hl7v2/strict]\n"
STRICT = """reads: hl7v2
when: {MSH-9.1: ADT, PID-8.1: Q9}
states:
  Participant:
    key: {call: hl7v2.patient_key}
    sex: {path: "PID-8.1", then: [code administrative-sex], on_bad: refuse}
"""
FILES = {
    "hub.yaml": "participants: all\n",
    "connections/hospital.yaml": "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings: {port: 0}\n",
    "connections/clinic.yaml": "connector: hl7v2\nsystem: clinic\nrole: EHR\nsettings: {port: 0}\n",
    "connections/care.yaml": "connector: hl7v2\nsystem: care\nrole: EHR\nsettings: {port: 0}\n",
    "connections/lab.yaml": (
        "connector: hl7v2\nsystem: lab\nrole: EHR\nenvironment: test\nsettings: {port: 0}\n"
    ),
    "connections/source.yaml": (
        "connector: connectors.flaky:Flaky\nsystem: source\nsettings: {records: 600}\n"
    ),
    "pipelines/hospital.yaml": ADT.format("hospital") + READ,
    "pipelines/clinic.yaml": ADT.format("clinic") + READ + "on_fault: wait\n",
    "pipelines/care.yaml": ADT.format("care") + READ + "participants: known_only\n",
    "mappings/inbound/hl7v2/strict.yaml": STRICT,
    "pipelines/lab.yaml": ADT.format("lab") + READ,
}


class InPlace:
    """What a mapping process does, done here: the same bytes in and out, no process."""

    def __init__(self, keyring: seal.Keyring, revisions: Path) -> None:
        self._keyring, self._readers = keyring, Readers(revisions)

    def submit(self, works):
        done: Future = Future()
        answers = [
            mapwork._answer(self._keyring, self._readers, head, body)
            for head, body in mapwork.split(pack(works))
        ]
        done.set_result(unpack(b"[" + b",".join(answers) + b"]"))
        return [done]

    @staticmethod
    def collect(waiting):
        return [mapped for future in waiting for mapped in future.result()]

    def stop(self) -> None:
        """Nothing runs."""


class House:
    """One deployment: its folder, databases and whoever works on them."""

    def __init__(self, places: Places, folder: Path) -> None:
        self.places, self.folder = places, folder
        self.keyring = seal.load(places.keys)
        self._open: list = []
        self.journal = Journal(self.session())
        self.hub = self._kept(places.hub())
        self.deployment = settings.load(folder)
        self.revision = revision.enter(self.journal.session, folder)
        revision.lay_out(self.journal.session, self.revision, places.revisions)
        self.ticks = itertools.count(1_772_000_000_000_000, 1_000_000)
        self.in_place = InPlace(self.keyring, places.revisions)
        self.checks = False  # whether what rests makes checks, too

    def session(self):
        return self._kept(self.places.journal())

    def _kept(self, opened):
        self._open.append(opened)
        return opened

    def close(self) -> None:
        for opened in self._open:
            opened.close()

    def intake(self, writer: Writer | None = None, clock=None) -> Intake:
        return Intake(
            keyring=self.keyring,
            writer=writer or Writer(self.places.journal, wake=lambda: None, fatal=print),
            revision=self.revision,
            parts=PARTS[self.hub.dialect],
            clock=clock or partial(next, self.ticks),
            reader_of=partial(reader_of, self.deployment),
        )

    def entry(self, record: Record, connection="hospital", *, reuse="park"):
        return self.intake().entry(connection, 1, record, reuse=reuse)

    def keep(self, *records: Record, connection="hospital"):
        return self.journal.keep([self.entry(one, connection) for one in records])

    def order(self, do: str, **rest):
        order = {"do": do, "by": "ada", "reason": "a test", **rest}
        return self.journal.keep([orders.entry(self.keyring, self.hub.dialect, order)])[0]

    def settler(self, worker="settler"):
        made = settling.build(self.places, self.deployment, worker=worker, limits=Limits())
        self._open += [made.queue.journal, made.queue.hub]
        made.mapper, made.clock = self.in_place, partial(next, self.ticks)
        if not self.checks:  # what they find depends on the day on which the test runs
            made.meanwhile = [one for one in made.meanwhile if one.__self__.__class__ != Checking]
        return made

    def settle(self) -> None:
        """Settles until there is nothing to do."""
        settler = self.settler()
        idle = 0
        while idle < 2:
            idle = 0 if settler.step() else idle + 1

    def rows(self, sql: str, values=()):
        return self.hub.all(sql, values)

    def outcomes(self) -> dict[int, str]:
        return dict(self.rows("select seq, state from outcome order by seq"))

    def replay(self, *seqs: int) -> None:
        """Orders these messages to be settled again."""
        named = [
            {"seq": seq, "part": part, "lane": bytes(lane).hex()}
            for seq in seqs
            for part, lane in self.journal.session.all(
                "select part, lane from message where seq = ?", (seq,)
            )
        ]
        self.order("replay", messages=named, revision=None)

    def body(self, seq: int) -> bytes:
        connection, key, cell = self.journal.session.one(
            "select connection, key, body from message where seq = ?", (seq,)
        )
        return bodies.unpack(self.keyring, bytes(cell), bodies.place_of(connection, key))


def write_deployment(folder: Path, files=None) -> None:
    for name, text in (files or FILES).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(scope="session")
def migrated_files(tmp_path_factory) -> Path:
    """Two SQLite files at the newest revision, to be copied."""
    places = Places(tmp_path_factory.mktemp("migrated"))
    schema.upgrade(places)
    for name in ("journal.db", "hub.db"):
        with sqlite3.connect(places.data / name) as raw:
            raw.execute("pragma wal_checkpoint(truncate)")
        raw.close()
    return places.data


@pytest.fixture(scope="session")
def migrated_database(postgres_server: str, tmp_path_factory) -> str:
    """The name of a PostgreSQL database at the newest revision, to be copied."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("create database migrated")
    places = Places(tmp_path_factory.mktemp("none"), _address(postgres_server, "migrated"))
    schema.upgrade(places)
    return "migrated"


_copies = itertools.count(1)


def _address(server: str, name: str) -> str:
    base, _, options = server.partition("?")
    address = base.rsplit("/", 1)[0] + f"/{name}" + (f"?{options}" if options else "")
    return address.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def embedded(tmp_path: Path, migrated_files: Path) -> Places:
    places = Places(tmp_path / "data")
    places.make()
    for name in ("journal.db", "hub.db"):
        shutil.copy(migrated_files / name, places.data / name)
    return places


@pytest.fixture
def clustered(tmp_path: Path, postgres_server: str, migrated_database: str):
    name = f"house_{next(_copies)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create database {name} template {migrated_database}")
    places = Places(tmp_path / "data", _address(postgres_server, name))
    places.make()
    yield places
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        # a thousand files: now they are hardly on the disk, at the end they all would be
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request) -> Places:
    return request.getfixturevalue("embedded" if request.param == "sqlite" else "clustered")


def _house(places: Places, folder: Path):
    write_deployment(folder)
    made = House(places, folder)
    yield made
    made.close()


@pytest.fixture
def house(places: Places, tmp_path: Path):
    """On both databases."""
    yield from _house(places, tmp_path / "config")


@pytest.fixture
def small_house(embedded: Places, tmp_path: Path):
    """On SQLite only."""
    yield from _house(embedded, tmp_path / "config")


@pytest.fixture
def big_house(clustered: Places, tmp_path: Path):
    """On PostgreSQL only."""
    yield from _house(clustered, tmp_path / "config")


@pytest.fixture
def adt():
    """Makes the record of an ADT message: `number` is its control id and its turn in time."""

    def make(patient="A", number=1, *, sex="F", minute=None, extra="", event="A08", key=None):
        at = NOON + timedelta(minutes=number if minute is None else minute)
        body = (
            f"MSH|^~\\&|REG|NORTH|CROHUB|UH|{at:%Y%m%d%H%M%S}+0000||ADT^{event}|{number}|P|2.5.1\r"
            f"PID|1||{patient}^^^NORTH^MR||Doe^{patient}||19800101|{sex}{extra}"
        ).encode()
        key = key or f"REG|NORTH|{number}"
        return Record(stream="ADT", message_key=key, at=at, body=body, media="hl7v2")

    return make


@pytest.fixture
def strange(adt):
    """Makes the record of a message that its mapping refuses."""
    return lambda patient="A", number=1: adt(patient, number, sex="Q9")


@pytest.fixture
def unreadable(adt):
    """Makes the record of a message that its connector could not read."""

    def make(patient="A", number=1):
        return replace(adt(patient, number), fault="unreadable on purpose")

    return make
