"""Every call of a database or of the file system fails once; what was promised holds after each.

The same small story is played with the first call failing, then with the second, until it passes
untouched. After each failure the node's own rule applies (what may pass is waited for, anything
else ends the process), then a new process begins from what is on disk.
"""

from __future__ import annotations

import errno
import io
import itertools
import os
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import orjson
import pytest

from connectors.files import Files
from connectors.record import Delivery, Record
from crohub import schema
from crohub.first_key import first_key
from hub import audit, seal
from hub.database import Session
from pipelines import orders, revision, settings, settling
from pipelines.intake import Intake, reader_of
from pipelines.journal import Position, position_of
from pipelines.mapper import Limits, Mapper
from pipelines.places import Places
from pipelines.writer import Writer

pytestmark = pytest.mark.faults

SEXES = {"F": "female", "M": "male", "O": "other"}
SAID = [("A", "F"), ("B", "M"), ("A", "M"), ("A", "Q9"), ("B", "F"), ("C", "O"), ("A", "O")]
FAILURES = {
    "input or output error": sqlite3.OperationalError("disk I/O error"),
    "full disk": sqlite3.OperationalError("database or disk is full"),
    "locked": sqlite3.OperationalError("database is locked"),
}


class Countdown:
    """Says which call is to fail: the one that makes it reach zero, and no other."""

    def __init__(self, left: int) -> None:
        self.left = left

    def falls(self) -> bool:
        self.left -= 1
        return self.left == 0


class Failing:
    """A raw database connection of which one call fails, before or after it was done."""

    def __init__(self, raw, countdown: Countdown, error: Exception, *, after: bool) -> None:
        self._raw, self._countdown, self._error, self._after = raw, countdown, error, after

    def __getattr__(self, name):
        real = getattr(self._raw, name)
        if name not in ("execute", "executemany", "commit"):
            return real

        def call(*arguments):
            falls = self._countdown.falls()
            if falls and not self._after:
                raise self._error
            answer = real(*arguments)
            if falls:
                raise self._error
            return answer

        return call


@pytest.fixture(scope="module")
def began(tmp_path_factory):
    """A data folder at its first start, to be copied, with a mapper that serves every copy."""
    config = tmp_path_factory.mktemp("failing")
    for name, text in _files().items():
        path = config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    places = Places(config / "data")
    schema.upgrade(places)
    with closing(places.journal()) as journal:
        number = revision.enter(journal, config)
        revision.lay_out(journal, number, places.revisions)
    seal.load(places.keys)
    for name in ("journal.db", "hub.db"):
        with closing(sqlite3.connect(places.data / name)) as opened:
            opened.execute("pragma wal_checkpoint(truncate)")
    mapper = Mapper(keys=places.keys, revisions=places.revisions, limits=Limits())
    yield Beginning(config, places, mapper)
    mapper.stop()


class Beginning:
    """What every play of the story starts from."""

    def __init__(self, config: Path, places: Places, mapper: Mapper) -> None:
        self.places, self.mapper = places, mapper
        self.deployment = settings.load(config)
        with closing(self._settler(places)) as one:
            self.route = one.settler.route

    def _settler(self, places: Places) -> Settling:
        return Settling(settling.build(places, self.deployment, worker="s", limits=Limits()))

    def settler(self, places: Places) -> Settling:
        """A settler that reads the revision's files but once for all plays."""
        made = self._settler(places)
        made.settler.mapper, made.settler.route = self.mapper, self.route
        ticks = itertools.count(1_772_000_000_000_000, 1_000_000)
        made.settler.clock, made.settler.limit = partial(next, ticks), 3
        return made

    def copy(self, to: Path) -> Places:
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.places.data, to)
        return Places(to)


class Settling:
    """A settler that is closed with its sessions."""

    def __init__(self, settler) -> None:
        self.settler = settler

    def close(self) -> None:
        self.settler.queue.journal.close()
        self.settler.queue.hub.close()


