"""`findings`: what is odd about the data, and who should act."""

from __future__ import annotations

from typing import Annotated

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, each, said, say, stop
from crohub.commands.install import HERE, Config, Data

findings = typer.Typer(no_args_is_help=True, help="What is odd about the data, and whose it is.")
_COLUMNS = ("id", "rule", "entity", "field", "found", "owner", "age_days", "state")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.add_typer(findings, name="findings")


@findings.command("list")
def list_(
    rule: Annotated[str, typer.Option(help="Only of this rule.")] = "",
    entity: Annotated[str, typer.Option(help="Only about this kind of record.")] = "",
    closed: Annotated[
        bool, typer.Option("--closed", help="Those that are closed or signed off, too.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """List findings, oldest first: a finding closes by itself when the data are right again."""
    from crohub.node import reach
    from hub import worklists
    from hub.principal import SYSTEM
    from hub.reader import Reader

    with reach(config, data_folder, exists=True) as node:
        session = node.places.hub(read_only=node.places.embedded)
        try:
            page = worklists.findings(
                Reader(session, node.keyring, lambda *_: None), SYSTEM,
                rule=rule, entity=entity, state="" if closed else "open", limit=limit,
            )  # fmt: skip
        finally:
            session.close()
    each(page.items, as_json=as_json, columns=_COLUMNS)
    if page.next:
        say(f"there are more; --limit shows up to 1000 (now {limit})")


@findings.command()
def assign(
    finding: Annotated[str, typer.Argument(metavar="ID")],
    owner: Annotated[str, typer.Argument(help="Who should act.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit.", callback=said)],
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Say who should act on a finding."""
    from crohub.node import reach, whoever

    if not owner.strip() or len(owner) > 200:
        raise stop(WRONG, "expected who should act, in at most 200 characters")
    with reach(config, data_folder, exists=True) as node:
        hub = node.places.hub(read_only=node.places.embedded)
        try:
            known = hub.one("select 1 from finding where id = ?", (finding,))
        finally:
            hub.close()
        if known is None:
            raise stop(FAILED, f"there is no finding {finding}; `crohub findings list` has them")
        order = {"do": "assign", "by": whoever(), "object": finding, "owner": owner.strip(),
                 "reason": reason, "detail": {"owner": owner.strip()}}  # fmt: skip
        done = node.order(order)
    told = f"{owner} should act" if done else "ordered; the hub comes to it"
    data({"finding": finding, "owner": owner.strip(), "done": done}, as_json=as_json, lines=[told])


@findings.command("sign-off")
def sign_off(
    finding: Annotated[str, typer.Argument(metavar="ID")],
    reason: Annotated[str, typer.Option(help="Why it is accepted as it is.", callback=said)],
    until: Annotated[
        str, typer.Option(help="The last day it is accepted, 2026-12-31; for good without.")
    ] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Accept what a check found, as it is: nobody has to act until systems say something else of
    it, or until its day is over."""
    from crohub.commands.giving import give
    from crohub.node import whoever
    from hub.dates import is_date

    if until and not (len(until) == 10 and is_date(until)):
        raise stop(WRONG, "--until: expected a day, 2026-12-31")
    order = {
        "do": "sign off", "by": whoever(), "object": finding, "reason": reason, "until": until,
        "detail": {"until": until},
    }  # fmt: skip
    told = give(order, config, data_folder)
    line = f"signed off{f' until {until}' if until else ''}: {told['found']}"
    data({"finding": finding, "until": until or None}, as_json=as_json, lines=[line])
