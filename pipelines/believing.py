"""Orders about what is believed: a person's own word, its end, and another policy.

`override` (a field, its value, until when), `lift` (that no more), `recompute` (some records by
the present policy), `recomputed` (all of an entity have been), `assign` (a finding's owner) and
`sign off` (what a check found is accepted as it is).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from hub import believed, decisions, recompute
from hub.checks import keeping
from hub.context import Context
from hub.joining import CannotDo, Word
from hub.override import Override, lift, override

Order = dict[str, Any]
Told = dict[str, Any]
KIND = "override"


def _override(context: Context, order: Order, word: Word) -> Told:
    """Who gives the order has decided; the value stands in the assertion alone, since it may be
    personal."""
    given = Override(
        entity=order["entity"], id=order["id"], field=order["field"], value=order["value"]
    )
    override(context, given, word)
    one = decisions.propose(
        context.session,
        digest=hashlib.sha256(f"{KIND}|{word.seq}".encode()).digest()[:16],
        kind=KIND,
        evidence={"message": word.seq},
        proposal={"entity": given.entity, "id": given.id, "field": given.field},
        at=word.at,
        expires_at=order.get("until"),
    )
    decisions.decide(
        context.session, one, "accepted", by=order["by"], at=word.at, reason=order["reason"]
    )
    return {"decision": one, "id": given.id, "field": given.field}


def _lift(context: Context, order: Order, word: Word) -> Told:
    """Ends an override by the id of its decision."""
    row = context.session.one(
        "select evidence from decision where id = ? and kind = ? and state = 'accepted'",
        (order["object"], KIND),
    )
    if row is None:
        raise CannotDo(f"no override {order['object']} is in force")
    lift(context, orjson.loads(row[0])["message"], word)
    context.session.run("update decision set state = 'expired' where id = ?", (order["object"],))
    return {}


def _recompute(context: Context, order: Order, word: Word) -> Told:
    _must_be(context, order)
    made = recompute.recompute(context, order["entity"], order["ids"], seq=word.seq, at=word.at)
    return {"records": len(order["ids"]), "versions": made}


def _recomputed(context: Context, order: Order, word: Word) -> Told:
    _must_be(context, order)
    recompute.finish(context, order["entity"])
    return {}


def _assign(context: Context, order: Order, word: Word) -> Told:
    """A finding is somebody's."""
    sql = "update finding set owner = ? where id = ?"
    if not context.session.run(sql, (order["owner"], order["object"])):
        raise CannotDo(f"there is no finding {order['object']}")
    return {}


def _sign_off(context: Context, order: Order, word: Word) -> Told:
    """What a check found is accepted as it is."""
    found = keeping.sign_off(
        context.session, order["object"], by=order["by"], reason=order["reason"],
        until=order.get("until", ""), at=word.at,
    )  # fmt: skip
    if not found:
        raise CannotDo(f"no check has an open finding {order['object']}")
    return {"found": found}


def _must_be(context: Context, order: Order) -> None:
    """A running hub reads its policy when it starts."""
    if order["policy"] != believed.digest(context.policy, order["entity"]):
        raise CannotDo("the hub has another policy in service: restart it with the new one first")


ORDERS: Mapping[str, Callable[[Context, Order, Word], Told]] = MappingProxyType(
    {
        "override": _override,
        "lift": _lift,
        "recompute": _recompute,
        "recomputed": _recomputed,
        "assign": _assign,
        "sign off": _sign_off,
    }
)


def ended(now: int) -> tuple[str, tuple[Any, ...]]:
    """The query for the overrides whose time is over at `now`."""
    sql = (
        "select id from decision where kind = ? and state = 'accepted' and expires_at <= ? "
        "order by id limit 1000"
    )
    return sql, (KIND, now)
