"""`story`: one study as its people would tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import FAILED, Json, data, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from crohub.node import Node


def add_to(app: typer.Typer) -> None:
    """Adds this family's command."""
    app.command()(story)


def story(
    study: Annotated[str, typer.Argument(help="Its number, title, TYPE|value or id.")],
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Tell a study's story: what each system says of it, what crohub believes and why, what is
    wrong and who should act."""
    from crohub import story as telling
    from crohub.node import reach

    with reach(config, data_folder, exists=True) as node:
        told = _told(node, study)
    data(told, as_json=as_json, lines=telling.lines(told))


def _told(node: Node, name: str) -> dict[str, Any]:
    from datetime import UTC, datetime

    from crohub import lookup
    from crohub import why as naming
    from hub import study_story
    from hub.model.spec import entities
    from hub.principal import SYSTEM
    from hub.provenance import Teller
    from hub.query import BadQuery
    from hub.reader import Reader
    from pipelines import settling

    session = lookup.reading(node.places)
    policy = settling.policy_of(node.deployment)
    try:
        reader = Reader(session, node.keyring, lambda *_: None, policy)
        spec = entities()["Study"]
        found = naming.find(reader, SYSTEM, spec, name)
        if len(found) > 1:
            say("\n".join(naming.apart(reader, SYSTEM, spec, found)))
        if len(found) != 1:
            raise stop(FAILED, f"{len(found) or 'no'} studies are known by that name or number")
        teller = Teller(reader, policy, lambda seqs: lookup.sources(session, seqs))
        told = study_story.tell(teller, SYSTEM, found[0], datetime.now(UTC).date())
    except BadQuery as error:
        raise stop(FAILED, str(error)) from None
    finally:
        session.close()
    if told is None:
        raise stop(FAILED, "there is no such study")
    return told
