"""`key`: who may call the API."""

from __future__ import annotations

from typing import Annotated

import typer

from crohub.commands.ending import WRONG, Json, data, each, said, say, stop
from crohub.commands.install import HERE, Config, Data

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
    made = keys.make(name, scopes, now=clock.now(), days=days)
    with reach(config, data_folder) as node:
        order = {
            "do": "key", "by": whoever(), "object": name, "key": made.row, "reason": reason,
            "detail": {"id": made.row["id"], "scopes": list(scopes), "days": days},
        }  # fmt: skip
        done = node.order(order)
    answer = {"id": made.row["id"], "name": name, "scopes": scopes, "key": made.text, "valid": done}
    data(answer, as_json=as_json, lines=[made.text])
    say("keep it now: it is not shown again" + ("" if done else "; it is valid in a moment"))


@key.command("list")
def list_(config: Config = HERE, data_folder: Data = None, as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    from crohub.node import reach
    from hub.clock import iso

    with reach(config, data_folder, exists=True) as node:
        session = node.places.hub(read_only=node.places.embedded)
        try:
            rows = session.all(
                "select id, name, scopes, made_at, expires_at, revoked_at from api_key "
                "order by made_at"
            )
        finally:
            session.close()
    each(
        (
            {
                "id": row[0], "name": row[1], "scopes": row[2], "made_at": iso(row[3]),
                "expires_at": iso(row[4]), "revoked_at": iso(row[5]) if row[5] else None,
            }
            for row in rows
        ),
        as_json=as_json,
        columns=("id", "name", "scopes", "expires_at", "revoked_at"),
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
