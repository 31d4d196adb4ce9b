"""Files put into a folder, to settled records, beside messages over MLLP in the same hub."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import orjson

from benchmarks import fhir_server, hub_run, messages, mllp_load
from benchmarks.figure import Figure, median
from benchmarks.hub_run import HL7, Hub

COUNT, ROUNDS, WARM, PATIENCE = 6_000, 3, 500, 60.0
WARM_FROM, PATIENTS_FROM = 1_000_000, 2_000_000  # numbers of people: nobody is spoken of twice
_COLUMNS = (
    "employee_id,employer,family_name,given_name,email,job_title,department,cost_centre,fte,"
    "status,hired_on"
)
FILES = HL7 | {
    "connections/inbox.yaml": (
        "connector: files\nsystem: inbox\nrole: HR\nsettings:\n  path: ${folder}/inbox\n"
        "  streams:\n"
        "    patients: {format: ndjson, glob: 'fhir*.ndjson', media: application/fhir+json,"
        " settle: 0}\n"
        "    roster: {format: csv, glob: 'roster*.csv', columns: [employee_id], settle: 0}\n"
    ),
    "pipelines/inbox-patients.yaml": (
        "reads: {connection: inbox, stream: patients}\nmappings: [fhir/patient]\nlane: id\n"
        "schedule: {every: 1s}\n"
    ),
    "pipelines/inbox-roster.yaml": (
        "reads: {connection: inbox, stream: roster}\nmappings: [files/roster]\n"
        "lane: employee_id\nschedule: {every: 1s}\n"
    ),
}


def measure(folder: Path) -> list[Figure]:
    """In each round messages about new people, a bulk export's file, and a roster, all of them
    as many and one after the other: a ratio is of neighbours."""
    inbox = folder / "config" / "inbox"
    inbox.mkdir(parents=True)
    beside, patients, roster = [], [], []
    with hub_run.serving(folder, FILES) as hub:
        for first, count in [(WARM_FROM, WARM), *((COUNT * n, COUNT) for n in range(ROUNDS))]:
            told = partial(_sent, hub, first, count), *_files(inbox, first, count)
            rates = [_rate(hub, count, tell) for tell in told]
            if count == COUNT:
                for kept, rate in zip((beside, patients, roster), rates, strict=True):
                    kept.append(rate)
    return [
        _figure("FHIR bulk NDJSON to settled", patients, beside),
        _figure("CSV to settled", roster, beside),
    ]


def _figure(name: str, rates: list[float], beside: list[float]) -> Figure:
    return Figure(
        name=name,
        value=median(rates),
        unit="rec/s",
        reference="MLLP to settled, as many new people, the same hub",
        ratio=median([ours / theirs for ours, theirs in zip(rates, beside, strict=True)]),
        of="ratio",
        target=">= 0.8",
        detail={"rates": list(map(round, rates)), "mllp_to_settled": list(map(round, beside))},
    )


def _rate(hub: Hub, count: int, tell: Callable[[], None]) -> float:
    """Records a second, from the first one stored to the last one settled."""
    before = hub.kept()
    tell()
    hub.wait_settled(before + count, seconds=PATIENCE)
    return count / (time.time() - _first_behind(hub.data, before))


def _first_behind(data: Path, number: int) -> float:
    journal = sqlite3.connect(f"file:{data / 'journal.db'}?mode=ro", uri=True, timeout=20)
    asked = "select min(received_at) from message where seq > ?"
    (first,) = journal.execute(asked, (number,)).fetchone()
    journal.close()
    return int(first) / 1e6


def _sent(hub: Hub, first: int, count: int) -> None:
    mllp_load.send(hub.mllp, [body for _, body in messages.stream(count, count, start=first)])


def _files(inbox: Path, first: int, count: int) -> Iterator[Callable[[], None]]:
    """What puts a bulk export's file, and what puts a roster."""
    numbers = range(first, first + count)
    yield partial(_put, inbox, f"fhir-{first}.ndjson", _patients(numbers))
    yield partial(_put, inbox, f"roster-{first}.csv", _roster(numbers))


def _put(inbox: Path, name: str, lines: Iterator[bytes]) -> None:
    """Writes the file beside the folder and moves it in whole, as senders should."""
    whole = inbox.parent / name
    whole.write_bytes(b"".join(line + b"\n" for line in lines))
    whole.rename(inbox / name)


def _patients(numbers: range) -> Iterator[bytes]:
    return (orjson.dumps(fhir_server.patient(PATIENTS_FROM + number)) for number in numbers)


def _roster(numbers: range) -> Iterator[bytes]:
    yield _COLUMNS.encode()
    for number in numbers:
        family = messages.FAMILIES[number % 8]
        yield (
            f"E{number:06},Cedar Mesa,{family},{messages.GIVEN[number // 8 % 10]},"
            f"e{number}@northgen.example,Research Nurse,Unit {number % 60},CC{number % 300:03},"
            f"1.0,active,20{number % 20:02}-03-02"
        ).encode()
