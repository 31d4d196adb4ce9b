"""`serve` and `run`: the hub itself, and one pull by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, say, stop
from crohub.commands.install import HERE, Config, Data


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(serve)
    app.command()(run)


def serve(
    config: Config = HERE,
    data_folder: Data = None,
    host: Annotated[str | None, typer.Option(help="Instead of listen.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Instead of listen.port.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the hub until Ctrl-C (once: drains; twice: stops)."""
    from crohub import checking
    from crohub.options import Options, places_of
    from crohub.serve import serve as begin

    deployment = checking.sound(config)
    for warning in checking.warnings(deployment):
        say(f"warning: {warning}")
    options = Options(config=config, data=data_folder, host=host, port=port)
    places = places_of(options, deployment)

    def started(address: str) -> None:
        data(
            {"address": address, "key_file": str(places.admin_key)},
            as_json=as_json,
            lines=[f"crohub serves {address}", f"the admin key is in {places.admin_key}"],
        )

    begin(options, started=started)


def run(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="An inbound pipeline.")],
    config: Config = HERE,
    data_folder: Data = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the settling.")] = 600.0,
    accept_vanishing: Annotated[
        bool, typer.Option("--accept-vanishing", help="What a whole list misses has gone.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why that is right, for the audit.")] = "",
    as_json: Json = False,
) -> None:
    """Pull a pipeline's stream now, to its end, and have it settled."""
    from crohub import pulling
    from crohub.commands.progress import counting
    from crohub.node import reach

    if accept_vanishing and not reason:
        raise stop(WRONG, "--accept-vanishing needs --reason: it enters the audit")
    with reach(config, data_folder) as node:
        try:
            ran = pulling.run(node, pipeline, accept_vanishing=accept_vanishing)
        except pulling.NotPulled as error:
            raise stop(WRONG, str(error)) from None
        if accept_vanishing:
            node.order(pulling.acceptance(pipeline, reason, ran))
        with counting("settling") as told:
            settled = node.settled(wait, told)
    answer = {
        "pipeline": pipeline, "state": ran.state, "detail": ran.detail, "read": ran.arrival.read,
        "new": ran.arrival.new, "settled": settled,
    }  # fmt: skip
    told_as = (
        f"{pipeline}: {ran.arrival.read} read, {ran.arrival.new} new; {ran.state} {ran.detail}"
    )
    data(answer, as_json=as_json, lines=[told_as.rstrip()])
    if ran.state != "done":
        raise stop(FAILED, f"{pipeline}: {ran.state}: {ran.detail}")
    if not settled:
        say("stored; the running hub is still settling it")
