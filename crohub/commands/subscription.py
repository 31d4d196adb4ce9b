"""`subscription`: who is told of the change feed at an address of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, each, said, say, stop
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from crohub.node import Node
    from hub.database import Session
    from pipelines.subscriptions import Subscription

subscription = typer.Typer(
    no_args_is_help=True, help="Who is told of the change feed at an address of their own."
)
Reason = Annotated[str, typer.Option(help="Why, for the audit.", callback=said)]
Which = Annotated[str, typer.Argument(metavar="ID_OR_NAME")]
_COLUMNS = ("id", "name", "state", "delivered", "refused", "waiting", "behind", "last_error")


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.add_typer(subscription, name="subscription")


@subscription.command("list")
def list_(config: Config = HERE, data_folder: Data = None, as_json: Json = False) -> None:
    """List subscriptions: state, what waits, how far behind the feed, the last error."""
    from crohub import subscribing
    from crohub.node import reach
    from pipelines import subscriptions

    with reach(config, data_folder, exists=True) as node, _reading(node) as session:
        found = [subscribing.shown(session, one) for one in subscriptions.every(session)]
    each(found, as_json=as_json, columns=_COLUMNS)
    if not found:
        say("nobody is told of the feed")


@subscription.command()
def add(
    url: Annotated[str, typer.Argument(help="Where events are posted to.")],
    reason: Reason,
    name: Annotated[str, typer.Option(help="For people.")] = "",
    entity: Annotated[list[str] | None, typer.Option(help="Only this kind; repeatable.")] = None,
    study: Annotated[list[str] | None, typer.Option(help="Only this study's id.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may see beside records.read: phi.read …")
    ] = None,
    since: Annotated[str, typer.Option(help="A cursor of the feed; empty: its beginning.")] = "now",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Have events of the change feed posted to an address. The secret is shown this once."""
    from crohub import subscribing
    from crohub.node import reach, whoever
    from hub import clock
    from hub.principal import ALL, READ, Principal

    scopes = frozenset((READ, *(scope or ())))
    if unknown := scopes - set(ALL):
        raise stop(WRONG, f"no such scope: {', '.join(sorted(unknown))}; known: {', '.join(ALL)}")
    given = {"url": url, "name": name, "since": since}
    given |= {"entity": ",".join(entity or ()), "study": ",".join(study or ())}
    with reach(config, data_folder) as node, _reading(node) as session:
        principal = Principal(name=whoever(), scopes=scopes)
        try:
            made = subscribing.register(
                session, node.deployment, node.keyring, principal, given, clock.now()
            )
        except subscribing.Unfit as error:
            raise stop(WRONG, str(error)) from None
        done = node.order({"by": whoever(), "reason": reason, **subscribing.ordered(made)})
    told = {"id": made.row["id"], "url": made.row["url"], "secret": made.secret, "done": done}
    data(told, as_json=as_json, lines=[made.row["id"], made.secret])
    say("keep the secret now: it is not shown again")


def _change(state: str, one: str, reason: str, config: Config, folder: Data) -> dict[str, Any]:
    from crohub import subscribing
    from crohub.node import whoever

    with _named(config, folder, one) as (node, _, found):
        order = {"by": whoever(), "reason": reason, **subscribing.changed(found, state)}
        return {"id": found.id, "state": state, "done": node.order(order)}


def _changing(state: str, says: str) -> Callable[..., None]:
    def change(
        one: Which, reason: Reason, config: Config = HERE, data_folder: Data = None,
        as_json: Json = False,
    ) -> None:  # fmt: skip
        told = _change(state, one, reason, config, data_folder)
        data(told, as_json=as_json, lines=[f"{one}: {state}"])

    change.__doc__ = says
    return change


subscription.command("pause")(
    _changing("paused", "Tell nothing more until it is resumed; nothing is lost by that.")
)
subscription.command("resume")(
    _changing("on", "Go on where it stood, also one that had answered 410 Gone.")
)
subscription.command("end")(_changing("ended", "End it for good."))


@subscription.command()
def rotate(
    one: Which,
    reason: Reason,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Give it another secret, shown this once; for a day the former one signs as well."""
    from crohub import subscribing
    from crohub.node import whoever
    from hub import clock
    from pipelines import subscriptions

    with _named(config, data_folder, one) as (node, _, found):
        new = subscriptions.renew(node.keyring, found, clock.now())
        order = {"by": whoever(), "reason": reason, **subscribing.renewed(new)}
        told = {"id": found.id, "secret": new.secret, "done": node.order(order)}
    data(told, as_json=as_json, lines=[new.secret])
    say("keep the secret now: it is not shown again")


@subscription.command("test")
def try_out(
    one: Which, config: Config = HERE, data_folder: Data = None, as_json: Json = False
) -> None:
    """Send a test event now and tell what the subscriber answered."""
    from crohub import subscribing
    from hub import clock

    with _named(config, data_folder, one) as (node, _, found):
        told = subscribing.tried(node.deployment, node.keyring, found, clock.now())
    data(told, as_json=as_json, lines=[f"{told['outcome']}: {told['detail']}"])
    if told["outcome"] != "delivered":
        raise stop(FAILED)


@subscription.command()
def redeliver(
    one: Which,
    reason: Reason,
    since: Annotated[
        str | None, typer.Option(help="All behind this cursor; unsaid: what was refused.")
    ] = None,
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Tell again what was refused or, with --since, what lies behind a cursor, at most 10,000."""
    from crohub import subscribing
    from crohub.node import whoever
    from hub.query import BadQuery

    with _named(config, data_folder, one) as (node, _, found):
        try:
            with subscribing.office(node) as office:
                count = subscribing.repeated(office, found, since)
        except BadQuery as error:
            raise stop(WRONG, str(error)) from None
        order = {
            "do": "redeliver", "by": whoever(), "object": found.id, "reason": reason,
            "detail": {"since": since, "events": count},
        }  # fmt: skip
        done = node.order(order)
    told = {"id": found.id, "events": count, "done": done}
    data(told, as_json=as_json, lines=[f"{count} events are told again"])


@contextmanager
def _named(config: Config, folder: Data, one: str) -> Iterator[tuple[Node, Session, Subscription]]:
    from crohub.node import reach
    from pipelines import subscriptions

    with reach(config, folder, exists=True) as node, _reading(node) as session:
        found = subscriptions.find(session, one)
        if found is None:
            raise stop(WRONG, f"no subscription is called {one!r}; `crohub subscription list`")
        yield node, session, found


@contextmanager
def _reading(node: Node) -> Iterator[Session]:
    from crohub import lookup

    session = lookup.reading(node.places)
    try:
        yield session
    finally:
        session.close()
