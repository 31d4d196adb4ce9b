"""What a target answers with may be its key of the record: the next delivery addresses it by that
key, and what the target says of it meets the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hub.canonical_view import View
from hub.model.spec import entities
from mappings import canonical
from pipelines.consume import Desk
from pipelines.deliveries import Open


def names(desk: Desk, one: Open, native_id: str) -> Iterator[dict[str, Any]]:
    """The orders that take keys in: of the record, and of what it refers to, as the mapping says;
    none where the target gave none or is known to have it."""
    keys = desk.outlet.mapping.outgoing.keys
    if not (keys and native_id):
        return
    view = desk.views().now(one.entity, one.entity_id)
    for name, shape in keys.items():
        found = _led(view, name) if view and name != "key" else view
        key = shape.replace("{}", native_id)
        if found and found.native_key() != key:
            yield _order(desk, one, found, key)


def _led(view: View, path: str) -> View | None:
    found = canonical.compile_reference(path, entities()[view.entity])(view)
    return found if isinstance(found, View) else None


def _order(desk: Desk, one: Open, view: View, key: str) -> dict[str, Any]:
    system = desk.outlet.system
    return {
        "do": "named",
        "object": f"{view.entity} {view.id}",
        "system": system,
        "entity": view.entity,
        "id": view.id,
        "key": key,
        "detail": {"system": system, "delivery": one.id},
    }
