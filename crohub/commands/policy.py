"""`policy`: what another survivorship would change, and working the records out by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from crohub.commands.ending import FAILED, Json, data, said, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from crohub.policing import Change

_PATIENCE = 600.0  # seconds that working out is waited for
policy = typer.Typer(no_args_is_help=True, help="Who is believed: policies/survivorship.yaml.")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.add_typer(policy, name="policy")


@policy.command()
def diff(config: Config = HERE, data_folder: Data = None, as_json: Json = False) -> None:
    """Show what the policy in the configuration changes in the records, and change nothing."""
    from crohub import policing
    from crohub.node import reach

    with reach(config, data_folder, exists=True) as node, policing.reading(node) as context:
        changes = policing.diff(context)
    data([one.plain() for one in changes], as_json=as_json, lines=_told(changes))
    if not changes and not as_json:
        say("the records stand by this policy")


@policy.command("apply")
def apply_(
    reason: Annotated[str, typer.Option(help="Why, for the audit.", callback=said)],
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Work the records out by the policy in the configuration. A running hub must have it in
    service: it reads its policy when it starts."""
    from crohub import policing
    from crohub.node import reach, whoever
    from hub import believed

    with reach(config, data_folder, exists=True) as node:
        with policing.reading(node) as context:
            sent = list(policing.orders(context, by=whoever(), reason=reason))
        done = node.order(*sent, seconds=_PATIENCE) if sent else True
        with policing.reading(node) as context:
            left = sorted(believed.stale(context.session, context.policy))
    records = sum(len(one.get("ids", ())) for one in sent)
    entities = sorted({one["entity"] for one in sent})
    answer = {"records": records, "entities": entities, "done": done and not left}
    if done and left:
        raise stop(
            FAILED,
            f"the hub has another policy in service for {', '.join(left)}: restart it with this "
            "configuration, then try again",
        )
    told = "worked out again" if done else "ordered; the hub comes to it"
    data(answer, as_json=as_json, lines=[f"{records} records of {len(entities)} kinds {told}"])


def _told(changes: list[Change]) -> list[str]:
    lines = []
    for one in changes:
        lines.append(f"{one.entity}.{one.field}  changes in {one.records} records")
        for d in one.examples:
            by = f" (by {d.by})" if d.by else ""
            lines.append(f"  {d.label or d.id}  {d.before} → {d.after}{by}")
        if one.records > len(one.examples):
            lines.append(f"  … and {one.records - len(one.examples)} more")
    return lines