class Play:
    """One process' part of the story: keep, settle, order, settle again."""

    def __init__(self, began: Beginning, places: Places, wrap) -> None:
        self.began, self.places, self.wrap = began, places, wrap
        self.acked: set[str] = set()
        self.died: list[Exception] = []
        self.keyring = seal.load(places.keys)

    def run(self) -> None:
        """Plays until the end, or until the process would have ended."""
        writer = Writer(self._journal, wake=lambda: None, fatal=self.died.append)
        writer.start()
        try:
            self._keep(writer)
        finally:
            writer.stop()
        if not self.died:
            with closing(self.began.settler(self.places)) as made:
                queue = made.settler.queue
                queue.journal.raw = self.wrap(queue.journal.raw)
                queue.hub.raw = self.wrap(queue.hub.raw)
                self._settle(made.settler)

    def _journal(self) -> Session:
        opened = self.places.journal()
        opened.raw = self.wrap(opened.raw)
        return opened

    def _keep(self, writer: Writer) -> None:
        intake = Intake(
            keyring=self.keyring, writer=writer, revision=1, parts=1,
            clock=lambda: 1_772_000_000_000_000,
            reader_of=partial(reader_of, self.began.deployment),
        )  # fmt: skip
        records = _records()
        for start in range(0, len(records), 2):
            part = records[start : start + 2]
            if not self._try(part, intake, str(start + 2)):
                break  # a pull ends here; the next one resumes at the cursor
        else:
            self._try([records[0]], intake, str(len(records)))  # sent again
        order = {"do": "pause", "object": "hospital", "by": "ada", "reason": "a test"}
        self._attempt(lambda: writer.keep([orders.entry(self.keyring, "sqlite", order)]))

    def _try(self, part: list[Record], intake: Intake, cursor: str) -> bool:
        stored = self._attempt(lambda: intake.keep("hospital", 1, part, "ADT", cursor))
        self.acked |= {one.message_key for one in part} if stored else set()
        return stored

    def _attempt(self, keep) -> bool:
        if self.died:
            return False
        try:
            keep()
        except Exception:  # noqa: BLE001 - not acknowledged; the sender keeps it
            return False
        return True

    def _settle(self, settler) -> None:
        idle = 0
        while idle < 2 and not self.died:
            try:
                idle = 0 if settler.step() else idle + 1
            except sqlite3.Error as error:
                if not settling.passing(error):
                    self.died.append(error)
                    return
                settler.forget()


def _files() -> dict[str, str]:
    strict = (
        "reads: hl7v2\nwhen: {MSH-9.1: ADT, PID-8.1: Q9}\nstates:\n  Participant:\n"
        "    key: {call: hl7v2.patient_key}\n"
        '    sex: {path: "PID-8.1", then: [code administrative-sex], on_bad: refuse}\n'
    )
    return {
        "hub.yaml": "participants: all\n",
        "connections/hospital.yaml": (
            "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings: {port: 0}\n"
        ),
        "pipelines/hospital.yaml": (
            "reads: {connection: hospital, stream: ADT}\nlane: 'PID-3[5=MR].1'\n"
            "mappings: [hl7v2/participant, hl7v2/strict]\n"
        ),
        "mappings/inbound/hl7v2/strict.yaml": strict,
    }


def _records() -> list[Record]:
    from datetime import UTC, datetime, timedelta

    made = []
    for number, (patient, sex) in enumerate(SAID):
        at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number)
        body = (
            f"MSH|^~\\&|REG|NORTH|CROHUB|UH|{at:%Y%m%d%H%M%S}+0000||ADT^A08|{number}|P|2.5.1\r"
            f"PID|1||{patient}1^^^NORTH^MR||Doe^{patient}||19800101|{sex}"
        ).encode()
        key = f"REG|NORTH|{number}"
        made.append(Record(stream="ADT", message_key=key, at=at, body=body, media="hl7v2"))
    return made


