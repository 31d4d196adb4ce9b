"""What became of a whole run: messages, records, connections."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crohub import lookup, truths
from crohub.backlog import backlog
from crohub.commands.ending import table
from crohub.ops import overview
from crohub.ops.tally import Tally
from hub import cursors
from hub.database import Session
from hub.principal import SYSTEM
from hub.query import LARGEST
from hub.reader import Reader
from hub.views import read
from hub.views.asked import Asked
from hub.views.catalogue import views
from hub.views.view import View
from pipelines import tallies
from pipelines.edge import Edge
from pipelines.places import Places
from pipelines.settling import policy_of


def at_rest(places: Places) -> bool:
    """Whether nothing waits to be settled, to be tried again or to be said."""
    session = lookup.reading(places)
    try:
        again = session.one("select 1 from outcome where state = 'ready' limit 1")
        unsaid = session.one("select 1 from delivery where state = 'ready' limit 1")
        return not sum(backlog(session).values()) and again is None and unsaid is None
    finally:
        session.close()


def of(edge: Edge) -> dict[str, Any]:
    """`messages` {accepted, done, parked, held}, which add up; `entities` {name: count};
    `connections` with the family that each is of, and what it pulled, received and pushed; `flows`
    between systems, each {triggered, delivered, confirmed, held, refused}; `views` {name: rows}.
    Messages that nobody reads and test messages are done; `set_aside` says how many of the done
    they are."""
    session = lookup.reading(edge.places)
    try:
        counts = overview.messages(session, Tally())
        aside = counts["aside"] + counts["test"]
        waiting = counts["behind"] + counts["ready"] + counts["waiting"]
        return {
            "messages": {
                "accepted": counts["accepted"],
                "done": counts["accepted"] - counts["parked"] - counts["held"] - waiting,
                "parked": counts["parked"],
                "held": counts["held"],
            },
            "set_aside": aside,
            "entities": dict(overview.entities(session)),
            "connections": _connections(edge, session),
            "flows": _flows(edge, session),
            "views": _views(edge, session),
        }
    finally:
        session.close()


def lines(found: dict[str, Any]) -> str:
    """The same for a person."""
    told = {name: f"{name} {count:,}" for name, count in found["messages"].items()}
    told["done"] += f" ({found['set_aside']:,} of them set aside)"
    messages = ", ".join(told.values())
    entities = [
        {"record": name, "count": f"{count:,}"} for name, count in found["entities"].items()
    ]
    columns = ("name", "family", "connector", "state", "pulled", "received", "pushed")
    flows = [{"flow": name, **counts} for name, counts in found["flows"].items()]
    checks = [{"check": name, **counts} for name, counts in found["checks"].items()]
    return "\n".join(
        (
            f"messages: {messages}", "", *table(found["connections"], columns), "",
            *table(flows, ("flow", "triggered", "delivered", "confirmed", "held", "refused")), "",
            *table(entities, ("record", "count")), "",
            *table(_counted(found["views"], "view"), ("view", "rows")), "",
            *table(checks, ("check", "expected", "found")), "", *truths.told(found["truth"]), "",
            _told(found["subscriber"]), "",
            f"{found['seconds']} seconds",
        )
    )  # fmt: skip


def _told(found: dict[str, int]) -> str:
    """What a subscriber to the feed says it was told."""
    events, again, unsigned = found["events"], found["again"], found["unsigned"]
    return (
        f"a data lake that follows enrollments was told of {events:,} changes, {again} of them "
        f"again, {unsigned} without a good signature"
    )


def _counted(found: dict[str, int], what: str) -> list[dict[str, Any]]:
    return [{what: name, "rows": f"{count:,}"} for name, count in found.items()]


def _connections(edge: Edge, session: Session) -> list[dict[str, Any]]:
    pulled: dict[str, int] = dict(
        session.all("select connection, sum(read) from arrival group by connection")
    )
    pushed: dict[str, int] = {}
    for pipeline, count in session.all(
        "select pipeline, count(*) from delivery where state = 'delivered' group by pipeline"
    ):
        if pipeline in edge.deployment.outbound:  # one that was taken away has no target any more
            to = edge.deployment.outbound[pipeline].to
            pushed[to] = pushed.get(to, 0) + count
    families = {name: one.family or one.role for name, one in edge.deployment.connections.items()}
    return [
        {
            "name": row["name"],
            "family": families[row["name"]],
            "connector": row["connector"],
            "pulled": int(pulled.get(row["name"], 0)),
            "received": row["received"],
            "pushed": pushed.get(row["name"], 0),
            "state": row["state"],
        }
        for row in overview.connections(edge, session, Tally())
    ]


def _flows(edge: Edge, session: Session) -> dict[str, dict[str, int]]:
    """Each flow between systems, by name, with its counts."""
    found = tallies.by_flow(tallies.by_pipeline(session), edge.deployment.outbound)
    return {name: tally.plain() for name, tally in found.items()}


def _views(edge: Edge, session: Session) -> dict[str, int]:
    """How many rows each view has for somebody who may see everything."""
    reader = Reader(session, edge.keyring, lambda *_: None, policy_of(edge.deployment))
    return {view.name: _rows(reader, view) for view in views().values()}


def _rows(reader: Reader, view: View) -> int:
    count, asked = 0, Asked(limit=LARGEST)
    while True:
        page = read.page(reader, SYSTEM, view, asked)
        count += len(page.items)
        if page.next is None:
            return count
        asked = replace(asked, after=cursors.read(page.next, asked.order))
