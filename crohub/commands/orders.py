"""`replay`, `discard`, `pause`, `drain`, `resume`: orders, given through the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, said, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from crohub.lookup import Found
    from crohub.node import Node
    from hub.database import Session

_PATIENCE = 60.0  # seconds a replay is waited for
_LARGEST = 1 << 62  # a message's number
Reason = Annotated[str, typer.Option(help="Why, for the audit.", callback=said)]


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(replay)
    app.command()(discard)
    app.command()(pause)
    app.command()(drain)
    app.command()(resume)


def replay(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", min=1, max=_LARGEST)] = None,
    state: Annotated[str, typer.Option(help="All in this state: parked, held …")] = "",
    connection: Annotated[str, typer.Option(help="Only of this connection.")] = "",
    pipeline: Annotated[str, typer.Option(help="Only read by this pipeline.")] = "",
    since: Annotated[str, typer.Option(help="Only received since, ISO 8601 with offset.")] = "",
    present: Annotated[
        bool, typer.Option("--present", help="Under the present mappings and configuration.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only show what would be.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the audit; --yes asks for it.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Settle messages again: without --yes only a preview. Quiet: nothing is sent out twice."""
    from crohub import lookup, replaying
    from crohub.node import reach, whoever

    if not ids and not (state or connection or pipeline or since):
        raise stop(WRONG, "say which: ids, --state, --connection, --pipeline or --since")
    if yes and not reason.strip():
        raise stop(WRONG, "--yes needs --reason: it enters the audit")
    if state and state not in lookup.ALL_STATES:
        raise stop(WRONG, f"{state!r} is no state; expected one of {', '.join(lookup.ALL_STATES)}")
    wanted = lookup.Wanted(
        state=state, connection=connection, pipeline=pipeline, since=_instant(since)
    )
    with reach(config, data_folder, exists=True) as node:
        session = lookup.reading(node.places)
        try:
            found = replaying.chosen(session, node.keyring, wanted, ids or ())
            answer = replaying.summary(found) | {"done": False}
            lines = _told(answer, found)
            if missing := replaying.left_out(session, found, ids or ()):
                answer["left_out"] = missing
                say("\n".join([*missing, "nothing is done about that"]))
            if yes and found:
                number = _present(node) if present else None
                sent = list(
                    replaying.orders(found, session, by=whoever(), reason=reason, revision=number)
                )
                answer["done"] = node.order(*sent, seconds=_PATIENCE)
                lines = _did(answer, found, session)
        finally:
            session.close()
    data(answer, as_json=as_json, lines=lines)
    if not found:
        raise stop(FAILED, "there is nothing to settle again")
    if not yes:
        say("nothing was done; --yes does it")


def _did(answer: dict[str, object], found: list[Found], session: Session) -> list[str]:
    """What a replay has done; `now` of the answer gets the states the messages are in."""
    from contextlib import nullcontext

    from crohub import replaying

    if not answer["done"]:
        return [f"{len(found)} messages will be settled again: ordered; the hub comes to it"]
    seqs = [one.seq for one in found]
    again = replaying.became(lambda: nullcontext(session), seqs, seconds=_PATIENCE)
    answer["now"] = replaying.states(again)
    return [
        f"{len(found)} messages settled again, and now: {_counted(answer['now'])}",
        *_listed([one for one in again if one.state != "done"]),
    ]


def _present(node: Node) -> int:
    """The number of the configuration as it is now; it must be sound. Raises MappingErrors."""
    from crohub import checking
    from pipelines import revision

    checking.sound(node.deployment.folder)
    journal = node.places.journal()
    try:
        return revision.enter(journal, node.deployment.folder)
    finally:
        journal.close()


def _told(answer: dict[str, object], found: list[Found]) -> list[str]:
    return [f"{answer['messages']} messages: {_counted(answer['states'])}", *_listed(found)]


def _counted(states: object) -> str:
    assert isinstance(states, dict)  # noqa: S101 - for the types
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"


def _listed(found: list[Found]) -> list[str]:
    lines = [f"  {one.seq}  {one.connection}  {one.state}  {one.reason}" for one in found[:20]]
    return lines + ([f"  … and {len(found) - 20} more"] if len(found) > 20 else [])


def _instant(text: str) -> int:
    from datetime import datetime

    from hub.clock import micros

    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise stop(WRONG, f"{text!r} is no instant; expected e.g. 2026-03-01T08:30:00+01:00")
    return micros(moment)


def discard(
    ids: Annotated[
        list[int],
        typer.Argument(metavar="ID...", min=1, max=_LARGEST, help="Parked messages."),
    ],
    reason: Reason,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Set parked messages aside for good; they stay in the journal."""
    from crohub import discarding, lookup
    from crohub.node import reach, whoever

    with reach(config, data_folder, exists=True) as node:
        session = lookup.reading(node.places)
        try:
            if unfit := discarding.unfit(session, ids):
                raise stop(FAILED, "\n".join([*unfit, "nothing was done; see `crohub messages`"]))
            done = node.order(discarding.order(ids, by=whoever(), reason=reason))
            count = discarding.count(session, ids)
        finally:
            session.close()
    told = f"{count} set aside" if done else f"{len(set(ids))} ordered; the hub comes to it"
    answer = {"messages": ids, "set_aside": count, "done": done}
    data(answer, as_json=as_json, lines=[told])


Name = Annotated[str, typer.Argument(metavar="CONNECTION")]


def pause(
    connection: Name, reason: Reason, config: Config = HERE, data_folder: Data = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Stop a connection: nothing is taken in or sent until it is resumed."""
    _gate("pause", connection, reason, config, data_folder, as_json=as_json)


def drain(
    connection: Name, reason: Reason, config: Config = HERE, data_folder: Data = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Take nothing new in from a connection; what came is settled."""
    _gate("drain", connection, reason, config, data_folder, as_json=as_json)


def resume(
    connection: Name, reason: Reason, config: Config = HERE, data_folder: Data = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Let a paused or drained connection go on."""
    _gate("resume", connection, reason, config, data_folder, as_json=as_json)


def _gate(
    do: str, connection: str, reason: str, config: Config, data_folder: Data, *, as_json: bool
) -> None:
    from crohub.node import reach, whoever
    from mappings.mistakes import one_of

    with reach(config, data_folder) as node:
        if connection not in node.deployment.connections:
            wanted = one_of(connection, node.deployment.connections)
            raise stop(WRONG, f"no connection is called {connection!r}; expected {wanted}")
        done = node.order({"do": do, "by": whoever(), "object": connection, "reason": reason})
    state = {"pause": "paused", "drain": "draining", "resume": "running"}[do]
    told = f"{connection}: {state}" if done else f"{connection}: ordered; the hub comes to it"
    data({"connection": connection, "state": state, "done": done}, as_json=as_json, lines=[told])
