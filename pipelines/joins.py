"""Orders about records: they are one, they are not, this key is not of that record, these may be
one; and answers to questions, of which some make one record of two. What came of it stands in the
audit's detail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import structlog

from hub import approve, asking, decisions
from hub.approved import accept
from hub.context import Context
from hub.joining import CannotDo, Word, keep_apart, merge, split, unmerge
from hub.matching.pairs import Pairs
from hub.matching.read import subjects
from hub.matching.settings import Bounds, Matching
from hub.model.spec import EntitySpec, entities
from pipelines import admitting, believing

log = structlog.get_logger("commands")
Order = dict[str, Any]
Told = dict[str, Any]


def _owner(order: Order) -> EntitySpec:
    return entities()[order["entity"]]


def _merge(context: Context, order: Order, word: Word) -> Told:
    one, other = order["ids"]
    return {"id": merge(context, _owner(order), one, other, word)}


def _unmerge(context: Context, order: Order, word: Word) -> Told:
    return {"id": order["id"], "from": unmerge(context, _owner(order), order["id"], word)}


def _split(context: Context, order: Order, word: Word) -> Told:
    owner, one = _owner(order), order["id"]
    return {"id": split(context, owner, one, order["system"], order["key"], word), "from": one}


def _decide(context: Context, order: Order, word: Word) -> Told:
    """Answers the open ones of `objects`; the others were answered before."""
    told = {"answered": 0, "left_open": 0}
    named = order.get("objects") or [order["object"]]
    for question in decisions.still_open(context.session, named):
        effect = EFFECTS.get((question.kind, order["state"]))
        try:
            if effect:
                effect(context, question, word)
        except CannotDo as error:
            log.warning("a question stays open", decision=question.id, why=str(error))
            told["left_open"] += 1
            continue
        decisions.decide(
            context.session, question.id, order["state"], by=order["by"], at=word.at,
            reason=order["reason"],
        )  # fmt: skip
        if question.kind == asking.KIND:
            asking.close(context, question.ids, word.at)
        told["answered"] += 1
    return told


def _compare(context: Context, order: Order, word: Word) -> Told:
    """Pairs that were found among all records are weighed: what agrees far enough is asked about,
    as the search would do."""
    entity, bounds = order["entity"], Bounds(review=order["review"])
    matching = Matching(bounds={entity: bounds}, days=order["days"])
    ids = sorted({one for two in order["pairs"] for one in two})
    known = subjects(context.session, context.keyring, entity, ids)
    made = Pairs(context.session, entity, word.at)
    asked = sum(
        made.weigh(known[one], known[other], context.keyring, bounds, matching)
        for one, other in order["pairs"]
        if one in known and other in known
    )
    return {"pairs": len(order["pairs"]), "questions": asked}


def _parted(context: Context, question: decisions.Question, word: Word) -> None:
    unmerge(context, entities()[question.entity], question.proposal["part"], word)


def _joined(context: Context, question: decisions.Question, word: Word) -> None:
    one, other = question.ids
    merge(context, entities()[question.entity], one, other, word)


def _kept_apart(context: Context, question: decisions.Question, word: Word) -> None:
    one, other = question.ids
    keep_apart(context, entities()[question.entity], one, other, word)
    reason = "a person has said that they are two"
    decisions.moot_match(context.session, question.ids, at=word.at, reason=reason)


def _approved(context: Context, question: decisions.Question, word: Word) -> None:
    accept(context, question.id, word)


# what answering a question of a kind does; where it cannot be done the question stays open
EFFECTS: Mapping[tuple[str, str], Callable[[Context, decisions.Question, Word], None]] = (
    MappingProxyType(
        {
            **{(kind, "accepted"): _joined for kind in decisions.JOINING},
            (asking.KIND, "declined"): _kept_apart,
            (asking.SEPARATION, "accepted"): _parted,
            (approve.KIND, "accepted"): _approved,
            (admitting.KIND, "accepted"): admitting.let_in,
            (admitting.KIND, "declined"): admitting.leave_out,
        }
    )
)
ORDERS: Mapping[str, Callable[[Context, Order, Word], Told]] = MappingProxyType(
    {
        "merge": _merge,
        "unmerge": _unmerge,
        "split": _split,
        "decide": _decide,
        "compare": _compare,
        **believing.ORDERS,
    }
)


def obey(context: Context, order: Order, word: Word) -> Told:
    """Does what an order of these says; one that cannot be done changes nothing and says why."""
    try:
        return ORDERS[order["do"]](context, order, word)
    except CannotDo as error:
        return {"refused": str(error)}
