"""How a delivery would be read if the target said it back.

A target's words may be fewer than ours (three of our states are one of FHIR's), so what comes
back is not always what went out. The target's own inbound mappings tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from connectors.record import Delivery, Record
from hub.canonical_view import Read
from hub.model.spec import entities
from hub.statement import REMOVED, Ref, Stated
from mappings.reader import Reader
from mappings.values import NotUnderstood


def read_back(
    readers: Sequence[Reader], delivery: Delivery, entity: str, one: str, at: datetime
) -> list[Read]:
    """What the target's own feed would say of the record, if it said this delivery back."""
    record = Record(
        stream=delivery.stream,
        message_key=delivery.id,
        at=at,
        body=_with_id(delivery),
        media=delivery.media,
    )
    found: list[Read] = []
    for reader in readers:
        try:
            statements = reader(record).statements
        except NotUnderstood:
            continue  # what cannot be read back makes no echo that could be recognised
        for said in statements:
            if isinstance(said, Stated) and entity in _whole(said.entity):
                found += [Read(said.entity, one, n, v) for n, v in said.fields.items() if _is(v)]
    return found


def _whole(entity: str) -> tuple[str, str]:
    return (entity, entities()[entity].beside)


def _is(value: Any) -> bool:  # noqa: ANN401 - a stated value
    return value is not None and value is not REMOVED and not isinstance(value, Ref)


def _with_id(delivery: Delivery) -> bytes:
    """A resource that the server will name is read under some name."""
    if delivery.media != "application/fhir+json":
        return delivery.body
    body = orjson.loads(delivery.body)
    return orjson.dumps({"id": delivery.id, **body})
