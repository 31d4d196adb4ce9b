"""A FHIR server's resources pulled and settled: how fast, and with how much memory."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import psutil

from benchmarks import hub_run, tree
from benchmarks.ending import running
from benchmarks.figure import Figure
from benchmarks.hub_run import Hub

COUNT, EARLY, PATIENCE = 50_000, 10_000, 90.0
FLAT = 1.15  # how much more memory at the end still counts as no growth
FILES = {
    "hub.yaml": "institution: North General\nparticipants: all\n",
    "connections/fhir.yaml": (
        "connector: fhir\nsystem: fhir\nrole: EHR\nsettings:\n"
        "  base_url: ${env:BENCH_FHIR:-http://127.0.0.1:1}\n  deletes: never\n"
    ),
    "pipelines/patients.yaml": (
        "reads: {connection: fhir, stream: Patient}\nmappings: [fhir/patient]\nlane: id\n"
        "schedule: {every: 24h}\n"
    ),
    "pipelines/subjects.yaml": (
        "reads: {connection: fhir, stream: ResearchSubject}\nmappings: [fhir/enrollment]\n"
        "lane: id\nschedule: {every: 24h}\n"
    ),
}


def measure(folder: Path) -> list[Figure]:
    """50,000 resources by two pulls side by side; one in twenty is validated, as by default."""
    with running("fhir_server", str(COUNT)) as port:
        address = {"BENCH_FHIR": f"http://127.0.0.1:{port}"}
        with hub_run.serving(folder, FILES, address) as hub:
            early = _memory_at(hub, EARLY)
            late = _memory_at(hub, COUNT)
            ended = time.time()
    grown = sum(late.values()) / sum(early.values())
    return [
        Figure(
            name="FHIR pull to settled, 50,000 resources",
            value=COUNT / (ended - _began(folder / "data")),
            unit="res/s",
            target=">= 2000",
        ),
        Figure(
            name="edge and settler memory at 50,000 resources",
            value=sum(late.values()),
            unit="MB",
            reference="at 10,000 resources",
            ratio=grown,
            of="ratio",
            target=f"<= {FLAT}",
            detail={"at_10000": early, "at_50000": late},
        ),
    ]


def _memory_at(hub: Hub, settled: int) -> dict[str, int]:
    """Resident megabytes of edge and settler once so many messages are settled."""
    hub.wait_settled(settled, seconds=PATIENCE)
    watched = {"edge": psutil.Process(hub.pid), "settler": hub.settler}
    return {name: round(one.memory_info().rss / tree.MEGABYTE) for name, one in watched.items()}


def _began(data: Path) -> float:
    """When the first resource was stored."""
    journal = sqlite3.connect(data / "journal.db")
    (first,) = journal.execute("select min(received_at) from message").fetchone()
    journal.close()
    return int(first) / 1e6
