"""Accepting over MLLP: fsync before the answer, 32 connections, beside the bare loop."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from benchmarks import hub_run, messages, mllp_load
from benchmarks.ending import running
from benchmarks.figure import Figure, median, quantile
from benchmarks.hub_run import Hub
from benchmarks.mllp_load import Sent

EACH, ROUNDS, WARM = 6_000, 3, 1_000
REFERENCE = "bare loop of framing and group commit"


def measure(folder: Path) -> list[Figure]:
    """Bare loop, hub accepting alone, hub accepting while it settles: in turn, three times."""
    numbers, bare, alone, beside = count(), [], [], []
    with (
        running("reference_loop", str(folder / "bare.db")) as reference,
        hub_run.serving(folder) as hub,
    ):
        _send(reference, WARM, numbers)
        _send(hub.mllp, WARM, numbers)
        for _ in range(ROUNDS):
            hub.wait_settled(hub.kept())
            bare.append(_send(reference, EACH, numbers))
            with hub.halted():
                alone.append(_send(hub.mllp, EACH, numbers))
            beside.append(_send(hub.mllp, EACH, numbers))  # with EACH messages still to settle
            _expect_backlog(hub)
    rate = median([one.rate for one in bare])
    return [
        Figure(name="bare loop accepts", value=rate, unit="msg/s", detail=_detail(bare)),
        *_figures("MLLP accept, settling halted", alone, bare, ">= 0.5"),
        *_figures("MLLP accept while settling", beside, bare, ">= 0.4"),
    ]


def _send(port: int, number: int, numbers: count[int]) -> Sent:
    own = [messages.adt(k, k) for k in (next(numbers) for _ in range(number))]
    return mllp_load.send(port, own)


def _expect_backlog(hub: Hub) -> None:
    if hub.settled() >= hub.kept():
        raise AssertionError("the hub had settled everything: it did not settle meanwhile")


def _figures(name: str, own: list[Sent], bare: list[Sent], target: str) -> list[Figure]:
    # each run is compared with the bare loop's of its own round
    ratio = median([one.rate / other.rate for one, other in zip(own, bare, strict=True)])
    slowest = median([quantile(one.latencies, 0.99) for one in own])
    return [
        Figure(
            name=name,
            value=median([one.rate for one in own]),
            unit="msg/s",
            reference=REFERENCE,
            ratio=ratio,
            of="ratio",
            target=target,
            detail=_detail(own),
        ),
        Figure(
            name=f"{name}, p99",
            value=slowest * 1e3,
            unit="ms",
            target="< 20",
            reference=REFERENCE,
            ratio=slowest / median([quantile(one.latencies, 0.99) for one in bare]),
        ),
    ]


def _detail(runs: list[Sent]) -> dict[str, list[float]]:
    return {
        "rates": [round(one.rate) for one in runs],
        "p99_ms": [round(quantile(one.latencies, 0.99) * 1e3, 2) for one in runs],
    }
