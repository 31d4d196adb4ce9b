"""Another survivorship policy: what it would change in the records, and the orders that have them
worked out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from crohub.node import Node
from hub import believed, clock
from hub.context import Context
from hub.recompute import Difference, chunks, differences
from pipelines.settling import policy_of

EXAMPLES = 5


@dataclass(slots=True)
class Change:
    """What a policy changes in one field of an entity: how many records, and some of them."""

    entity: str
    field: str
    records: int
    examples: list[Difference]

    def plain(self) -> dict[str, Any]:
        return {
            "entity": self.entity, "field": self.field, "records": self.records,
            "examples": [
                {"id": d.id, "label": d.label, "before": d.before, "after": d.after, "by": d.by}
                for d in self.examples
            ],
        }  # fmt: skip


@contextmanager
def reading(node: Node) -> Iterator[Context]:
    """The store under the configuration's policy; only to read."""
    session = node.places.hub(read_only=node.places.embedded)
    try:
        yield Context(
            session=session, keyring=node.keyring, policy=policy_of(node.deployment),
            clock=clock.now, chain="policy", keeps=True,
        )  # fmt: skip
    finally:
        session.close()


def diff(context: Context) -> list[Change]:
    """What the policy would change, field by field; nothing is written."""
    found: dict[tuple[str, str], Change] = {}
    for entity in sorted(believed.stale(context.session, context.policy)):
        context.stale = frozenset({entity})
        for one in differences(context, entity):
            change = found.setdefault((entity, one.field), Change(entity, one.field, 0, []))
            change.records += 1
            if len(change.examples) < EXAMPLES:
                change.examples.append(one)
    return list(found.values())


def orders(context: Context, *, by: str, reason: str) -> Iterator[dict[str, Any]]:
    """What has every stale record worked out again, some hundreds an order, and notes it."""
    for entity in sorted(believed.stale(context.session, context.policy)):
        said = {
            "by": by, "reason": reason, "object": entity, "entity": entity,
            "policy": believed.digest(context.policy, entity),
        }  # fmt: skip
        for ids in chunks(context, entity):
            yield {"do": "recompute", **said, "ids": ids}
        yield {"do": "recomputed", **said}
