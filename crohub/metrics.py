"""/metrics for Prometheus: counts, queue, lag. Labels are names of the configuration, so that
their number is bounded and no patient's data can be in one."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fastapi import Depends, FastAPI, Response
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from crohub.backlog import backlog
from crohub.ops import overview, tally
from crohub.ops.asked import looks
from crohub.ops.desk import Desk
from hub import changes
from hub.database import Session

MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class Hub(Collector):
    """Reads the stores when Prometheus asks."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def collect(self) -> Iterator[Metric]:
        """Every metric of this node."""
        edge = self.desk.edge
        with self.desk.reading() as session:
            rows = overview.connections(edge, session, self.desk.counts)
            yield from _connections(rows)
            yield _states(session)
            yield from _queue(session)
            yield _held_back(session)
        waiting = GaugeMetricFamily("crohub_journal_groups_waiting", "groups not stored yet")
        waiting.add_metric([], edge.writer.depth)
        yield waiting
        alive = GaugeMetricFamily("crohub_settler_alive", "1 while settling runs")
        alive.add_metric([], float(edge.settler.alive))
        yield alive
        durable = GaugeMetricFamily(
            "crohub_durability_full", "1: an acknowledgement means it is on disk"
        )
        durable.add_metric([], 1.0)
        yield durable


def mount(app: FastAPI, desk: Desk) -> None:
    """Adds /metrics; it needs a key like any other route (bearer_token in Prometheus)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Hub(desk))

    @app.get("/metrics", tags=["operations"], dependencies=[Depends(looks)])
    def metrics() -> Response:
        """Metrics in the text format of Prometheus."""
        return Response(generate_latest(registry), media_type=MEDIA)


def _connections(rows: list[overview.Json]) -> Iterator[Metric]:
    received = CounterMetricFamily(
        "crohub_messages_received", "messages stored", labels=["connection"]
    )
    state = GaugeMetricFamily(
        "crohub_connection_running", "1: running; 0: paused, draining or in trouble",
        labels=["connection", "connector"],
    )  # fmt: skip
    parked = GaugeMetricFamily(
        "crohub_messages_parked", "messages a person must look at", labels=["connection"]
    )
    counted = CounterMetricFamily(
        "crohub_connection_events", "what no message tells of: connections refused, and why",
        labels=["connection", "event"],
    )  # fmt: skip
    for row in rows:
        received.add_metric([row["name"]], row["received"])
        state.add_metric([row["name"], row["connector"]], float(row["state"] == "running"))
        parked.add_metric([row["name"]], row["parked"])
        for what, count in row["counts"].items():
            counted.add_metric([row["name"], what], count)
    yield from (received, state, parked, counted)


def _states(session: Session) -> Metric:
    made = GaugeMetricFamily(
        "crohub_messages_in_state", "messages that are not simply done", labels=["state"]
    )
    for state, count in sorted(tally.by_state(session).items()):
        made.add_metric([state], count)
    return made


def _held_back(session: Session) -> Metric:
    made = GaugeMetricFamily(
        "crohub_feed_held_back_seconds",
        "age of the oldest change that an older transaction keeps from being told",
    )
    since = changes.held_back(session)
    made.add_metric([], max(0.0, time.time() - since / 1e6) if since else 0.0)
    return made


def _queue(session: Session) -> Iterator[Metric]:
    depth = GaugeMetricFamily("crohub_messages_waiting", "messages stored, not settled yet")
    depth.add_metric([], sum(backlog(session).values()))
    yield depth
    row = session.one(
        "select min(m.received_at) from progress p join message m on m.part = p.part and "
        "m.seq = (select min(n.seq) from message n where n.part = p.part and n.seq > p.upto)"
    )
    oldest = row[0] if row and row[0] else None
    lag = GaugeMetricFamily("crohub_settling_lag_seconds", "age of the oldest waiting message")
    lag.add_metric([], max(0.0, time.time() - oldest / 1e6) if oldest else 0.0)
    yield lag