def _promises_hold(places: Places, acked: set[str]) -> None:
    """What is true at any moment, whatever failed: acknowledged is stored, the cursor has passed
    nothing that is not, settled is what is stored and once, the audit is unbroken."""
    keys = [record.message_key for record in _records()]
    with closing(places.journal()) as journal, closing(places.hub()) as hub:
        stored = dict(journal.all("select key, seq from message where connection = 'hospital'"))
        cursor = int(position_of(journal, "hospital", "ADT") or 0)
        upto = (hub.one("select upto from progress") or (0,))[0]
        effects = hub.all(
            "select seq, count(*) from assertion where entity = 'Participant' group by seq"
        )
        parked = hub.all("select seq, state from outcome")
        assert list(audit.broken(hub)) == []
    assert acked <= stored.keys()
    assert set(keys[:cursor]) <= stored.keys()
    strange = {stored[key] for key in keys if key in stored and SAID[keys.index(key)][1] == "Q9"}
    assert effects == [(s, 1) for s in sorted(stored.values()) if s <= upto and s not in strange]
    assert parked == [(s, "parked") for s in sorted(strange) if s <= upto]


def _truth(places: Places) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    keyring = seal.load(places.keys)
    with closing(places.hub()) as hub:
        natives = {
            one: keyring.open(native, f"xref|{x}|native".encode()).decode()[0]
            for x, one, native in hub.all("select x, entity_id, native from xref")
        }
        versions = hub.all(
            "select id, changed from version where entity = 'Participant' order by v"
        )
        gates = hub.all("select connection, state from gate")
    found: dict[str, list[str]] = {}
    for one, changed in versions:
        if sex := orjson.loads(changed).get("sex"):
            found.setdefault(natives[one], []).append(sex)
    return found, gates


EXPECTED = {"A": ["female", "male", "other"], "B": ["male", "female"], "C": ["other"]}


@pytest.fixture
def memory(tmp_path: Path):
    """A folder where files are cheap."""
    base = Path("/dev/shm")  # noqa: S108 - files that need no disk
    folder = base / f"crohub-failing-{os.getpid()}" if base.is_dir() else tmp_path / "failing"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        pytest.param("input or output error", False, id="input or output error"),
        # an error may be told of a commit that did reach the disk
        pytest.param("input or output error", True, id="told after it was done"),
        pytest.param("full disk", False, id="full disk"),
        pytest.param("locked", False, id="locked"),
    ],
)
def test_any_call_of_a_database_may_fail(began, memory, kind, after):
    for number in itertools.count(1):
        places, countdown = began.copy(memory / "data"), Countdown(number)

        def wrap(raw, countdown=countdown):
            return Failing(raw, countdown, FAILURES[kind], after=after)

        first = Play(began, places, wrap)
        first.run()
        _promises_hold(places, first.acked)
        second = Play(began, places, lambda raw: raw)
        second.run()

        _promises_hold(places, {record.message_key for record in _records()})
        assert _truth(places) == (EXPECTED, [("hospital", "paused")])
        if countdown.left > 0:
            break  # nothing failed any more
    assert number > 60  # the story has that many calls, and each has failed


