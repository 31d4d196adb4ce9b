"""Finding messages by patient and by control id among a million."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import hub_run, messages, mllp_load
from benchmarks.figure import Figure, quantile
from benchmarks.http_load import Caller
from hub import seal
from pipelines.intake import lane_digest

MILLION, PATIENTS, TEMPLATES, SEARCHES = 1_000_000, 50_000, 500, 300
SEARCH = "/ops/messages/search"
_SENT = "select * from message where connection <> 'crohub' order by seq"  # not its own orders


def measure(folder: Path) -> list[Figure]:
    """A hub that took some messages over MLLP; a million like them beside those; searches."""
    with hub_run.serving(folder) as hub:
        mllp_load.send(hub.mllp, [body for _, body in messages.stream(TEMPLATES, TEMPLATES)])
        hub.wait_settled(hub.kept())
    began = time.perf_counter()
    fill(folder / "data")
    filled = round(time.perf_counter() - began, 1)
    with hub_run.serving(folder) as hub, Caller(hub.port, _headers(hub.key)) as caller:
        chosen = random.Random(1)
        people = [messages.mrn(chosen.randrange(PATIENTS)) for _ in range(SEARCHES)]
        numbers = [messages.control(chosen.randrange(MILLION)) for _ in range(SEARCHES)]
        by_patient = [_search(caller, {"patient": one}, MILLION // PATIENTS) for one in people]
        by_control = [_search(caller, {"control_id": one}, 1) for one in numbers]
    return [
        _figure("message search by patient, p95 of 1,000,000", by_patient, filled),
        _figure("message search by control id, p95 of 1,000,000", by_control, filled),
    ]


def fill(data: Path) -> None:
    """Puts the journal's rows in again and again, about other patients and under other control
    ids, until there are a million, and notes them as settled. The bodies are the templates' own
    and do not open: a search does not open them."""
    keyring = seal.load(data / "keys.json")
    lanes = [lane_digest(keyring, messages.mrn(k)) for k in range(PATIENTS)]
    journal = sqlite3.connect(data / "journal.db", isolation_level=None)
    journal.row_factory = sqlite3.Row
    templates = [dict(row) for row in journal.execute(_SENT)]
    for pragma in ("synchronous=off", "cache_size=-400000", "temp_store=memory"):
        journal.execute(f"pragma {pragma}")
    indexes = journal.execute(
        "select name, sql from sqlite_master where tbl_name = 'message' and type = 'index' "
        "and sql is not null"
    ).fetchall()
    for index in indexes:
        journal.execute(f"drop index {index['name']}")
    names = list(templates[0])
    marks = ", ".join("?" * len(names))
    journal.execute("begin")
    journal.execute("delete from message")
    journal.executemany(
        f"insert into message({', '.join(names)}) values({marks})", _rows(templates, lanes)
    )
    journal.execute("commit")
    for index in indexes:  # built at once: row by row takes three times as long
        journal.execute(index["sql"])
    journal.execute("pragma wal_checkpoint(truncate)")
    journal.close()
    with sqlite3.connect(data / "hub.db") as hub:
        hub.execute("update progress set upto = ?", (MILLION,))
    hub.close()


def _rows(templates: list[dict[str, Any]], lanes: list[bytes]) -> Iterator[tuple[Any, ...]]:
    for number in range(MILLION):
        row = templates[number % len(templates)]
        control = messages.control(number)
        row |= {
            "seq": number + 1,
            "key": f"ADT1|NORTHGEN|{control}",
            "control": control,
            "lane": lanes[number % len(lanes)],
            "received_at": row["received_at"] + 1,
        }
        yield tuple(row.values())


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


def _search(caller: Caller, wanted: dict[str, str], expected: int) -> float:
    """Seconds that one search takes. It must find what there is."""
    began = time.perf_counter()
    found = json.loads(caller.post(SEARCH, json.dumps(wanted).encode()))["items"]
    taken = time.perf_counter() - began
    if len(found) != expected:
        raise AssertionError(f"{len(found)} messages found for {set(wanted)}, expected {expected}")
    return taken


def _figure(name: str, taken: list[float], filled: float) -> Figure:
    return Figure(
        name=name,
        value=quantile(taken, 0.95) * 1e3,
        unit="ms",
        target="< 100",
        detail={"p50_ms": round(quantile(taken, 0.5) * 1e3, 2), "seconds_to_fill": filled},
    )
