"""Tells a FHIR server of something, so that telling it twice leaves one thing there.

`Delivery.target` says how: `method` (create or update), `type`, and `identifier` as
"system|value", by which the server finds what it already has; an update may name the `id`
instead, and the `version` it builds on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.http import Ask, Http
from connectors.http_policy import NoAnswer, StatusRefused
from connectors.record import Delivery, Receipt

_KIND = re.compile(r"[A-Z][A-Za-z]{2,63}")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_CONFLICTS = frozenset({409, 412})


def deliver(
    http: Http, base: str, headers: Mapping[str, str], deliveries: Sequence[Delivery]
) -> list[Receipt]:
    """One receipt each, in order. After the first that could not be said or whose outcome is
    unknown, the rest waits: order matters more than speed. Raises TryLater or Misconfigured
    when nothing was sent."""
    receipts: list[Receipt] = []
    for delivery in deliveries:
        try:
            receipts.append(_say(http, base, headers, delivery))
        except Refused as error:
            receipts.append(Receipt(id=delivery.id, outcome="refused", detail=_why(error)))
        except NoAnswer as error:
            receipts.append(Receipt(id=delivery.id, outcome="unknown", detail=str(error)))
            return receipts + _waiting(deliveries[len(receipts) :], error)
        except (TryLater, Misconfigured) as error:
            if not receipts:
                raise
            return receipts + _waiting(deliveries[len(receipts) :], error)
    return receipts


def _say(http: Http, base: str, headers: Mapping[str, str], delivery: Delivery) -> Receipt:
    target = delivery.target
    method = target.get("method", "")
    if not _KIND.fullmatch(target.get("type", "")):
        raise Refused("the delivery's target names no resource `type`")
    if method not in ("create", "update"):
        raise Refused(f"target method {method!r}, expected create or update")
    ask = _create(base, delivery) if method == "create" else _update(base, delivery)
    common = {
        **headers,
        "Content-Type": "application/fhir+json",
        "Prefer": "return=minimal",
        "X-Request-Id": delivery.id,
    }
    answer = http.ask(
        Ask(
            url=ask.url,
            method=ask.method,
            params=ask.params,
            headers={**common, **ask.headers},
            body=delivery.body,
            repeatable=True,
        )
    )
    place = answer.headers.get("location", "")
    return Receipt(
        id=delivery.id,
        outcome="delivered",
        detail=f"HTTP {answer.status}",
        native_id=_native_id(place, target["type"]) or target.get("id", ""),
    )


def _create(base: str, delivery: Delivery) -> Ask:
    """Conditional create (FHIR http §3.2.0.8.1): nothing happens where it already is."""
    identifier = delivery.target.get("identifier", "")
    if "|" not in identifier:
        raise Refused("a create needs `identifier` as system|value, or saying it twice makes two")
    url = f"{base}/{delivery.target['type']}"
    condition = {"If-None-Exist": urlencode({"identifier": identifier})}
    return Ask(url=url, method="POST", headers=condition)


def _update(base: str, delivery: Delivery) -> Ask:
    """Update by id, else conditional update by identifier (FHIR http §3.2.0.5.1)."""
    target = delivery.target
    url, version = f"{base}/{target['type']}", target.get("version", "")
    headers = {"If-Match": f'W/"{version}"'} if version else {}
    if "id" in target:
        if not _ID.fullmatch(target["id"]):
            raise Refused("target `id` is no FHIR id")
        return Ask(url=f"{url}/{target['id']}", method="PUT", headers=headers)
    identifier = target.get("identifier", "")
    if "|" not in identifier:
        raise Refused("an update needs `id`, or `identifier` as system|value")
    return Ask(url=url, method="PUT", params=(("identifier", identifier),), headers=headers)


def _native_id(location: str, kind: str) -> str:
    """The id in `[base]/Type/id/_history/version`, absolute or not."""
    found = re.search(rf"(?:^|/){kind}/([A-Za-z0-9.\-]{{1,64}})(?:/|$)", location)
    return found[1] if found else ""


def _why(error: Refused) -> str:
    if isinstance(error, StatusRefused) and error.status in _CONFLICTS:
        return f"{error}: several match, or it has changed since; read it again and decide anew"
    return str(error)


def _waiting(rest: Sequence[Delivery], error: ConnectorError) -> list[Receipt]:
    after = error.after if isinstance(error, TryLater) else 0.0
    return [
        Receipt(id=delivery.id, outcome="later", detail=str(error), retry_after=after)
        for delivery in rest
    ]
