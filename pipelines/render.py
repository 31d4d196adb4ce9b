"""What a delivery says: its version in the target's words.

A version is said as it was, so that statuses go out in order, each as itself. What it refers to
(study, participant, and how the target knows them) is as now. Where it lacks something the
target requires, what is known by now fills it in. What was sent once is said again in the same
bytes: the target knows it by its id and must not find another body under it. So is what a person
was asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from connectors.record import Delivery
from hub.canonical_view import View
from hub.clock import from_micros
from hub.seal import Keyring
from mappings.outbound import Wait
from pipelines import bodies, echo, event, readback
from pipelines.consume import Desk
from pipelines.deliveries import Open


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A delivery ready to go: `prints` are the fingerprints of what it tells, `opened` the sealed
    records that were read for it, as entity and id."""

    delivery: Delivery
    prints: tuple[bytes, ...] = ()
    opened: tuple[tuple[str, str], ...] = ()


def render(desk: Desk, one: Open, found: View | None = None) -> Said | Wait:
    """What is to be sent, or what the target must know first. `found` is the record to be said in
    place of the version, where the mapping had it matched. Raises NotUnderstood for a value that
    the target has no word for."""
    kept = None if one.said is None else unpack(desk.keyring, one.id, one.said)
    if kept and one.tried_at is not None:
        return Said(delivery=kept)
    if desk.outlet.feed:
        return Said(delivery=event.delivery(desk, one))
    view = found or desk.views().version(one.entity, one.entity_id, one.n)
    views = view.views
    at = from_micros(one.made_at)
    made = desk.outlet.mapping.render(view, delivery_id=one.id, now=at)
    if isinstance(made, Wait) and not found:
        views.reads.clear()
        view = view.filled()
        made = desk.outlet.mapping.render(view, delivery_id=one.id, now=at)
    if isinstance(made, Wait):
        return made
    heard = made
    if desk.outlet.mapping.outgoing.keys:  # it will be said back with the key that it is given
        named = view.called(one.id)
        again = desk.outlet.mapping.render(named, delivery_id=one.id, now=at)
        heard = made if isinstance(again, Wait) else again
    back = readback.read_back(desk.outlet.back, heard, one.entity, one.entity_id, at)
    return Said(
        delivery=kept or made,
        prints=echo.fingerprints(desk.keyring, desk.outlet.system, views.reads, back),
        opened=tuple(views.opened),
    )


def pack(keyring: Keyring, delivery: Delivery) -> bytes:
    """What is sent, sealed for its row."""
    head = orjson.dumps(
        {"stream": delivery.stream, "media": delivery.media, "target": dict(delivery.target)}
    )
    return bodies.pack(keyring, head + b"\n" + delivery.body, _place(delivery.id))


def unpack(keyring: Keyring, one: str, cell: bytes) -> Delivery:
    """What `pack` kept."""
    head, _, body = bodies.unpack(keyring, cell, _place(one)).partition(b"\n")
    return Delivery(id=one, body=body, **orjson.loads(head))


def _place(one: str) -> bytes:
    return f"delivery|{one}|said".encode()
