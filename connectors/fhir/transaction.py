"""Several writes as one Bundle: all of them are done, or none (FHIR http §3.2.0.11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import orjson

from connectors.errors import Refused
from connectors.fhir import bundle
from connectors.fhir.write import Place, Write, native_id
from connectors.formats import json_text
from connectors.http import Ask
from connectors.http_policy import Answer, NoAnswer
from connectors.record import Delivery, Receipt

_LATER = frozenset({408, 409, 412, 425, 429})
_CONDITIONS = (("ifMatch", "if_match"), ("ifNoneExist", "none_exist"))


def say(place: Place, deliveries: Sequence[Delivery], writes: Sequence[Write]) -> list[Receipt]:
    """One receipt each. Raises Refused when the server takes none, NoAnswer when it does not say
    what became of each."""
    entries = [_entry(place.base, *one) for one in zip(deliveries, writes, strict=True)]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = place.http.ask(
        Ask(
            url=place.base,
            method="POST",
            headers={
                **place.headers,
                "Content-Type": "application/fhir+json",
                "Prefer": "return=minimal",
                "X-Request-Id": deliveries[0].id,
            },
            body=orjson.dumps(body),
            repeatable=True,
        )
    )
    return _receipts(answer, deliveries)


def _entry(base: str, delivery: Delivery, write: Write) -> dict[str, Any]:
    """A body that is no JSON would be an answer about all of them, so it is looked at here."""
    json_text.read(write.body)
    query = f"?{urlencode(write.query)}" if write.query else ""
    request = {"method": write.method, "url": f"{write.path}{query}"}
    request |= {name: getattr(write, own) for name, own in _CONDITIONS if getattr(write, own)}
    # others of the Bundle may refer to it by this name; the same delivery always has the same
    name = delivery.target.get("full_url") or f"urn:uuid:{uuid5(NAMESPACE_URL, base + delivery.id)}"
    return {"fullUrl": name, "resource": orjson.Fragment(write.body), "request": request}


def _receipts(answer: Answer, deliveries: Sequence[Delivery]) -> list[Receipt]:
    try:
        entries = bundle.read(answer.body).entries
    except Refused:
        entries = ()
    if len(entries) != len(deliveries):
        raise NoAnswer(f"{answer.told}: the answer does not tell what became of each")
    return [_receipt(*one) for one in zip(deliveries, entries, strict=True)]


def _receipt(delivery: Delivery, entry: bundle.Entry) -> Receipt:
    """A server that is not all-or-nothing, although it must be, tells of each by its status."""
    status = str(entry.response.get("status", ""))[:3]
    kind = delivery.target["type"]
    return Receipt(
        id=delivery.id,
        outcome=_outcome(int(status)) if status.isdecimal() else "unknown",
        detail=f"HTTP {status} in a transaction" if status.isdecimal() else "no status",
        native_id=native_id(str(entry.response.get("location", "")), kind)
        or delivery.target.get("id", ""),
    )


def _outcome(status: int) -> Literal["delivered", "refused", "later"]:
    if 200 <= status < 300:
        return "delivered"
    return "later" if status in _LATER or status >= 500 else "refused"
