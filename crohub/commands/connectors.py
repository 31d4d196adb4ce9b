"""`connectors`: what is installed, and what each can do."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from crohub.commands.ending import Json, data, each

COLUMNS = ("connector", "pulls", "incremental", "deletes", "pushes", "auth", "tested")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(connectors)


def connectors(
    name: Annotated[str, typer.Argument(help="One of them: its settings as a JSON schema.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As a table of a page.")] = False,
    as_json: Json = False,
) -> None:
    """List the installed connectors: what each pulls and pushes, and against what it was tried."""
    from connectors import registry

    if name:
        schema = registry.find(name).model_json_schema()
        data(schema, as_json=as_json, lines=[json.dumps(schema, ensure_ascii=False, indent=2)])
    elif markdown:
        data(None, as_json=False, lines=table())
    else:
        each(rows(), as_json=as_json, columns=COLUMNS)


def rows() -> list[dict[str, Any]]:
    """A row for each installed connector, by name."""
    from connectors import registry

    return [{"connector": name, **asdict(registry.find(name).facts)} for name in registry.names()]


def table() -> list[str]:
    """The rows as a table in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    for row in rows():
        cells = [f"`{row['connector']}`", *(row[column] or "–" for column in COLUMNS[1:])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
