"""The store when it is large: `python -m benchmarks.large` settles 1,000,000 statements of five
systems about 100,000 participants and 2,000 studies, on SQLite and on PostgreSQL, and reads it;
then the views of as many studies and participants with 1,000,000 visits (`benchmarks.views`).

Settling alone is measured: what is said was understood and looked up beforehand, as the mapping
processes do. What a message costs is compared at a tenth, at half and at the whole of the load.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from benchmarks import large_world, machine, views
from benchmarks.figure import Figure, quantile, table
from benchmarks.settle_postgres import _server
from hub import clock, schema, seal, settle
from hub.context import Context
from hub.database import session
from hub.history import Asked, rebuilt
from hub.model.spec import entities
from hub.prepare import prepared, understood
from hub.principal import SYSTEM
from hub.provenance import Teller
from hub.query import Query, Sought, View
from hub.reader import Reader
from hub.repository import page
from hub.said import Said

LAST = Path(__file__).parent.parent / "docs" / "large.json"
BATCH, READS, MARKS = 500, 1_000, (0.1, 0.5, 1.0)
FIRST = 0.7 * 3_000  # messages a second: of what the settling of small stores must reach


def main() -> int:
    """0: every target is met."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    asked.add_argument("--participants", type=int, default=large_world.PARTICIPANTS)
    asked.add_argument("--studies", type=int, default=large_world.STUDIES)
    asked.add_argument("--on", choices=("sqlite", "postgresql"), action="append")
    asked.add_argument("--only", choices=("settled", "views"), help="both, if nothing is said")
    asked.add_argument("--folder", help="on which disk to work; the system's temporary folder")
    asked.add_argument("--into", type=Path, default=LAST, help="where the figures are written")
    given = asked.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="large-", dir=given.folder) as folder:
        found = machine.describe(Path(folder))
        for part, dialect in _asked_for(given):
            own = Path(folder) / f"{part}-{dialect}"
            own.mkdir()
            with _ON[dialect](own) as address:
                figures += _PARTS[part](_NAMES[dialect], address, own, given)
    _note(given, found, figures)
    print(table(figures))
    return 0 if all(one.met is not False for one in figures) else 1


