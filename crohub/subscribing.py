"""Subscriptions to the change feed as people and systems ask for them: made, shown, told again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter, ValidationError

from connectors.address import BaseUrl
from connectors.errors import ConnectorError
from crohub.node import Node
from hub import changes
from hub.api.following import wanted_of
from hub.clock import iso
from hub.database import Session
from hub.principal import READ, Principal
from hub.query import BadQuery
from hub.seal import Keyring
from pipelines import deliveries, event, retelling, settling, subscribers, subscriptions
from pipelines.dispatch import Office, desk_of
from pipelines.settings import Deployment
from pipelines.subscriptions import Made, Subscription
from pipelines.writer import Writer

Json = dict[str, Any]
_URL: TypeAdapter[str] = TypeAdapter(BaseUrl)
_COUNTED = 1_000  # versions behind; more is not counted
_OPEN = "state not in ('delivered', 'refused', 'shadow')"


class Unfit(Exception):
    """What is asked for cannot be; the words say what was expected."""


def register(
    session: Session,
    deployment: Deployment,
    keyring: Keyring,
    principal: Principal,
    said: Mapping[str, str],
    now: int,
) -> Made:
    """A subscription that is still to be ordered. `said`: url, name, entity, study, since.
    Raises Unfit, and Forbidden for who may not read."""
    principal.must(READ)
    if len(subscriptions.every(session)) >= subscriptions.MOST:
        raise Unfit(f"there are {subscriptions.MOST} subscriptions already; end one first")
    try:
        url = _URL.validate_python(said["url"])
        subscribers.reach_of(deployment).check(url)
        wanted = wanted_of({name: said[name] for name in ("entity", "study") if name in said})
        end = changes.head(session)
        since = said.get("since", changes.NOW)
        since = end if since == changes.NOW else since
        if changes.position(since) > changes.position(end):
            raise Unfit("since: lies behind the end of this store")
    except ValidationError as error:
        raise Unfit(f"url: {error.errors()[0]['msg']}") from None
    except (ConnectorError, BadQuery) as error:
        raise Unfit(str(error)) from None
    return subscriptions.make(
        keyring, principal, name=said.get("name") or url, url=url, wanted=wanted, since=since,
        now=now,
    )  # fmt: skip


def ordered(made: Made) -> Json:
    """The order that stores one."""
    row = made.row
    detail = {"id": row["id"], "url": row["url"], "wanted": row["wanted"]}
    return {"do": "subscribe", "object": row["id"], "subscription": row, "detail": detail}


def renewed(made: Made) -> Json:
    """The order that gives one another key."""
    return {"do": "rekey", "object": made.row["id"], "subscription": made.row}


def changed(one: Subscription, state: str) -> Json:
    """The order that pauses, resumes or ends one."""
    detail = {"name": one.name, "state": state}
    return {"do": "subscription", "object": one.id, "state": state, "detail": detail}


def shown(session: Session, one: Subscription, trouble: str = "") -> Json:
    """How one is doing. `session` reads journal and hub; times are ISO 8601, UTC."""
    found: Json = {
        "id": one.id, "name": one.name, "url": one.url, "owner": one.principal.name,
        "entities": sorted(one.wanted.entities), "studies": sorted(one.wanted.studies),
        "state": one.state, "reason": one.reason, "made_at": iso(one.made_at),
    }  # fmt: skip
    return found | _progress(session, one) | {"trouble": trouble}


def _progress(session: Session, one: Subscription) -> Json:
    upto = deliveries.cursor(session, one.pipeline)
    counts = deliveries.counts(session).get(one.pipeline, deliveries.Counts())
    oldest = session.one(
        f"select min(made_at) from delivery where pipeline = ? and {_OPEN}", (one.pipeline,)
    )
    last = session.one(
        "select detail from delivery where pipeline = ? and state <> 'delivered' and tries > 0 "
        "order by made_at desc, turn desc limit 1",
        (one.pipeline,),
    )
    behind = len(changes.feed(session, one.since if upto is None else upto, _COUNTED))
    return {
        "delivered": counts.delivered, "refused": counts.refused, "waiting": counts.waiting,
        "behind": behind, "waits_since": iso(oldest[0]) if oldest and oldest[0] else None,
        "last_error": last[0] if last else "", "cursor": upto or one.since,
    }  # fmt: skip


def tried(deployment: Deployment, keyring: Keyring, one: Subscription, now: int) -> Json:
    """Sends a test event, once, and tells what became of it."""
    target = subscribers.target_of(deployment, keyring, one)
    sent = event.trial(f"test-{now}", now)
    try:
        [receipt] = target.push([sent])
    except ConnectorError as error:
        return {"id": sent.id, "outcome": "later", "detail": str(error)}
    return {"id": sent.id, "outcome": receipt.outcome, "detail": receipt.detail}


def repeated(office: Office, one: Subscription, since: str | None) -> int:
    """Has told again what was refused or, with `since`, all behind that cursor; how many events.
    Raises BadQuery for what is no cursor."""
    with desk_of(office, subscribers.outlet(one)) as desk:
        news = subscribers.again(desk, since)
        if news:
            desk.writer.keep([], [], [retelling.repeat(one.pipeline, news, desk.clock())])
        return len(news)


@contextmanager
def office(node: Node) -> Iterator[Office]:
    """What subscribers are told with, for a command."""
    writer = Writer(node.places.journal, wake=lambda: None, fatal=_give_up)
    writer.start()
    try:
        yield Office(
            places=node.places,
            deployment=node.deployment,
            keyring=node.keyring,
            writer=writer,
            policy=settling.policy_of(node.deployment),
            connector=node.deployment.connector,
            paused=dict,
        )
    finally:
        writer.stop()


def _give_up(_error: Exception) -> None:
    """The command ends with what storing raised."""
