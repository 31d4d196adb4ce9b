"""`export`: a study as a file that other systems read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crohub.node import Node
    from hub.principal import Principal
    from hub.reader import Reader

export = typer.Typer(help="Give a study to other systems.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.add_typer(export, name="export")


@export.callback()
def _family() -> None:
    """Give a study to other systems."""


@export.command()
def study(
    which: Annotated[str, typer.Argument(metavar="STUDY", help="Its number, title or id.")],
    form: Annotated[str, typer.Option("--as", help="odm (ODM 1.3.2) or usdm (USDM 4.0).")],
    to: Annotated[
        Path | None, typer.Option(help="A new file to write it to; without: stdout.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Write a study's definition, and as ODM where its subjects stand. Nothing personal of a
    participant, and never the arm."""
    from crohub.exports.study import FORMS
    from crohub.node import reach

    if form not in FORMS:
        raise stop(WRONG, f"{form!r} is no form; expected {' or '.join(FORMS)}")
    if to is None and as_json:
        raise stop(WRONG, "--json tells of a file: expected --to FILE beside it")
    if to is not None and to.exists():
        raise stop(WRONG, f"{to} is there already; expected a new name")
    with reach(config, data_folder, exists=True) as node:
        size = _write(node, which, form, to, reason)
    if to is not None:
        data({"file": str(to), "bytes": size}, as_json=as_json, lines=[f"{size} bytes in {to}"])


def _write(node: Node, which: str, form: str, to: Path | None, reason: str) -> int:
    from contextlib import closing
    from datetime import UTC, datetime

    from crohub import lookup
    from crohub.exports.study import pieces
    from crohub.fhir.codes import Codes
    from hub.principal import READ, Principal
    from hub.reader import Reader
    from mappings.deployed import codes_of
    from pipelines import settling

    who = Principal(name="cli", scopes=frozenset({READ}), purpose=reason)
    with closing(lookup.reading(node.places)) as session:
        reader = Reader(session, node.keyring, _unseen, settling.policy_of(node.deployment))
        one = _meant(reader, who, which)
        codes = Codes(codes_of(node.deployment.folder))
        found = pieces(reader, who, codes, one, form, datetime.now(UTC))
        if found is None:
            raise stop(FAILED, f"there is no study {which}")
        _enter(node, one, form, reason)
        if to is None:
            return sum(sys.stdout.buffer.write(piece) for piece in found)
        with to.open("xb") as stream:
            return sum(stream.write(piece) for piece in found)


def _unseen(entity: str, ids: Sequence[str], who: Principal) -> None:
    raise AssertionError(f"{entity}: an export opens nothing that is sealed")


def _meant(reader: Reader, who: Principal, which: str) -> str:
    from crohub import why
    from hub.model.spec import entities

    spec = entities()["Study"]
    found = why.find(reader, who, spec, which)
    if not found:
        raise stop(FAILED, "no study is known by that name or number")
    if len(found) > 1:
        say("\n".join(why.apart(reader, who, spec, found)))
        raise stop(FAILED, f"{len(found)} studies are meant; say which by its id")
    return found[0]


def _enter(node: Node, one: str, form: str, reason: str) -> None:
    from crohub.node import whoever

    order = {
        "do": "exported", "by": whoever(), "object": "study exported", "reason": reason,
        "detail": {"format": form, "id": one},
    }  # fmt: skip
    if not node.order(order, seconds=60.0):
        raise stop(FAILED, "the hub has not come to enter the export in the audit; try again")
