"""`demo`: the hub beside a made-up institution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crohub.commands.ending import Json


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the days and end.")] = False,
    days: Annotated[int, typer.Option(min=1, max=365, help="How many days with --once.")] = 30,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the API and the pages.")] = 8080,
    pace: Annotated[float, typer.Option(min=1, help="Seconds that a day takes.")] = 60.0,
    data_folder: Annotated[
        Path | None, typer.Option("--data", help="Where it keeps things; default run/demo.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the hub with a made-up institution that speaks the real protocols to it."""
    from crohub.demo import live
    from crohub.demo import once as play

    if once:
        play(data_folder, days=days, as_json=as_json)
    else:
        live(data_folder or Path("run/demo"), port=port, pace=pace)
