"""A list of 100 records over the API, beside a bare route that gives out the same bytes."""

from __future__ import annotations

from pathlib import Path

from benchmarks import http_load, hub_run, messages, mllp_load
from benchmarks.ending import running
from benchmarks.figure import Figure, median, quantile
from benchmarks.http_load import Load

PEOPLE, ROUNDS, SECONDS, CONNECTIONS = 3_000, 3, 3.0, 16
LIST = "/api/v1/participants?limit=100"


def measure(folder: Path) -> list[Figure]:
    """Bare route and hub in turn, three times, one server process each."""
    own: list[Load] = []
    bare: list[Load] = []
    with hub_run.serving(folder) as hub:
        mllp_load.send(hub.mllp, [body for _, body in messages.stream(PEOPLE, PEOPLE)])
        hub.wait_settled(hub.kept())
        (folder / "list.json").write_bytes(body := hub.get(LIST))
        headers = {"Authorization": f"Bearer {hub.key}"}
        with running("bare_api", str(folder / "list.json")) as port:
            for _ in range(ROUNDS):
                bare.append(_load(port, "/list", {}))
                own.append(_load(hub.port, LIST, headers))
    rates = [(one.rate, other.rate) for one, other in zip(own, bare, strict=True)]
    return [
        Figure(
            name="API list of 100 rows",
            value=median([one for one, _ in rates]),
            unit="req/s",
            reference="bare FastAPI route, same bytes",
            ratio=median([one / other for one, other in rates]),
            of="ratio",
            target=">= 0.3",
            detail={
                "bytes": len(body),
                "bare": [round(other) for _, other in rates],
                "p99_ms": round(quantile(own[-1].latencies, 0.99) * 1e3, 1),
            },
        )
    ]


def _load(port: int, path: str, headers: dict[str, str]) -> Load:
    return http_load.load(port, path, headers, connections=CONNECTIONS, seconds=SECONDS)
