"""Tells a FHIR server of something, so that telling it twice leaves one thing there.

How each is addressed: `connectors.fhir.write`. Deliveries in a row whose target has the same
`together` are one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.fhir import transaction
from connectors.fhir.write import (
    Current,
    Place,
    Write,
    native_id,
    plan,
    plan_over,
    read,
    says_already,
)
from connectors.http import Ask
from connectors.http_policy import NoAnswer, StatusRefused
from connectors.record import Delivery, Receipt

_CONFLICTS = frozenset({409, 412})


def deliver(place: Place, deliveries: Sequence[Delivery], stale: set[str]) -> list[Receipt]:
    """One receipt each, in order. After the first that could not be said or whose outcome is
    unknown, the rest waits: order matters more than speed. Raises TryLater or Misconfigured
    when nothing was sent.

    `stale` are the deliveries that built on a version which is not the newest any more. They are
    told later, and then laid over what the server has by then.
    """
    receipts: list[Receipt] = []
    for group in _groups(deliveries):
        try:
            receipts += _say(place, group, stale)
        except Refused as error:
            receipts += [_receipt(one, "refused", _of(group, error)) for one in group]
        except NoAnswer as error:
            receipts += [_receipt(one, "unknown", str(error)) for one in group]
            return receipts + _waiting(deliveries[len(receipts) :], error)
        except (TryLater, Misconfigured) as error:
            if not receipts:
                raise
            return receipts + _waiting(deliveries[len(receipts) :], error)
        behind = next((one for one in receipts if one.outcome in ("later", "unknown")), None)
        if behind:
            return receipts + _waiting(deliveries[len(receipts) :], Refused(behind.detail))
    return receipts


def _groups(deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """What belongs together; all others alone."""
    for name, found in groupby(deliveries, key=lambda one: one.target.get("together", "")):
        group = list(found)
        yield from ([group] if name else [[one] for one in group])


def _say(place: Place, group: Sequence[Delivery], stale: set[str]) -> list[Receipt]:
    plans = [_planned(place, one, stale) for one in group]
    writes = [write for write in plans if write]
    if not writes:
        return [_receipt(one, "delivered", "the server says so already") for one in group]
    try:
        if len(group) == 1:
            receipts = [_send(place, group[0], writes[0])]
        else:
            # what is said already goes along: others may refer to it
            every = [write or plan(one) for one, write in zip(group, plans, strict=True)]
            receipts = transaction.say(place, group, every)
    except StatusRefused as error:
        if error.status not in _CONFLICTS:
            raise
        return _reread(place, group, stale, error)
    stale.difference_update(one.id for one in group)
    stale.update(one.id for one in receipts if one.outcome == "later")
    return receipts


def _planned(place: Place, delivery: Delivery, stale: set[str]) -> Write | None:
    """The write of a delivery; None where the server says so already. Raises Refused."""
    write = plan(delivery)
    fresh = delivery.target.get("match") == "read" or delivery.id in stale
    if write.method != "PUT" or not fresh:
        return write
    current = read(place, delivery)
    if current is None:
        return write
    return None if says_already(delivery, current) else plan_over(delivery, current)


def _reread(
    place: Place, group: Sequence[Delivery], stale: set[str], error: StatusRefused
) -> list[Receipt]:
    """After a conflict nothing is sent again before it was looked at: perhaps it had been taken
    and only the answer was lost; else somebody changed it."""
    found = [(one, read(place, one)) for one in group]
    if all(now and _is_done(one, now) for one, now in found):
        return [
            _receipt(one, "delivered", "it had been taken", now.id) for one, now in found if now
        ]
    stale.update(one.id for one in group)
    versions = ", ".join(now.version[:20] if now else "none" for _, now in found)
    why = f"{_of(group, error)}; it has changed since, read again: version {versions}"
    return [Receipt(id=one.id, outcome="later", detail=why, answered=True) for one in group]


def _is_done(delivery: Delivery, current: Current) -> bool:
    """A create wants a thing to be there, an update wants it to say something."""
    return delivery.target["method"] == "create" or says_already(delivery, current)


def _send(place: Place, delivery: Delivery, write: Write) -> Receipt:
    headers = {
        **place.headers,
        "Content-Type": "application/fhir+json",
        "Prefer": "return=minimal",
        "X-Request-Id": delivery.id,
    }
    headers |= {"If-Match": write.if_match} if write.if_match else {}
    headers |= {"If-None-Exist": write.none_exist} if write.none_exist else {}
    answer = place.http.ask(
        Ask(
            url=f"{place.base}/{write.path}",
            method=write.method,
            params=write.query or None,
            headers=headers,
            body=write.body,
            repeatable=True,
        )
    )
    kind, own = delivery.target["type"], write.path.partition("/")[2]
    found = native_id(answer.headers.get("location", ""), kind) or own
    return _receipt(delivery, "delivered", f"HTTP {answer.status}", found)


def _of(group: Sequence[Delivery], error: Refused) -> str:
    return f"the transaction of {len(group)}: {error}" if len(group) > 1 else str(error)


def _receipt(
    delivery: Delivery,
    outcome: Literal["delivered", "refused", "later", "unknown"],
    detail: str,
    id: str = "",
) -> Receipt:
    return Receipt(id=delivery.id, outcome=outcome, detail=detail, native_id=id)


def _waiting(rest: Sequence[Delivery], error: ConnectorError) -> list[Receipt]:
    after = error.after if isinstance(error, TryLater) else 0.0
    return [
        Receipt(id=delivery.id, outcome="later", detail=str(error), retry_after=after)
        for delivery in rest
    ]
