"""Deliveries said one after the other: what becomes of each, and when the rest must wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.http_policy import NoAnswer
from connectors.record import Delivery, Receipt


def deliver(
    deliveries: Sequence[Delivery],
    say: Callable[[Delivery], Receipt],
    why: Callable[[Refused], str] = str,
) -> list[Receipt]:
    """One receipt each, in order. After the first that could not be said or whose outcome is
    unknown, the rest waits: order matters more than speed. Raises TryLater or Misconfigured
    when nothing was sent. `why` tells a refusal."""
    receipts: list[Receipt] = []
    for delivery in deliveries:
        try:
            receipts.append(say(delivery))
        except Refused as error:
            receipts.append(Receipt(id=delivery.id, outcome="refused", detail=why(error)))
        except NoAnswer as error:
            receipts.append(Receipt(id=delivery.id, outcome="unknown", detail=str(error)))
            return receipts + waiting(deliveries[len(receipts) :], error)
        except (TryLater, Misconfigured) as error:
            if not receipts:
                raise
            return receipts + waiting(deliveries[len(receipts) :], error)
    return receipts


def waiting(rest: Sequence[Delivery], error: ConnectorError) -> list[Receipt]:
    """The receipts of what had to wait because of `error`."""
    after = error.after if isinstance(error, TryLater) else 0.0
    answered = isinstance(error, TryLater) and error.answered
    return [
        Receipt(
            id=delivery.id,
            outcome="later",
            detail=str(error),
            retry_after=after,
            answered=answered,
        )
        for delivery in rest
    ]