class FailingFiles:
    """The file calls of this process, of which one fails."""

    NAMES = ("open", "fsync", "link", "rename", "replace", "unlink", "mkdir", "write")

    def __init__(self, monkeypatch, countdown: Countdown, number: int) -> None:
        for name in self.NAMES:
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name), countdown, number))
        monkeypatch.setattr(io, "open", self._wrapped(io.open, countdown, number))

    @staticmethod
    def _wrapped(real, countdown: Countdown, number: int):
        def call(*arguments, **named):
            if countdown.falls():
                raise OSError(number, os.strerror(number))
            return real(*arguments, **named)

        return call


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_any_file_call_of_a_first_start_may_fail(began, memory, monkeypatch, number):
    """Keys, admin key and revision: made whole or not at all, and the next start makes them."""
    content = orjson.loads(revision.content_of(began.deployment.folder))
    for turn in itertools.count(1):
        places, countdown = began.copy(memory / "data"), Countdown(turn)
        shutil.rmtree(places.revisions)
        places.revisions.mkdir()
        places.keys.unlink()
        with monkeypatch.context() as patched:
            FailingFiles(patched, countdown, number)
            failed = _start(places)
        kept = places.keys.read_bytes() if places.keys.exists() else None
        assert _start(places) is None

        assert kept in (None, places.keys.read_bytes())  # a key that was there stays
        assert seal.load(places.keys).ciphers
        assert len(places.admin_key.read_text()) > 40
        with closing(places.hub()) as hub:
            assert hub.all("select count(*) from api_key") == [(1,)]
        found = {
            str(path.relative_to(places.revisions / "1")): path.read_text()
            for path in (places.revisions / "1").rglob("*") if path.is_file()
        }  # fmt: skip
        assert found == content
        if failed is None:
            break
    assert turn > 12


def _start(places: Places) -> OSError | None:
    try:
        seal.load(places.keys)
        first_key(places)
        with closing(places.journal()) as journal:
            revision.lay_out(journal, 1, places.revisions)
    except OSError as error:
        return error
    return None


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_any_file_call_of_a_written_table_may_fail(memory, monkeypatch, number):
    """What others may read is a whole file or none; saying it again leaves one."""
    deliveries = [
        Delivery(id=str(n), stream="visits", body=b'{"id": %d}' % n, media="application/json")
        for n in range(3)
    ]
    for turn in itertools.count(1):
        folder, countdown = memory / "out", Countdown(turn)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        connector = Files(path=folder, out={"visits": {"columns": ["id"]}})
        with monkeypatch.context() as patched:
            FailingFiles(patched, countdown, number)
            said = _push(connector, deliveries)
        seen = {p.name: p.read_bytes() for p in folder.glob("*.csv")}
        again = _push(connector, deliveries)

        assert seen in ({}, {"visits-0.csv": b"id\r\n0\r\n1\r\n2\r\n"})
        assert said != ["delivered"] * 3 or seen
        assert again == ["delivered"] * 3
        assert {p.name for p in folder.iterdir()} == {"visits-0.csv"}
        if countdown.left > 0:
            break
    assert turn > 3


def _push(connector: Files, deliveries: list[Delivery]) -> list[str]:
    from connectors.errors import ConnectorError

    try:
        return [receipt.outcome for receipt in connector.push(deliveries)]
    except ConnectorError:
        return []


def test_a_cursor_never_passes_what_is_not_stored(began, memory):
    """The same, said of one commit: its rows and its cursor are one."""
    places = began.copy(memory / "data")
    place = Position(connection="hospital", stream="ADT", position="9", moved_at=1)
    for number in range(1, 12):
        with closing(places.journal()) as opened:
            raw, countdown = opened.raw, Countdown(number)
            opened.raw = Failing(raw, countdown, FAILURES["full disk"], after=False)
            writer = Writer(lambda opened=opened: opened, wake=lambda: None, fatal=lambda _: None)
            writer.start()
            intake = Intake(
                keyring=seal.load(places.keys), writer=writer, revision=1, parts=1,
                clock=lambda: 1, reader_of=partial(reader_of, began.deployment),
            )  # fmt: skip
            entry = intake.entry("hospital", 1, _records()[0])
            try:
                writer.keep([entry], [place])
            except Exception as error:  # noqa: BLE001 - any: nothing may be half there
                assert "full" in str(error)  # noqa: PT017 - not every turn fails
            writer.stop()
        with closing(places.journal()) as journal:
            [(rows,)] = journal.all("select count(*) from message")
            assert (rows == 1) == (position_of(journal, "hospital", "ADT") == "9")
