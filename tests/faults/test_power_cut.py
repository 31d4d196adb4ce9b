"""The power fails at any moment: what was acknowledged is there, and the two files agree.

What the process wrote and synced is played back up to a random point. Of each file what was
synced is kept, and of what was not, a random part of its sectors.
"""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crohub import schema
from hub import audit, seal
from pipelines import revision, settings, settling
from pipelines.mapper import Limits, Mapper
from pipelines.places import Places

pytestmark = pytest.mark.faults

HERE = Path(__file__).parent
WRITER = HERE / "power_cut_writer.py"
COUNT, CUTS, RECOVERIES = 700, 600, 30
SECTOR = 512
SEXES = {"F": "female", "M": "male", "O": "other"}


@pytest.fixture(scope="session")
def shim(tmp_path_factory) -> Path:
    """The library that notes writes and syncs. No compiler: these tests fail, and say so."""
    made = tmp_path_factory.mktemp("shim") / "power_cut_log.so"
    source = HERE / "power_cut_log.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture(scope="session")
def record():
    """Makes the messages that the writer keeps."""
    spec = importlib.util.spec_from_file_location("writer", WRITER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.record


@dataclass
class Disk:
    """The files of a folder as a disk would hold them: what is durable, what is under way."""

    durable: dict[str, bytearray] = field(default_factory=dict)
    pending: dict[str, list] = field(default_factory=dict)
    acked: int = 0

    def play(self, kind: str, path: str, offset: int, data: bytes) -> None:
        if kind == "A":
            self.acked = int(data.split()[-1])
        elif kind == "U":
            self.durable.pop(path, None)
            self.pending.pop(path, None)
        elif kind == "S":
            file = self.durable.setdefault(path, bytearray())
            for what, at, piece in self.pending.pop(path, ()):
                _apply(file, what, at, piece)
        else:
            self.pending.setdefault(path, []).append((kind, offset, data))

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """The files as they are found: what was not synced may be there in part, in any order."""
        found = {}
        for path in self.durable.keys() | self.pending.keys():
            file = bytearray(self.durable.get(path, b""))
            share = chance.choice((0.0, 0.5, 1.0))
            for what, at, piece in self.pending.get(path, ()):
                for start, sector in _sectors(what, at, piece):
                    if chance.random() < share:
                        _apply(file, what, start, sector)
            found[path] = bytes(file)
        return found


def _sectors(what: str, at: int, piece: bytes) -> Iterator[tuple[int, bytes]]:
    if what == "T":
        yield at, b""
        return
    for start in range(0, len(piece), SECTOR):
        yield at + start, piece[start : start + SECTOR]


def _apply(file: bytearray, what: str, at: int, piece: bytes) -> None:
    if what == "T":
        del file[at:]
        return
    if len(file) < at + len(piece):
        file.extend(bytes(at + len(piece) - len(file)))
    file[at : at + len(piece)] = piece


def _events(log: Path) -> list[tuple[str, str, int, bytes]]:
    raw, place, events = log.read_bytes(), 0, []
    while place < len(raw):
        kind, path_length, offset, size = struct.unpack_from("<cHqI", raw, place)
        place += 15
        path = raw[place : place + path_length].decode()
        place += path_length
        data = b""
        if kind in b"WA":
            data = raw[place : place + size]
            place += size
        if not path.endswith("-shm"):  # lost with the memory it maps
            events.append((kind.decode(), Path(path).name, offset, data))
    return events


@dataclass(frozen=True)
class Life:
    """One life of a node: how its files began, and everything that was done to them."""

    config: Path
    began: dict[str, bytes]
    events: list[tuple[str, str, int, bytes]]

    def cuts(self, number: int, seed: int) -> Iterator[tuple[int, int, dict[str, bytes]]]:
        """For random moments: which, how many messages were acknowledged, the files found."""
        chance = random.Random(seed)
        moments = sorted(chance.randrange(1, len(self.events) + 1) for _ in range(number))
        disk, played = Disk({name: bytearray(b) for name, b in self.began.items()}), 0
        for moment in moments:
            for event in self.events[played:moment]:
                disk.play(*event)
            played = moment
            yield moment, disk.acked, disk.after_a_cut(chance)


def _live(config: Path, shim: Path, synchronous: str) -> Life:
    places = Places(config / "data")
    schema.upgrade(places)
    seal.load(places.keys)
    with closing(places.journal()) as journal:
        number = revision.enter(journal, config)
        revision.lay_out(journal, number, places.revisions)
    for name in ("journal.db", "hub.db"):
        with closing(sqlite3.connect(places.data / name)) as opened:
            opened.execute("pragma wal_checkpoint(truncate)")
    began = {name: (places.data / name).read_bytes() for name in ("journal.db", "hub.db")}
    log = config / "log"
    with Path(os.devnull).open("wb") as acknowledged:
        ack = acknowledged.fileno()
        subprocess.run(
            [sys.executable, WRITER, config, str(COUNT), synchronous, str(ack)],
            env={
                **os.environ, "LD_PRELOAD": str(shim), "CUT_MATCH": ".db", "CUT_ACK": str(ack),
                "CUT_LOG": str(log),
            },
            pass_fds=(ack,), check=True, timeout=120,
        )  # fmt: skip
    return Life(config, began, _events(log))


@pytest.fixture
def live(deployment, shim):
    return lambda synchronous: _live(deployment, shim, synchronous)


def _lay_down(folder: Path, life: Life, files: dict[str, bytes]) -> Places:
    shutil.rmtree(folder, ignore_errors=True)
    places = Places(folder)
    places.make()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    shutil.copy(life.config / "data" / "keys.json", places.keys)
    shutil.copytree(life.config / "data" / "revisions", places.revisions, dirs_exist_ok=True)
    return places


@pytest.fixture
def shared_memory(tmp_path: Path):
    """A folder in memory, where there is such a thing: nothing here needs a disk."""
    memory = Path("/dev/shm")  # noqa: S108 - files that need no disk
    folder = memory / f"crohub-{os.getpid()}" if memory.is_dir() else tmp_path / "found"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def _is_whole(places: Places) -> bool:
    for name in ("journal.db", "hub.db"):
        with closing(sqlite3.connect(places.data / name)) as opened:
            if opened.execute("pragma quick_check").fetchall() != [("ok",)]:
                return False
    return True


def _kept(places: Places, expected: list[bytes]) -> int:
    """How many messages the journal holds: the first ones, in order, each with its own body."""
    with closing(places.journal()) as journal:
        rows = journal.all("select seq, hash from message order by seq")
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
    assert [bytes(hash_) for _, hash_ in rows] == expected[: len(rows)]
    return len(rows)


def _settled(places: Places) -> int:
    """How far settling has come: every message up to there has its one effect, none beyond."""
    with closing(places.hub()) as hub:
        row = hub.one("select upto from progress")
        effects = hub.all(
            "select seq, count(*) from assertion where entity = 'Participant' group by seq"
        )
        assert list(audit.broken(hub)) == []
    upto = row[0] if row else 0
    assert effects == [(seq, 1) for seq in range(1, upto + 1)]
    return upto


def test_a_power_cut_at_any_of_600_moments_loses_nothing(live, record, shared_memory):
    life = live("full")
    expected = [hashlib.sha256(record(n).body).digest() for n in range(1, COUNT + 1)]
    mapper = _mapper(life)
    behind = 0
    try:
        for turn, (moment, acked, files) in enumerate(life.cuts(CUTS, seed=1)):
            places = _lay_down(shared_memory / "data", life, files)
            assert _is_whole(places), f"damaged by a cut at event {moment}"
            kept, upto = _kept(places, expected), _settled(places)
            assert upto <= kept, "settled what the journal does not hold"
            assert acked <= kept, "lost what was acknowledged"
            behind += upto < kept
            if turn % (CUTS // RECOVERIES) == 0:
                _recover(life, places, mapper)
                assert _settled(places) == kept
                assert _truth(places) == _oracle(record, kept)
    finally:
        mapper.stop()
    assert life.events.count(("S", "journal.db-wal", 0, b"")) > 50
    assert sum(event[:2] == ("W", "hub.db") for event in life.events) > 50  # checkpoints, too
    assert behind > CUTS // 10  # there was something to recover


def test_the_same_cuts_lose_messages_when_synchronous_is_lowered(live, record, shared_memory):
    """That the test above can fail: what it finds is not found by luck."""
    life = live("normal")
    lost = ahead = 0
    for _, acked, files in life.cuts(CUTS // 3, seed=1):
        places = _lay_down(shared_memory / "data", life, files)
        with closing(places.journal()) as journal, closing(places.hub()) as hub:
            [(kept,)] = journal.all("select coalesce(max(seq), 0) from message")
            [(upto,)] = hub.all("select coalesce(max(upto), 0) from progress")
        lost += acked > kept
        ahead += upto > kept

    assert lost > 0
    assert ahead > 0  # nor do the two files agree


def _mapper(life: Life) -> Mapper:
    data = Places(life.config / "data")
    return Mapper(keys=data.keys, revisions=data.revisions, limits=Limits())


def _recover(life: Life, places: Places, mapper: Mapper) -> None:
    """What a start does: nothing but settling on."""
    deployment = settings.load(life.config)
    settler = settling.build(places, deployment, worker="settler", limits=Limits())
    settler.mapper = mapper
    while settler.step():
        pass
    settler.queue.journal.close()
    settler.queue.hub.close()


def _truth(places: Places) -> dict[str, list[str]]:
    """Every value each patient's record ever had, in order."""
    keyring = seal.load(places.keys)
    with closing(places.hub()) as hub:
        natives = {
            one: keyring.open(native, f"xref|{x}|native".encode()).decode().split("^")[0]
            for x, one, native in hub.all("select x, entity_id, native from xref")
        }
        versions = hub.all(
            "select id, json_extract(changed, '$.sex') from version "
            "where entity = 'Participant' order by v"
        )
    found: dict[str, list[str]] = {}
    for one, sex in versions:
        found.setdefault(natives[one], []).append(sex)
    return found


def _oracle(record, kept: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number in range(1, kept + 1):
        fields = record(number).body.split(b"\r")[1].decode().split("|")
        own = found.setdefault(fields[3].split("^")[0], [])
        own.append(SEXES[fields[8]])
    return {patient: [sex for sex, _ in itertools.groupby(own)] for patient, own in found.items()}
