"""`match`: all records of an entity are searched at once for those that may be one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import WRONG, Json, data, said, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crohub.node import Node
    from hub.matching.settings import Bounds

_AT_ONCE = 200  # pairs of one order: each order is done in one transaction
_PATIENCE = 600.0  # seconds until the last is done


def add_to(app: typer.Typer) -> None:
    """Adds this family's command."""
    app.command()(match)


def match(
    entity: Annotated[str, typer.Argument(help="Participant, Person or Organization.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit.", callback=said)],
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Search all records of an entity at once for those that may be one, with Splink (the extra
    `splink`), and ask about what agrees far enough: after a first load, or when policies ask for
    less. It reads names in this process, in memory only."""
    from crohub.node import reach
    from hub.matching import bulk

    with reach(config, data_folder, exists=True) as node:
        bounds = node.deployment.matching.bounds.get(entity)
        if bounds is None:
            known = ", ".join(node.deployment.matching.bounds) or "none"
            raise stop(WRONG, f"{entity!r} is not searched; expected one of identity.yaml: {known}")
        session = node.places.hub(read_only=node.places.embedded)
        try:
            found = bulk.everyone(session, node.keyring, entity)
        finally:
            session.close()
        try:
            pairs = bulk.pairs(entity, found.values())
        except bulk.NoSplink as error:
            raise stop(WRONG, str(error)) from None
        told: dict[str, Any] = {"entity": entity, "records": len(found), "pairs": len(pairs)}
        told |= _weighed(node, told, pairs, bounds, reason)
    line = f"{len(found)} records, {len(pairs)} pairs compared"
    data(told, as_json=as_json, lines=[f"{line}, {told['questions']} questions put"])
    if not told["done"]:
        say("the running hub has yet to come to it; `crohub decisions` shows what it asks")


def _weighed(
    node: Node,
    told: dict[str, Any],
    pairs: Sequence[tuple[str, str]],
    bounds: Bounds,
    reason: str,
) -> dict[str, Any]:
    """What came of it. The settler weighs them: nobody else writes to the store."""
    from crohub.node import whoever

    entity = told["entity"]
    starts = range(0, max(len(pairs), 1), _AT_ONCE)
    orders = [
        {
            "do": "compare", "by": whoever(), "reason": reason,
            "object": f"{entity}, part {part} of {len(starts)}", "entity": entity,
            "pairs": pairs[at : at + _AT_ONCE], "review": bounds.review,
            "days": node.deployment.matching.days, "detail": {"records": told["records"]},
        }
        for part, at in enumerate(starts, 1)
    ]  # fmt: skip
    done = node.order(*orders, seconds=_PATIENCE)
    came = [node.told(order) for order in orders] if done else []
    return {"done": done, "questions": sum(one.get("questions", 0) for one in came)}
