"""A hub that has heard everything the planted institution says, in this process.

The way the words take: the plants' rows stand in the made-up servers of the sandbox (OnCore,
REDCap, FHIR register, IRB, vault, Workday, SCIM, ERP), which are asked over HTTP, and in the
offices' CSV files; the demonstration's own connections and pipelines say which connector reads
which of them and through which mappings. Each connector pulls each of its streams once, its records
are mapped, and what they mean is settled, in this process. What is left out beside a running hub:
the journal, the mapping processes and the schedule, which other tests try, and the flows back into
the systems, which would mend what is planted.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.hl7v2 import intake
from connectors.record import Record
from crohub import stage
from crohub.sandbox.answers import TODAY, Sheet, sheet
from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from crohub.sandbox.plants.stand import Standing
from crohub.sandbox.register import standing as standing_register
from crohub.sandbox.systems import Systems
from crohub.sandbox.tables import written
from crohub.sandbox.world import ZONE
from hub import feeds, schema, seal
from hub.checks.running import Checking
from hub.checks.settings import Checks
from hub.clock import micros
from hub.context import Context
from hub.database import Session, session
from hub.reader import Reader
from hub.said import Said
from hub.settle import settle
from hub.statement import Meaning
from pipelines.settling import policy_of
from pipelines.understand import Revision, load

NOW = datetime.combine(TODAY, time(12), ZONE)
BATCH = 500
# what others refer to first: fewer records are looked at twice
FIRST = (
    "register-organization",
    "hr-workers",
    "register-practitioner",
    "ctms-contacts",
    "ctms-protocols",
    "ctms-irb",
    "irb-studies",
    "office-studies",
    "register-study",
    "etmf-studies",
    "edc-lun501-project",
    "edc-lun501-users",
    "office-study-sites",
    "ctms-sites",
    "etmf-sites",
    "edc-lun501-sites",
    "register-patient",
)


@dataclass
class Hub:
    """A hub, what is planted in the institution it heard, and how to read it."""

    sheet: Sheet
    store: Session
    context: Context
    checks: Checks
    _sources: dict[str, Any] = field(default_factory=dict)  # a connector a system
    _seq: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def reader(self) -> Reader:
        return Reader(self.store, self.context.keyring, lambda *_: None, self.context.policy)

    @property
    def checking(self) -> Checking:
        """The checks, on this store."""
        return Checking(
            session=self.store, keyring=self.context.keyring, clock=self.context.clock,
            chain="test", policy=self.context.policy, checks=self.checks, zone=ZONE,
        )  # fmt: skip

    def hears(self, revision: Revision, pipeline: str) -> None:
        """One stream, pulled from its beginning to its end, mapped and settled."""
        inbound = revision.deployment.inbound[pipeline]
        known = revision.deployment.connections[inbound.reads.connection]
        if known.system not in self._sources:
            self._sources[known.system] = registry.build(known.connector, known.settings)
        source = self._sources[known.system]
        self._hears(revision, pipeline, source.pull(inbound.reads.stream, ""))

    def _hears(self, revision: Revision, pipeline: str, records: Iterator[Record]) -> None:
        inbound = revision.deployment.inbound[pipeline]
        known = revision.deployment.connections[inbound.reads.connection]
        read = revision.reader(pipeline)
        last = 0
        while batch := list(itertools.islice(records, BATCH)):
            said = [self._said(known.system, record, read) for record in batch]
            with self.store.transaction():
                settle(self.context, said)
            last = max(last, *(one.at for one in said))
        if last:
            with self.store.transaction():
                heard = {(inbound.reads.connection, inbound.reads.stream): (known.system, last)}
                feeds.note(self.store, micros(NOW), heard)

    def is_sent(self, revision: Revision) -> None:
        """What the hospital says over HL7, taken as its listener takes it."""
        sent = sorted(self.sheet.ground.sent, key=lambda one: one.at)
        taken = (intake.take(one.body, intake.Rules(zone=ZONE), lambda: NOW).record for one in sent)
        self._hears(revision, "hospital", taken)

    def _said(self, system: str, record: Record, read: Callable[[Record], Meaning]) -> Said:
        # servers stamp their answers with the day the test runs on, which is after the story's
        record = replace(record, at=min(record.at, NOW))
        assert not record.fault, f"{record.stream} {record.message_key}: {record.fault}"
        meaning = read(record)
        return Said(seq=next(self._seq), system=system, at=micros(record.at), meaning=meaning)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without a record."""
    path = tmp_path_factory.mktemp("checks") / "hub.db"
    schema.upgrade(f"sqlite:///{path}", [schema.HUB])
    return path