def _asked_for(given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for part in _PARTS:
        if given.only in (None, part):
            yield from ((part, dialect) for dialect in given.on or _ON)


def _note(given: argparse.Namespace, found: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Writes the figures beside those that were not measured this time; each says of which size of
    store it is, when it was measured, and what else the machine had to do then."""
    size = {"participants": given.participants, "studies": given.studies}
    about = {**size, "at": found["at"], "load_before": found["load_before"]}
    before = json.loads(given.into.read_text())["figures"] if given.into.exists() else []
    known = {one["name"]: one for one in before}
    known |= {one.name: one.plain() | about for one in figures}
    written = {"machine": found, "figures": list(known.values())}
    given.into.write_text(json.dumps(written, indent=1) + "\n")


@contextlib.contextmanager
def _on_sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'hub.db'}"


@contextlib.contextmanager
def _on_postgres(folder: Path) -> Iterator[str]:
    with _server(folder) as server:
        yield server.replace("postgresql://", "postgresql+psycopg://")


_ON: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "sqlite": _on_sqlite, "postgresql": _on_postgres,
}  # fmt: skip
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _views(name: str, address: str, folder: Path, given: argparse.Namespace) -> list[Figure]:
    return views.measure(name, address, folder, given.studies)


def _settling(name: str, address: str, folder: Path, given: argparse.Namespace) -> list[Figure]:
    studies, participants = given.studies, given.participants
    schema.upgrade(address, [schema.HUB])
    keyring = seal.load(folder / "keys.json")
    store = session(address)
    store.by_index()
    context = Context(
        session=store, keyring=keyring, policy=large_world.POLICY, clock=clock.now, chain="large",
        keeps=store.dialect == "sqlite",
    )  # fmt: skip
    figures = _settled(name, context, studies, participants)
    figures += _read(name, context, studies, participants)
    store.close()
    return figures


_PARTS = {"settled": _settling, "views": _views}


def _settled(name: str, context: Context, studies: int, participants: int) -> list[Figure]:
    numbers = itertools.count(1)
    _rate(context, large_world.studies(studies), numbers)
    costs, spent, done = {}, {}, 0
    taken = messages = 0.0
    for mark in MARKS:
        # the last tenth before a mark is what a message costs at that size
        edge, target = int(participants * (mark - 0.1)), int(participants * mark)
        for first, last in ((done, edge), (edge, target)):
            told = large_world.participants(first, last - first)
            seconds, processor, count = _rate(context, told, numbers)
            taken, messages = taken + seconds, messages + count
        costs[mark], spent[mark] = seconds / count * 1e6, processor / count * 1e6
        done = target
        print(f"{name}: {mark:.0%}: {costs[mark]:.0f} us a message", file=sys.stderr)
    statements = context.session.one("select count(*) from assertion")
    detail = {f"us at {mark:.0%}": round(cost) for mark, cost in costs.items()}
    detail |= {f"processor us at {mark:.0%}": round(cost) for mark, cost in spent.items()}
    detail |= {"messages": int(messages), "statements": statements[0] if statements else 0}
    detail["memory MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return [
        Figure(name=f"large, settled on {name}", value=messages / taken, unit="msg/s",
               target=f">= {FIRST:g}", detail=detail),
        Figure(name=f"large, a message at 100 % beside 10 % on {name}", value=costs[1.0], unit="us",
               ratio=costs[1.0] / costs[0.1], of="ratio", target="<= 1.3",
               reference="a message at 10 %"),
    ]  # fmt: skip


def _rate(
    context: Context, told: Iterator[large_world.Told], numbers: Iterator[int]
) -> tuple[float, float, int]:
    """Settles everything, in batches; the seconds that took, those of our own processor time, and
    how many messages."""
    taken, spent, count = 0.0, 0.0, 0
    while batch := list(itertools.islice(told, BATCH)):
        said = [_said(context, one, next(numbers)) for one in batch]
        began, before = time.perf_counter(), time.process_time()
        with context.session.transaction():
            settle.settle(context, said)
        settle.trim(context)
        taken, spent = taken + time.perf_counter() - began, spent + time.process_time() - before
        count += len(batch)
    return taken, spent, count


def _said(context: Context, told: large_world.Told, seq: int) -> Said:
    meaning = understood(prepared(context.keyring, told.system, told.meaning))
    return Said(
        seq=seq, system=told.system, at=large_world.BEGIN + seq * 1_000_000, meaning=meaning
    )


def _read(name: str, context: Context, studies: int, participants: int) -> list[Figure]:
    reader = Reader(context.session, context.keyring, lambda *_: None, context.policy)
    chance = random.Random(7)
    people = [chance.randrange(participants) for _ in range(READS)]
    found = _ids(reader, people)
    spec = entities()["Enrollment"]
    teller = Teller(reader, context.policy, lambda _: {})
    reads: dict[str, tuple[float, Callable[[int], Any]]] = {
        "identity by MRN": (10, lambda n: _by_mrn(reader, n)),
        "provenance of a field": (20, lambda n: teller.story(SYSTEM, spec, found[n], ["state"])),
        "a record as of another day": (
            30, lambda n: rebuilt(reader, SYSTEM, spec, found[n], View(), _then(n, studies)),
        ),
    }  # fmt: skip
    figures = []
    for what, (target, read) in reads.items():
        times = [_timed(read, n) for n in people]
        detail = {"p50 ms": round(quantile(times, 0.5), 2), "reads": len(times)}
        figures.append(
            Figure(name=f"large, {what}, p95 on {name}", value=quantile(times, 0.95), unit="ms",
                   target=f"< {target}", detail=detail)
        )  # fmt: skip
    return figures


def _then(n: int, studies: int) -> Asked:
    """When half of what there is had been said about a participant."""
    first = 2 * studies + n // 100 * 100 * large_world.MESSAGES_EACH
    return Asked(as_of=large_world.BEGIN + (first + 450) * 1_000_000)


def _timed(read: Callable[[int], Any], n: int) -> float:
    began = time.perf_counter()
    if not read(n):
        raise LookupError(f"nothing was read about participant {n}")
    return (time.perf_counter() - began) * 1000


def _by_mrn(reader: Reader, n: int) -> list[Any]:
    sought = Sought("mrn", large_world.mrn(n), "NORTH")
    query = Query(identifiers=(sought,), limit=2, view=View(fields=frozenset({"id"})))
    return page(reader, SYSTEM, entities()["Participant"], query).items


def _ids(reader: Reader, people: list[int]) -> dict[int, str]:
    """The enrollments of these participants."""
    numbers = {large_world.subject_number(n): n for n in people}
    rows = reader.session.among(
        "select subject_number, id from enrollment where subject_number in {members}",
        list(numbers),
    )
    return {numbers[number]: one for number, one in rows}


if __name__ == "__main__":
    sys.exit(main())
