"""From MLLP to settled canonical records on SQLite: rate, bytes stored, and how soon one reads."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path

from benchmarks import hub_run, messages, mllp_load, tree
from benchmarks.figure import Figure, quantile
from benchmarks.http_load import Caller
from benchmarks.hub_run import Hub

COUNT, WARM = 20_000, 500
OFFERED, SECONDS, SAMPLE = 1_000, 10, 20  # messages/s, how long, one in so many is looked for
FIRST = 1_000_000  # number of the first message of the paced run: nobody seen before


def measure(folder: Path) -> list[Figure]:
    """20,000 messages over as many people, then over 150 of them, then paced."""
    with hub_run.serving(folder) as hub:
        new = _settle(hub, COUNT, start=0)
        again = _settle(hub, 150, start=COUNT)
        after = _paced(hub)
    apart = hub_run.stored_bytes(folder / "data") / (2 * COUNT + WARM * 2 + OFFERED * SECONDS)
    return [
        _rate("MLLP to settled, SQLite, 20,000 people", new, ">= 3000"),
        _rate("MLLP to settled, SQLite, 150 people", again, ">= 5000"),
        Figure(name="stored a message, all runs", value=apart, unit="B", target="<= 4000"),
        Figure(
            name="ACK to readable at 1,000 msg/s, p99",
            value=quantile(after, 0.99),
            unit="s",
            target="< 1",
            detail={"p50": round(quantile(after, 0.5), 4), "samples": len(after)},
        ),
    ]


def _settle(hub: Hub, patients: int, *, start: int) -> dict[str, float]:
    warm = [body for _, body in messages.stream(WARM, patients, start=start + 500_000)]
    mllp_load.send(hub.mllp, warm)
    hub.wait_settled(hub.kept())
    bodies = [body for _, body in messages.stream(COUNT, patients, start=start)]
    before, spent = hub.kept(), tree.seconds(hub.pid)
    began = time.perf_counter()
    sent = mllp_load.send(hub.mllp, bodies)
    ended = hub.wait_settled(before + COUNT)
    return {
        "rate": COUNT / (ended - began),
        "accepted_per_s": round(sent.rate),
        "hub_cpu_ms_per_message": round((tree.seconds(hub.pid) - spent) / COUNT * 1e3, 4),
    }


def _rate(name: str, run: dict[str, float], target: str) -> Figure:
    value = run.pop("rate")
    return Figure(name=name, value=value, unit="msg/s", target=target, detail=run)


def _paced(hub: Hub) -> list[float]:
    """Seconds from the answer to the message until its participant reads in the API; of one
    message in twenty, each about a person nobody has spoken of before."""
    answered: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()
    bodies = [messages.adt(FIRST + k, FIRST + k) for k in range(OFFERED * SECONDS)]
    found: list[float] = []
    looking = threading.Thread(target=_look, args=(hub, answered, found), daemon=True)
    looking.start()

    def told(position: int, at: float) -> None:
        if position % SAMPLE == 0:
            answered.put((position, at))

    mllp_load.send(hub.mllp, bodies, per_second=OFFERED, told=told)
    answered.put((-1, 0.0))
    looking.join(30)
    if len(found) != len(bodies) // SAMPLE:
        raise AssertionError(f"{len(found)} of {len(bodies) // SAMPLE} became readable")
    return found


def _look(hub: Hub, answered: queue.SimpleQueue[tuple[int, float]], found: list[float]) -> None:
    """Asks for each until it is there. Messages are settled in order: the oldest comes first."""
    with Caller(hub.port, {"Authorization": f"Bearer {hub.key}"}) as caller:
        while True:
            position, at = answered.get()
            if position < 0:
                return
            address = f"/api/v1/participants?identifier=MRN|{messages.mrn(FIRST + position)}"
            while b'"items":[]' in caller.get(address):
                time.sleep(0.005)
            found.append(time.perf_counter() - at)
