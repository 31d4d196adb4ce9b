"""`deliveries` and `delivery`: what was said to other systems, would be, or waits."""

from __future__ import annotations

from typing import Annotated

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, each, say, stop
from crohub.commands.install import HERE, Config, Data

_COLUMNS = ("id", "pipeline", "state", "entity", "record", "version", "tries", "detail")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(deliveries)
    app.command()(delivery)


def deliveries(
    pipeline: Annotated[str, typer.Option(help="Of this outbound pipeline.")] = "",
    state: Annotated[str, typer.Option(help="shadow, waiting, approval, refused …")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """List deliveries, newest first: what was sent, what would be in shadow, what waits."""
    from crohub import lookup, told
    from crohub.node import reach

    if state and state not in told.STATES:
        raise stop(WRONG, f"{state!r} is no state; expected one of {', '.join(told.STATES)}")
    with reach(config, data_folder, exists=True) as node:
        known = node.deployment.outbound
        if pipeline and pipeline not in known:
            names = ", ".join(sorted(known)) or "none"
            raise stop(WRONG, f"no outbound pipeline is called {pipeline!r}; expected {names}")
        session = lookup.reading(node.places)
        try:
            chosen = (pipeline,) if pipeline else tuple(known)
            wanted = told.Wanted(pipelines=chosen, state=state, limit=limit)
            found = told.find(session, wanted)
        finally:
            session.close()
    each(found, as_json=as_json, columns=_COLUMNS)
    if not found:
        say("no delivery is like that")


def delivery(
    one: Annotated[str, typer.Argument(metavar="ID", help="Its id.")],
    body: Annotated[
        bool, typer.Option("--body", help="Also what it says; that is entered in the audit.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why you look at the body, for the audit.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Show one delivery and, with --body, what it says or would say."""
    from crohub import lookup, told
    from crohub.node import reach, whoever

    with reach(config, data_folder, exists=True) as node:
        session = lookup.reading(node.places)
        try:
            shown = told.one(session, one)
            if shown is None:
                raise stop(FAILED, f"there is no delivery {one}")
            if body:
                seen = {"do": "saw", "by": whoever(), "object": f"delivery/{one}", "reason": reason}
                node.order(seen)
                said = told.body(session, node.keyring, one)
                shown["body"] = said.body.decode("utf-8", "backslashreplace") if said else ""
        finally:
            session.close()
    plain = {name: value for name, value in shown.items() if name != "body"}
    wide = max(map(len, plain))
    lines = [f"{name.ljust(wide)}  {value}" for name, value in plain.items()]
    if body:
        text = str(shown["body"]).replace("\r", "\n") or "not known yet, or not kept any more"
        lines += ["", *text.splitlines()]
    data(shown, as_json=as_json, lines=lines)
