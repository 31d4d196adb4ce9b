"""`init`, `check`, `doctor`: before and beside running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, say, stop, table

CONFIG = typer.Option(
    "--config", "-c", envvar="CROHUB_CONFIG", help="The deployment's folder, with hub.yaml."
)
DATA = typer.Option("--data", help="Its data folder; default: CROHUB_DATA, else DIR/data.")
Config = Annotated[Path, CONFIG]
Data = Annotated[Path | None, DATA]
HERE = Path("config")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(init)
    app.command()(check)
    app.command()(doctor)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write it.", metavar="DIR")],
    as_json: Json = False,
) -> None:
    """Write a commented starter configuration."""
    from crohub import starter

    try:
        written = starter.write(folder)
    except starter.Occupied as error:
        raise stop(WRONG, str(error)) from None
    data(
        {"folder": str(folder), "files": [str(p.relative_to(folder)) for p in written]},
        as_json=as_json,
        lines=[str(path) for path in written],
    )
    say(f"next: crohub check --config {folder}, then crohub serve --config {folder}")


def check(
    config: Config = HERE,
    connections: Annotated[
        bool, typer.Option("--connections", help="Also ask every system whether it is reachable.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell of every mistake in a deployment at once: file, line, what was expected."""
    from crohub import checking

    found = checking.check(config)
    health = checking.health(found.deployment) if connections and found.deployment else {}
    ill = [name for name, one in health.items() if not one.ok]
    answer = {
        "ok": not found.mistakes and not ill,
        "mistakes": [
            {"file": m.file, "line": m.line, "column": m.column, "found": m.found,
             "expected": m.expected}
            for m in found.mistakes
        ],
        "warnings": list(found.warnings),
        "connections": {
            name: {"ok": one.ok, "detail": one.detail} for name, one in health.items()
        },
    }  # fmt: skip
    lines = [str(mistake) for mistake in found.mistakes]
    lines += [
        f"{name}: {'ok' if one.ok else 'NOT OK'}: {one.detail}" for name, one in health.items()
    ]
    data(answer, as_json=as_json, lines=lines)
    for warning in found.warnings:
        say(f"warning: {warning}")
    if found.mistakes:
        raise stop(WRONG, f"{len(found.mistakes)} mistakes in {config}")
    if ill:
        raise stop(FAILED, f"not reachable: {', '.join(ill)}")
    say(f"{config} is sound: {found.mappings} mappings, {found.cases} cases hold")


def doctor(config: Config = HERE, data_folder: Data = None, as_json: Json = False) -> None:
    """Look at the whole installation: packages, configuration, data folder, databases, ports."""
    from crohub import health

    findings = list(health.examine(config, data_folder))
    rows = [
        {"what": one.what, "ok": "ok" if one.ok else "NOT OK", "detail": one.detail}
        for one in findings
    ]
    data(
        [{**row, "ok": one.ok} for row, one in zip(rows, findings, strict=True)],
        as_json=as_json,
        lines=table(rows, ("ok", "what", "detail")),
    )
    if not all(one.ok for one in findings):
        raise stop(FAILED)
