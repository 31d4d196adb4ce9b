"""A change of the feed as a CloudEvent 1.0 in structured mode, the same each time it is told."""

from __future__ import annotations

import orjson

from connectors.record import Delivery
from hub import changes
from hub.changes import Change
from hub.clock import iso
from pipelines.consume import Desk
from pipelines.deliveries import Open

MEDIA = "application/cloudevents+json"
TEST = "crohub.test"


def delivery(desk: Desk, one: Open) -> Delivery:
    """What a subscriber is told of a version: what the feed tells of it, without its cursor."""
    row = desk.hub.one(
        "select v, entity, id, n, recorded_at, changed, seq from version where v = ?", (one.v,)
    )
    if row is None:
        raise LookupError("the version of a delivery is not in the store")
    change = Change("", *row)
    [item] = changes.shown(desk.hub, [change])
    del item["cursor"]
    head = {
        "id": one.id,
        "source": "crohub",
        "type": f"crohub.{change.entity}.changed",
        "subject": change.id,
        "time": iso(change.recorded_at),
    }
    return _delivery(head, item)


def trial(one: str, now: int) -> Delivery:
    """What is sent to find out whether a subscriber hears us; no record is meant."""
    head = {"id": one, "source": "crohub", "type": TEST, "time": iso(now)}
    return _delivery(head, {"says": "this is a test: nothing has changed"})


def _delivery(head: dict[str, str], data: dict[str, object]) -> Delivery:
    event = {"specversion": "1.0", **head, "datacontenttype": "application/json", "data": data}
    return Delivery(id=head["id"], stream="event", body=orjson.dumps(event), media=MEDIA)
