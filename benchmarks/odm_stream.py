"""An ODM file of 50 MB read into records: how fast beside bare lxml, and with how much memory."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from lxml import etree

from benchmarks import tree
from benchmarks.figure import Figure, median
from connectors.files import Files

SIZE, SMALL, ROUNDS = 50 * 1000**2, 10 * 1000**2, 3
FLAT = 1.15  # how much more memory for five times the file still counts as no growth
_NS = "http://www.cdisc.org/ns/odm/v1.3"
_HEAD = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<ODM xmlns="{_NS}" FileType="Snapshot" '
    'FileOID="F1" CreationDateTime="2026-03-01T10:00:00Z" ODMVersion="1.3.2">\n'
    '<ClinicalData StudyOID="ONC101(Prod)" MetaDataVersionOID="12">\n'
)


def measure(folder: Path) -> list[Figure]:
    """The file is pulled as a stream of a folder: digest, judging pass and records."""
    large, small = folder / "large.xml", folder / "small.xml"
    subjects = _generate(large, SIZE)
    _generate(small, SMALL)
    # first of all: what a process once took from the system it does not give back
    before, after = _memory(folder, "small.xml"), _memory(folder, "large.xml")
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_seconds(lambda: _bare(large)))
        ours.append(_seconds(lambda: _pulled(folder, "large.xml", subjects)))
    megabytes = large.stat().st_size / 1e6
    rate, plain = megabytes / median(ours), megabytes / median(bare)
    return [
        Figure(
            name="ODM 1.3.2, 50 MB to records",
            value=rate,
            unit="MB/s",
            reference="bare lxml.iterparse, the same file",
            ratio=rate / plain,
            of="ratio",
            target=">= 0.3",
            detail={"iterparse_mb_s": round(plain, 1), "subjects": subjects,
                    "seconds": [round(one, 3) for one in ours]},
        ),
        Figure(
            name="memory while 50 MB of ODM are read",
            value=after,
            unit="MB",
            reference="at 10 MB",
            ratio=after / before,
            of="ratio",
            target=f"<= {FLAT}",
        ),
    ]  # fmt: skip


def _generate(path: Path, size: int) -> int:
    """Writes a file of at least `size` bytes; how many subjects it has."""
    count = written = 0
    with path.open("w", encoding="utf-8") as file:
        written += file.write(_HEAD)
        while written < size:
            count += 1
            written += file.write(_subject(count))
        file.write("</ClinicalData>\n</ODM>\n")
    os.utime(path, (1_760_000_000, 1_760_000_000))
    return count


def _subject(number: int) -> str:
    events = "".join(
        f'<StudyEventData StudyEventOID="V{event}" StudyEventRepeatKey="1">'
        f'<FormData FormOID="F{event}">'
        + "".join(
            f'<ItemGroupData ItemGroupOID="G{group}" ItemGroupRepeatKey="1">'
            + "".join(
                f'<ItemData ItemOID="I.{group}.{item}" Value="{number * 7 + item}"/>'
                for item in range(8)
            )
            + "</ItemGroupData>"
            for group in range(4)
        )
        + "</FormData></StudyEventData>\n"
        for event in range(8)
    )
    site = f'<SiteRef LocationOID="S{number % 40:03}"/>'
    return f'<SubjectData SubjectKey="{number:06}">{site}{events}</SubjectData>\n'


def _bare(path: Path) -> None:
    """The least that reads every element and frees it."""
    for _, element in etree.iterparse(str(path)):
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _pulled(folder: Path, name: str, expected: int) -> None:
    stream = {"glob": name, "format": "odm", "settle": 0}
    files = Files(path=folder, streams={"odm": stream})
    found = sum(1 for record in files.pull("odm", "") if not record.fault)
    if found != expected:
        raise ValueError(f"{found:,} records of {expected:,} subjects")


def _memory(folder: Path, name: str) -> float:
    """The most resident megabytes at a record, of every hundredth."""
    gc.collect()
    stream = {"glob": name, "format": "odm", "settle": 0}
    own, most = psutil.Process(), 0
    pulled = Files(path=folder, streams={"odm": stream}).pull("odm", "")
    for number, _ in enumerate(pulled):
        if number % 100 == 0:
            most = max(most, own.memory_info().rss)
    return most / tree.MEGABYTE


def _seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
