"""`export records`: all records of a kind as a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, stop
from crohub.commands.export import export
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from crohub.node import Node
    from hub.model.spec import EntitySpec
    from hub.query import Query
    from hub.tabular.formats import Format


def add_to(app: typer.Typer) -> None:
    """Adds this family's command to those that export."""
    export.command("records")(records)


def records(
    entity: Annotated[str, typer.Argument(help="Study, Enrollment, or as in addresses: studies.")],
    form: Annotated[str, typer.Option("--as", help="ndjson, csv, parquet or xlsx.")] = "ndjson",
    where: Annotated[
        list[str] | None,
        typer.Option(help="A filter or view as in an address: state=enrolled; repeatable."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="A new file to write it to; without: stdout.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Write all records of a kind as a table, of one moment. What is sealed of them is asked for
    over the API, whose keys have scopes."""
    from crohub.node import reach
    from hub.query import BadQuery
    from hub.tabular.formats import FORMATS

    if form not in FORMATS:
        raise stop(WRONG, f"{form!r} is no form; expected one of {', '.join(FORMATS)}")
    if to is None and as_json:
        raise stop(WRONG, "--json tells of a file: expected --to FILE beside it")
    if to is not None and to.exists():
        raise stop(WRONG, f"{to} is there already; expected a new name")
    spec = _spec(entity)
    try:
        query = _query(spec, where or [])
    except BadQuery as error:
        raise stop(WRONG, str(error)) from None
    with reach(config, data_folder, exists=True) as node:
        size = _write(node, spec, query, FORMATS[form], to, reason)
    if to is not None:
        data({"file": str(to), "bytes": size}, as_json=as_json, lines=[f"{size} bytes in {to}"])


def _spec(entity: str) -> EntitySpec:
    from hub.model.spec import by_plural, entities

    spec = entities().get(entity) or by_plural().get(entity)
    if spec is None or spec.beside:
        known = ", ".join(name for name, one in entities().items() if not one.beside)
        raise stop(WRONG, f"{entity!r} is no kind of record; expected one of {known}")
    return spec


def _query(spec: EntitySpec, where: list[str]) -> Query:
    from hub import filters
    from hub.reader import sealed_parts

    params = [(name, value) for name, _, value in (one.partition("=") for one in where)]
    query = filters.parse(spec, params)
    if sealed := sorted(query.view.include & sealed_parts(spec.name).keys()):
        raise stop(WRONG, f"include={','.join(sealed)} is sealed; expected a request to the API")
    return query


def _write(
    node: Node, spec: EntitySpec, query: Query, form: Format, to: Path | None, reason: str
) -> int:
    from contextlib import closing

    from hub import bulk
    from hub.api.deps import moment
    from hub.principal import READ, Principal
    from hub.reader import Reader
    from pipelines import settling

    who = Principal(name="cli", scopes=frozenset({READ}), purpose=reason)
    _enter(node, spec, form, reason)
    session = node.places.hub(read_only=node.places.embedded)
    with closing(session), moment(session):
        policy = settling.policy_of(node.deployment)
        reader = Reader(session, node.keyring, lambda *_: None, policy)
        head = bulk.columns(spec, query.view, nested=form.nested)
        found = form.written(head, bulk.rows(reader, who, spec, query, nested=form.nested))
        if to is None:
            return sum(sys.stdout.buffer.write(piece) for piece in found)
        with to.open("xb") as stream:
            return sum(stream.write(piece) for piece in found)


def _enter(node: Node, spec: EntitySpec, form: Format, reason: str) -> None:
    from crohub.node import whoever

    order = {
        "do": "exported", "by": whoever(), "object": f"{spec.plural} exported", "reason": reason,
        "detail": {"format": form.name},
    }  # fmt: skip
    if not node.order(order, seconds=60.0):
        raise stop(FAILED, "the hub has not come to enter the export in the audit; try again")
