"""The views of a large institution: how long people wait for a page of each.

The canonical tables are filled as they stand after settling; nothing is settled here. A filtered
page is one of a single study where the view has studies, and else one of the values of its first
code; the whole institution is a view asked for without a filter, and in the order of its first
number where a view is no list of participants, visits or documents.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import views_world as world
from benchmarks.figure import Figure, quantile
from hub import clock, schema, seal, tables
from hub.database import Session, session
from hub.policy import Policy
from hub.principal import SYSTEM
from hub.query import BadQuery
from hub.reader import Reader
from hub.views.asked import parse
from hub.views.catalogue import views
from hub.views.read import page
from hub.views.summing import Summing
from hub.views.view import View

_TOLD, _DAY = range(5), "2026-06-01"  # the studies whose past is asked for, and the day
READS = 20  # of each view; the slowest of twenty is its p95
Params = Sequence[tuple[str, str]]


def measure(name: str, address: str, folder: Path, studies: int) -> list[Figure]:
    """Fills the store at `address`, and reads every view in both ways."""
    schema.upgrade(address, [schema.HUB])
    store = session(address)
    written = world.fill(store, studies)
    if store.dialect == "postgresql":
        store.raw.execute("analyze")  # the server would have, some minutes later
    world.tell(store, studies, _TOLD)
    _sum(store, studies)
    figures = _read(name, store, folder, studies, written)
    store.close()
    return figures


def _sum(store: Session, studies: int) -> None:
    """What the hub keeps for the whole institution, as it does when settling is at rest."""
    due = [(world.one("Study", n),) for n in range(studies)]
    with store.transaction():
        store.upsert(tables.sum_due, ("study_id",), due, ("study_id",))
    keeper = Summing(session=store, clock=clock.now)
    while keeper.look():
        pass


def _read(name: str, store: Session, folder: Path, studies: int, written: int) -> list[Figure]:
    reader = Reader(store, seal.load(folder / "keys.json"), lambda *_: None, Policy())
    chance = random.Random(7)
    said = {v.name: _said(reader, v) for v in views().values() if not v.has("study_id")}

    def filtered(view: View) -> Params:
        return said.get(view.name) or [("study", world.protocol(chance.randrange(studies)))]

    asked: dict[str, tuple[int, Callable[[View], Params]]] = {
        "a filtered page": (200, filtered),
        "the whole institution": (500, _whole),
    }
    figures = []
    for what, (target, params) in asked.items():
        slow = {view.name: _p95(reader, view, params) for view in views().values()}
        figures.append(_figure(f"views, {what}, p95 on {name}", slow, f"< {target}", written))

    def then(_: View) -> Params:
        return [("study", world.protocol(chance.choice(_TOLD))), ("as_of", _DAY)]

    slow = {view.name: _p95(reader, view, then) for view in _with_past(reader)}
    past = f"views, a study as of another day, p95 on {name}"
    return [*figures, _figure(past, slow, "< 2000", written)]


def _figure(name: str, slow: dict[str, float], target: str, written: int) -> Figure:
    detail = {"slowest": max(slow, key=lambda view: slow[view]), "records": written}
    each = {view: round(taken, 1) for view, taken in slow.items()}
    return Figure(
        name=name, value=max(slow.values()), unit="ms", target=target, detail=detail | each
    )


def _p95(reader: Reader, view: View, params: Callable[[View], Params]) -> float:
    times = []
    for _ in range(READS):
        asked = parse(view, params(view))
        began = time.perf_counter()
        page(reader, SYSTEM, view, asked)
        times.append((time.perf_counter() - began) * 1000)
    return quantile(times, 0.95)


def _said(reader: Reader, view: View) -> Params:
    """A filter of a view that has no studies: what its first row says in a column to filter by."""
    items = page(reader, SYSTEM, view, parse(view, [("limit", "1")])).items
    codes = [one.name for one in view.columns if one.kind == "code"]
    found = [(name, items[0].get(name)) for name in (*view.narrowed_by, *codes)] if items else []
    return [(name, str(value)) for name, value in found if value is not None][:1]


def _with_past(reader: Reader) -> Iterator[View]:
    """The views of studies, but those that tell how the hub itself stands."""
    for view in views().values():
        if view.has("study_id"):
            with contextlib.suppress(BadQuery):
                params = [("study", world.protocol(_TOLD[0])), ("as_of", _DAY)]
                page(reader, SYSTEM, view, parse(view, params))
                yield view


def _whole(view: View) -> Params:
    if view.narrowed_by:
        return []
    numbers = [one.name for one in view.columns if one.kind in ("integer", "money", "decimal")]
    return [("sort", f"-{numbers[0]}")] if numbers else []
