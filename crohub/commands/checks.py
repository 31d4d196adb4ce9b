"""`checks`: what no single system can see, and what is wrong now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, each, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from crohub.node import Node

checks = typer.Typer(help="What no single system can see, and what is wrong now.")
_COLUMNS = ("number", "name", "open", "signed_off", "on", "title")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.add_typer(checks, name="checks")


@checks.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """List the checks, and how much each has found."""
    if context.invoked_subcommand:
        return
    from crohub.node import reach
    from hub.checks import told
    from hub.principal import SYSTEM
    from hub.reader import Reader

    with reach(config, data_folder, exists=True) as node:
        session = node.places.hub(read_only=node.places.embedded)
        try:
            reader = Reader(session, node.keyring, lambda *_: None)
            found = told.overview(reader, SYSTEM, node.deployment.checks)
        finally:
            session.close()
    each(found, as_json=as_json, columns=_COLUMNS)


@checks.command()
def run(
    name: Annotated[str, typer.Argument(metavar="[CHECK]", help="Only this one.")] = "",
    study: Annotated[str, typer.Option(help="Only of this study: its number or id.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Look now, and tell what is wrong: who says what, since when, who should act. Nothing is
    written: a running hub keeps its own findings."""
    from crohub import looking
    from crohub.node import reach
    from hub.query import BadQuery

    with reach(config, data_folder, exists=True) as node:
        try:
            found = list(looking.found(node, name, _study(node, study)))
        except BadQuery as error:
            raise stop(WRONG, str(error)) from None
    data(found, as_json=as_json, lines=[line for one in found for line in looking.lines(one)])
    say(f"{len(found)} found" if found else "nothing is wrong")


def _study(node: Node, name: str) -> str:
    """The id of the study a person means; "" for all."""
    if not name:
        return ""
    from crohub import lookup
    from crohub import why as telling
    from hub.principal import SYSTEM
    from hub.reader import Reader

    spec: Any = telling.entity("Study")
    session = lookup.reading(node.places)
    try:
        reader = Reader(session, node.keyring, lambda *_: None)
        found = telling.find(reader, SYSTEM, spec, name)
    finally:
        session.close()
    if len(found) != 1:
        raise stop(FAILED, f"{len(found) or 'no'} studies are known by that name or number")
    return str(found[0])
