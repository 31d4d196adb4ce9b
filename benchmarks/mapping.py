"""Mapping alone: one core, bytes to statements, beside two HL7 libraries reading a few fields."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import hub_run, messages
from benchmarks.figure import Figure, median
from connectors.record import Record
from pipelines import understand

COUNT, ROUNDS = 10_000, 3
READ = {"hl7apy": 25, "python-hl7": 600}  # messages a round: they are slow
FIELDS = (("PID", 3), ("PID", 5), ("PID", 7), ("PID", 8), ("PID", 11), ("PV1", 2), ("PV1", 3))


def measure(folder: Path) -> list[Figure]:
    """In turn, three times, by processor time of this process."""
    deployment = hub_run.write(folder / "config", hub_run.HL7)
    reader = understand.load(deployment).reader("hospital")
    bodies = [messages.adt(k, k) for k in range(COUNT)]
    records = [_record(k, body) for k, body in enumerate(bodies)]
    if len(reader(records[0]).statements) < 2:
        raise AssertionError("the mapping reads nothing from the message")
    own, apy, python = [], [], []
    for _ in range(ROUNDS):
        own.append(_per_second(reader, records))
        apy.append(_per_second(_by_hl7apy(), bodies[: READ["hl7apy"]]))
        python.append(_per_second(_by_python_hl7(), bodies[: READ["python-hl7"]]))
    rate = median(own)
    return [
        Figure(
            name="mapping alone, one core",
            value=rate,
            unit="msg/s",
            target=">= 15000",
            reference="hl7apy, eight fields",
            ratio=rate / median(apy),
            detail={"rounds": [round(one) for one in own]},
        ),
        Figure(
            name="hl7apy, eight fields, one core",
            value=median(apy),
            unit="msg/s",
        ),
        Figure(
            name="python-hl7, eight fields, one core",
            value=median(python),
            unit="msg/s",
            reference="mapping alone",
            ratio=median(python) / rate,
        ),
    ]


def _record(number: int, body: bytes) -> Record:
    return Record(
        stream="ADT",
        message_key=f"ADT1|NORTHGEN|{messages.control(number)}",
        at=datetime(2026, 6, 1, tzinfo=UTC),
        body=body,
        media="hl7v2",
    )


def _per_second(read: Callable[[Any], object], many: Sequence[Any]) -> float:
    began = time.process_time()
    for one in many:
        read(one)
    return len(many) / (time.process_time() - began)


def _by_hl7apy() -> Callable[[bytes], object]:
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.parser import parse_message

    def read(body: bytes) -> list[str]:
        found = parse_message(
            body.decode(), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False
        )
        segments = {"PID": found.pid, "PV1": found.pv1}
        own = [getattr(segments[name], f"{name}_{place}").to_er7() for name, place in FIELDS]
        return [found.msh.msh_10.to_er7(), *own]

    return read


def _by_python_hl7() -> Callable[[bytes], object]:
    import hl7

    def read(body: bytes) -> list[str]:
        found = hl7.parse(body.decode())
        own = [str(found.segment(name)[place]) for name, place in FIELDS]
        return [str(found.segment("MSH")[10]), *own]

    return read
