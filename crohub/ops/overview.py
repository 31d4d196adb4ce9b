"""How the hub is doing: connections, pipelines, transfers, messages in all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from crohub.backlog import backlog
from crohub.ops import tally
from crohub.ops.tally import Tally as Messages
from hub.clock import iso
from hub.database import Row, Session
from pipelines import tallies
from pipelines.edge import Edge
from pipelines.settings import Deployment
from pipelines.tallies import Tally

Json = dict[str, Any]


def connections(edge: Edge, session: Session, counts: Messages) -> list[Json]:
    """Every configured connection, by name. Times are ISO 8601, UTC; null: never."""
    received, unwell = counts.received(session), tally.unwell(session)
    heard: dict[str, int | None] = dict(
        session.all("select connection, max(settled_at) from feed group by connection")
    )
    failed = _failed_pulls(edge.deployment, session)
    found = []
    for name, one in sorted(edge.deployment.connections.items()):
        address = edge.addresses.get(name)
        trouble = edge.trouble.get(name) or failed.get(name, "")
        found.append(
            {
                "name": name,
                "connector": one.connector,
                "system": one.system,
                "role": one.role,
                "environment": one.environment,
                "state": edge.paused.get(name) or ("trouble" if trouble else "running"),
                "address": _address(name, address) if address else None,
                "heard_at": _moment(heard.get(name)),
                "received": received.get(name, 0),
                "parked": unwell.get(name, 0),
                "trouble": trouble,
                "counts": edge.counts(name),
            }
        )
    return found


def _address(name: str, address: tuple[str, int]) -> str:
    """Port 0: a path of the hub's own server."""
    host, port = address
    return f"{host}:{port}" if port else f"{host}{name}"


def pipelines(
    deployment: Deployment, session: Session, trouble: Mapping[str, str] = MappingProxyType({})
) -> list[Json]:
    """Every pipeline, by name: what it joins, and how its last run or its deliveries went.
    `trouble` says of those outbound why a person must act."""
    fired, said = _last_fired(session), tallies.by_pipeline(session)
    found: list[Json] = []
    for name, one in deployment.inbound.items():
        run = fired.get(name)
        found.append(
            {
                "name": name,
                "direction": "in",
                "connection": one.reads.connection,
                "stream": one.reads.stream,
                "mappings": list(one.mappings),
                "schedule": one.schedule.every or one.schedule.cron if one.schedule else None,
                "last_run": _run(run) if run else None,
            }
        )
    for name, to in deployment.outbound.items():
        found.append(
            {
                "name": name,
                "direction": "out",
                "connection": to.to,
                "mappings": [to.mapping],
                "mode": to.mode,
                "flow": to.flow,
                "approval": to.approval,
                "deliveries": dict(said.get(name, Tally()).states),
                "counts": said.get(name, Tally()).plain(),
                "trouble": trouble.get(name, ""),
            }
        )
    return sorted(found, key=lambda one: str(one["name"]))


def flows(deployment: Deployment, session: Session) -> dict[str, dict[str, int]]:
    """Each flow that outbound pipelines name: triggered, delivered, confirmed, held, refused."""
    found = tallies.by_flow(tallies.by_pipeline(session), deployment.outbound)
    return {name: tally.plain() for name, tally in sorted(found.items())}


def feeds(session: Session) -> list[Json]:
    """Every connection and stream that has spoken: which system it is and when it last did."""
    rows = session.all(
        "select connection, stream, system, state, heard_at, settled_at, detail from feed "
        "order by connection, stream"
    )
    return [
        {
            "connection": row[0], "stream": row[1], "system": row[2], "state": row[3],
            "heard_at": _moment(row[4]), "settled_at": _moment(row[5]), "detail": row[6],
        }
        for row in rows
    ]  # fmt: skip


def messages(session: Session, counts: Messages) -> dict[str, int]:
    """All messages by what became of them. They add up: every one accepted is done, waiting, or
    in one of the other states; our own orders are not counted."""
    accepted = sum(counts.received(session).values())
    states = dict.fromkeys(("parked", "held", "aside", "test", "behind", "ready"), 0)
    states |= tally.by_state(session)
    states["parked"] += states.pop("blocking", 0)
    states["waiting"] = sum(backlog(session).values())
    done = accepted - sum(states.values())
    return {"accepted": accepted, "done": max(done, 0), **states}


def arrivals(session: Session, *, before: int = 0, limit: int = 20) -> list[Json]:
    """Transfers, the newest first, with reconciliation counts: what the source gave (`read`),
    what was not known (`new`), and what became of the new ones."""
    rows = session.all(
        "select id, connection, stream, kind, began_at, ended_at, read, new, outcome from arrival "
        "where id < ? order by id desc limit ?",
        (before or 1 << 62, limit),
    )
    return [_arrival(row) | {"outcomes": _outcomes(session, row)} for row in rows]


def _arrival(row: Row) -> Json:
    return {
        "id": row[0], "connection": row[1], "stream": row[2], "kind": row[3],
        "began_at": iso(row[4]), "ended_at": _moment(row[5]), "read": row[6], "new": row[7],
        "known": row[6] - row[7], "outcome": row[8],
    }  # fmt: skip


def _outcomes(session: Session, row: Row) -> dict[str, int]:
    """What became of an arrival's messages; found by the time they came in."""
    if not row[7]:
        return {}
    span = (row[0], row[4], row[5] or 1 << 62)
    theirs = "m.arrival = ? and m.received_at >= ? and m.received_at <= ?"
    found: dict[str, int] = dict(
        session.all(
            f"select o.state, count(*) from message m join outcome o on o.seq = m.seq "
            f"where {theirs} group by o.state",
            span,
        )
    )
    changed = session.one(
        f"select count(*) from message m where {theirs} "
        "and exists (select 1 from version v where v.seq = m.seq)",
        span,
    )
    left = session.one(
        f"select count(*) from message m join progress p on p.part = m.part where {theirs} "
        "and m.seq > p.upto",
        span,
    )
    found["applied"] = changed[0] if changed else 0
    found["waiting"] = left[0] if left else 0
    # what was settled and gave no version said nothing new
    found["unchanged"] = max(0, row[7] - sum(found.values()))
    return found


def _failed_pulls(deployment: Deployment, session: Session) -> dict[str, str]:
    failed = {}
    for name, run in _last_fired(session).items():
        ended = str(run[3] or "")
        if name in deployment.inbound and ended.startswith(
            ("later", "refused", "misconfigured", "asks")
        ):
            failed[deployment.inbound[name].reads.connection] = ended
    return failed


def _last_fired(session: Session) -> Mapping[str, Row]:
    rows = session.all(
        "select f.pipeline, f.began_at, f.ended_at, f.outcome from fired f join "
        "(select pipeline, max(due_at) as due_at from fired where ended_at is not null "
        "group by pipeline) l on l.pipeline = f.pipeline and l.due_at = f.due_at"
    )
    return {str(row[0]): row for row in rows}


def _run(row: Row) -> Json:
    return {"began_at": iso(row[1]), "ended_at": _moment(row[2]), "outcome": row[3]}


def _moment(at: int | None) -> str | None:
    return iso(at) if at else None


def entities(session: Session) -> Iterator[tuple[str, int]]:
    """How many living records there are of each entity, by its name."""
    from hub.model.spec import entities as known

    for name, spec in sorted(known().items()):
        row = session.one(f"select count(*) from {spec.table.name} where superseded_by is null")
        yield name, row[0] if row else 0