@pytest.fixture
def today() -> date:
    """The day on which checks look."""
    return TODAY


@pytest.fixture
def hub_of(tmp_path: Path, migrated: Path) -> Iterator[Callable[[int], Hub]]:
    """Makes a hub that has heard the institution of a seed."""
    with ExitStack() as ending:
        yield lambda seed: _heard(seed, tmp_path, migrated, ending)


def _heard(seed: int, folder: Path, migrated: Path, ending: ExitStack) -> Hub:
    """The institution of a seed, heard by a hub in `folder`, until `ending` ends."""
    made = sheet(seed, TODAY)
    revision = load(_standing(made, folder, ending))
    shutil.copy(migrated, folder / "hub.db")
    store = session(f"sqlite:///{folder / 'hub.db'}")
    ending.callback(store.close)
    context = Context(
        session=store, keyring=seal.load(folder / "keys.json"), chain="test", keeps=True,
        policy=policy_of(revision.deployment), clock=lambda: micros(NOW),
    )  # fmt: skip
    hub = Hub(made, store, context, revision.deployment.checks)
    for pipeline in _in_order(revision):
        hub.hears(revision, pipeline)
    hub.is_sent(revision)
    return hub


def _in_order(revision: Revision) -> Sequence[str]:
    """Every pipeline that is pulled; but the rosters on the SFTP server say what the HR system
    says, and the warehouse says nothing here."""
    names = [n for n, one in revision.deployment.inbound.items()
             if one.schedule is not None and n not in ("rosters", "warehouse-goals")]  # fmt: skip
    return sorted(names, key=lambda n: (FIRST.index(n) if n in FIRST else len(FIRST), n))


def _standing(made: Sheet, folder: Path, ending: ExitStack) -> Path:
    """The systems with what is planted, started; the folder of a configuration that reads them."""
    systems, store = Systems(lambda: NOW), FhirStore()
    register = FhirServer(store, lambda: NOW)
    standing = Standing(made.ground)
    standing.put_early(store)
    for one in standing_register():  # what the register holds of the institution itself
        if one["resourceType"] in ("Organization", "Location"):
            store.put(one, NOW)
    standing.put(systems, store, NOW)
    tables = folder / "tables"
    tables.mkdir()
    for name, rows in standing.tables({}).items():
        (tables / f"{name}.csv").write_bytes(written(rows))
    for name, at in standing.times().items():
        os.utime(tables / f"{name}.csv", (at.timestamp(), at.timestamp()))
    systems.start()
    ending.callback(systems.stop)
    register.start()
    ending.callback(register.stop)
    named = systems.named | {"FHIR": register.url, "TABLES": str(tables), "MLLP_PORT": "0"}
    ending.enter_context(_environment(named, folder))
    return stage.configuration(folder)


@contextmanager
def _environment(named: Mapping[str, str], folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in named.items():
            patch.setenv(f"CROHUB_DEMO_{name}", value)
        for name in ("CTMS_FOLDER", "REVIEW_FOLDER", "SFTP_PASSWORD", "WAREHOUSE"):
            patch.setenv(f"CROHUB_DEMO_{name}", f"sqlite:///{folder}")
        yield
