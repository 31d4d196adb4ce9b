"""`merge`, `unmerge` and `split`: what a person says of records, whatever identifiers say."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crohub.commands.ending import WRONG, Json, data, said, stop
from crohub.commands.giving import give
from crohub.commands.install import HERE, Config, Data

Entity = Annotated[str, typer.Argument(metavar="ENTITY", help="Participant, Person, Study …")]
One = Annotated[str, typer.Argument(metavar="ID")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the audit.", callback=said)]


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(merge)
    app.command()(unmerge)
    app.command()(split)


def merge(
    entity: Entity, one: One, other: One, reason: Why, config: Config = HERE,
    data_folder: Data = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Two records are one: the older id stays, the other leads there."""
    order = {"do": "merge", "ids": [one, other], "object": f"{entity} {one} {other}"}
    told = _give(entity, order, reason, config, data_folder)
    data(told, as_json=as_json, lines=[f"one record now: {told['id']}"])


def unmerge(
    entity: Entity, one: One, reason: Why, config: Config = HERE, data_folder: Data = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """A record that was made part of another is one of its own again, as it was."""
    order = {"do": "unmerge", "id": one, "object": f"{entity} {one}"}
    told = _give(entity, order, reason, config, data_folder)
    data(told, as_json=as_json, lines=[f"{told['id']} is no part of {told['from']} any more"])


def split(
    entity: Entity,
    one: One,
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Whose key it is.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="How it knows the record.")],
    reason: Why,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """A system's key is not of this record: what it says becomes a record of its own, and no
    identifier brings it back."""
    order = {
        "do": "split", "id": one, "system": system, "key": key, "object": f"{entity} {one}",
    }  # fmt: skip
    told = _give(entity, order, reason, config, data_folder)
    data(told, as_json=as_json, lines=[f"the key is of {told['id']} now"])


def _give(
    entity: str, order: dict[str, Any], reason: str, config: Config, data_folder: Data
) -> dict[str, Any]:
    from crohub.node import whoever
    from hub.model.spec import entities
    from mappings.mistakes import one_of

    spec = entities().get(entity)
    if spec is None or spec.beside:
        known = [name for name, its in entities().items() if not its.beside]
        raise stop(WRONG, f"{entity!r} is no kind of record; expected {one_of(entity, known)}")
    order |= {"by": whoever(), "entity": entity, "reason": reason}
    return give(order, config, data_folder)
