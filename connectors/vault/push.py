"""Tells a vault of something, so that telling it twice leaves one thing there.

`Delivery.target` has `object`: the name of a stream, or an object's API name. Records of an object
are upserted by the external id their body holds, or updated where it holds the vault's own `id`;
up to 500 in a row of one object are one request, and each has a receipt of its own.

For `documents` a body of JSON is a document's metadata, which makes a placeholder; any other body
is its file, whose metadata are the target's other entries (`file_name` names it). A document is
made once: one with the same external id is left as it is.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.formats import json_text
from connectors.http import Ask, Http
from connectors.http_policy import Answer, NoAnswer
from connectors.one_by_one import waiting
from connectors.record import Delivery, Receipt
from connectors.vault import documents
from connectors.vault.answers import LATER, trouble
from connectors.vault.query import DOCUMENTS

_MOST = 500  # rows of one request
_OBJECT = re.compile(r"[a-z][a-z0-9_]*")
_DONE = ("SUCCESS", "WARNING")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A vault that is told something: `names` are its objects' API names by stream."""

    http: Http
    base: str
    headers: Mapping[str, str]
    names: Mapping[str, str]
    id_param: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A delivery understood, or the `fault` that keeps it from being sent. `known`: the vault's
    own id finds the record, else `id` is the external one."""

    delivery: Delivery
    object: str = ""
    known: bool = False
    id: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


def deliver(target: Target, deliveries: Sequence[Delivery]) -> list[Receipt]:
    """One receipt each, in order. After the first request that could not be made or whose outcome
    is unknown, the rest waits: order matters more than speed. Raises TryLater or Misconfigured
    when nothing was sent."""
    receipts: list[Receipt] = []
    groups = deque(_groups([_row(target, one) for one in deliveries]))
    while groups:
        group = groups.popleft()
        try:
            receipts += _said(target, group)
        except Refused as error:
            if len(group) > 1:  # one bad row must not keep the others out
                groups.extendleft([row] for row in reversed(group))
            else:
                receipts.append(
                    Receipt(id=group[0].delivery.id, outcome="refused", detail=str(error))
                )
        except NoAnswer as error:
            receipts += [
                Receipt(id=row.delivery.id, outcome="unknown", detail=str(error)) for row in group
            ]
            return receipts + waiting(deliveries[len(receipts) :], error)
        except (TryLater, Misconfigured) as error:
            if not receipts:
                raise
            return receipts + waiting(deliveries[len(receipts) :], error)
    return receipts


def _row(target: Target, delivery: Delivery) -> _Row:
    try:
        return _understood(target, delivery)
    except Refused as error:
        return _Row(delivery=delivery, fault=str(error))


def _understood(target: Target, delivery: Delivery) -> _Row:
    name = delivery.target.get("object", "")
    name = target.names.get(name, name)
    if not _OBJECT.fullmatch(name):
        raise Refused("the delivery's target names no `object`")
    if name == DOCUMENTS and delivery.media != "application/json":
        fields: Any = documents.metadata(delivery)
    else:
        fields = json_text.read(delivery.body)
    if not isinstance(fields, dict):
        raise Refused(f"the body is {type(fields).__name__}, expected one object of fields")
    own = fields.get("id")
    if own:  # the external id it has there is for others to say
        kept = {one: value for one, value in fields.items() if one != target.id_param}
        return _Row(delivery=delivery, object=name, known=True, id=str(own), fields=kept)
    external = fields.get(target.id_param)
    if not isinstance(external, str) or not external:
        raise Refused(f"neither `id` nor {target.id_param}: saying it twice would make two")
    return _Row(delivery=delivery, object=name, id=external, fields=fields)


def _groups(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """What one request can say: rows of one object, found the same way, each thing once."""
    group: list[_Row] = []
    for row in rows:
        if group and not _fits(group, row):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _fits(group: Sequence[_Row], row: _Row) -> bool:
    first = group[0]
    alike = (row.object, row.known, row.fault) == (first.object, first.known, "")
    again = any(one.id == row.id for one in group)
    return alike and not again and row.object != DOCUMENTS and len(group) < _MOST


def _said(target: Target, group: Sequence[_Row]) -> list[Receipt]:
    first = group[0]
    if first.fault:
        raise Refused(first.fault)
    if first.object != DOCUMENTS:
        return _records(target, group)
    if first.known:
        there = "it is there already"
        return [
            Receipt(id=first.delivery.id, outcome="delivered", detail=there, native_id=first.id)
        ]
    place = documents.Place(http=target.http, base=target.base, headers=target.headers)
    return [documents.create(place, first.delivery, first.fields, target.id_param, first.id)]


def _records(target: Target, group: Sequence[_Row]) -> list[Receipt]:
    first = group[0]
    ask = Ask(
        url=f"{target.base}/vobjects/{first.object}",
        method="PUT" if first.known else "POST",
        params=() if first.known else (("idParam", target.id_param),),
        headers={**target.headers, "Content-Type": "application/json"},
        body=json_text.write([row.fields for row in group]),
        repeatable=True,
    )
    answer = target.http.ask(ask)
    return [
        _receipt(row.delivery, said)
        for row, said in zip(group, _results(answer, len(group)), strict=True)
    ]


def _results(answer: Answer, expected: int) -> list[Mapping[str, Any]]:
    """What became of each row. Raises NoAnswer where the answer does not say."""
    try:
        said = json_text.read(answer.body)
    except Refused as error:
        raise NoAnswer(f"{answer.told}: {error}") from None
    found = said.get("data") if isinstance(said, dict) else None
    rows: list[Mapping[str, Any]] = []
    rows += [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    if len(rows) != expected:
        raise NoAnswer(f"{answer.told}: {len(rows)} results, expected {expected}")
    return rows


def _receipt(delivery: Delivery, said: Mapping[str, Any]) -> Receipt:
    if said.get("responseStatus") in _DONE:
        data = said.get("data")
        native = str(data.get("id", "")) if isinstance(data, dict) else ""
        return Receipt(id=delivery.id, outcome="delivered", native_id=native)
    code, names = trouble(said)
    later = code in LATER or said.get("responseStatus") == "EXCEPTION"
    detail = f"{code} ({names})" if names else code
    return Receipt(
        id=delivery.id,
        outcome="later" if later else "refused",
        detail=detail,
        answered=code == "RACE_CONDITION",
    )
