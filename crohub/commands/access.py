"""`key`: who may call the API."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from crohub.commands.ending import WRONG, Json, data, each, said, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crohub.confining import Confinement
    from crohub.node import Node
    from hub.reader import Reader

key = typer.Typer(no_args_is_help=True, help="Keys of the API.")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.add_typer(key, name="key")


@key.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit.", callback=said)],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="records.read, records.write, phi.read, unblinded.read, ops.write, admin; "
            "repeatable."
        ),
    ] = None,
    study: Annotated[
        list[str] | None,
        typer.Option(help="Only of this study: what people call it; repeatable."),
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(help="Only of this site: its number or institution; repeatable."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it lives.")] = 90,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    from crohub.node import reach, whoever
    from hub import clock, keys
    from hub.principal import ALL, READ

    scopes = tuple(scope or (READ,))
    if unknown := set(scopes) - set(ALL):
        raise stop(WRONG, f"no such scope: {', '.join(sorted(unknown))}; known: {', '.join(ALL)}")
    confined = bool(study or site)
    with reach(config, data_folder, exists=confined) as node:
        to = _confinement(node, study or [], site or [])
        try:
            made = keys.make(
                name, scopes, now=clock.now(), days=days, studies=to.studies, sites=to.sites
            )
        except ValueError as wrong:
            raise stop(WRONG, str(wrong)) from None
        order = {
            "do": "key", "by": whoever(), "object": name, "key": made.row, "reason": reason,
            "detail": {"id": made.row["id"], "scopes": list(scopes), "days": days, **to.plain()},
        }  # fmt: skip
        done = node.order(order)
    answer = {
        "id": made.row["id"], "name": name, "scopes": scopes, **to.plain(), "key": made.text,
        "valid": done,
    }  # fmt: skip
    if confined:
        say(f"it opens {to.said()} only")
    data(answer, as_json=as_json, lines=[made.text])
    say("keep it now: it is not shown again" + ("" if done else "; it is valid in a moment"))


@key.command("list")
def list_(config: Config = HERE, data_folder: Data = None, as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    from crohub.confining import known
    from crohub.node import reach
    from hub import keys
    from hub.clock import iso

    with reach(config, data_folder, exists=True) as node, _reading(node) as reader:
        rows = reader.session.all(
            "select id, name, scopes, made_at, expires_at, revoked_at, studies, sites "
            "from api_key order by made_at"
        )
        found = [(row, known(reader, keys.read(row[6]), keys.read(row[7]))) for row in rows]
    each(
        (
            {
                "id": row[0], "name": row[1], "scopes": row[2], "made_at": iso(row[3]),
                "expires_at": iso(row[4]), "revoked_at": iso(row[5]) if row[5] else None,
                "confined_to": to.said(), **to.plain(),
            }
            for row, to in found
        ),
        as_json=as_json,
        columns=("id", "name", "scopes", "confined_to", "expires_at", "revoked_at"),
    )  # fmt: skip


@key.command()
def revoke(
    one: Annotated[str, typer.Argument(metavar="ID_OR_NAME")],
    reason: Annotated[str, typer.Option(help="Why, for the audit.", callback=said)],
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """From now on this key opens nothing."""
    from crohub.node import reach, whoever

    with reach(config, data_folder, exists=True) as node:
        session = node.places.hub(read_only=node.places.embedded)
        try:
            known = session.one("select 1 from api_key where id = ? or name = ?", (one, one))
        finally:
            session.close()
        if known is None:
            raise stop(WRONG, f"no key has the id or name {one!r}; `crohub key list` shows them")
        done = node.order({"do": "revoke", "by": whoever(), "object": one, "reason": reason})
    data({"revoked": one, "done": done}, as_json=as_json, lines=[f"{one} opens nothing any more"])


def _confinement(node: Node, studies: list[str], sites: list[str]) -> Confinement:
    from crohub.confining import Confinement, Unknown, confinement

    if not studies and not sites:
        return Confinement()
    try:
        with _reading(node) as reader:
            return confinement(reader, studies, sites)
    except Unknown as wrong:
        raise stop(WRONG, str(wrong)) from None


@contextmanager
def _reading(node: Node) -> Iterator[Reader]:
    from hub.reader import Reader

    session = node.places.hub(read_only=node.places.embedded)
    try:
        yield Reader(session, node.keyring, lambda *_: None)
    finally:
        session.close()
