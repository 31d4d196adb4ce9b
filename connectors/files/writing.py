"""Writes deliveries into a folder, each file whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors.errors import Misconfigured, Refused
from connectors.files.folder import Folder, trouble
from connectors.files.outputs import Out
from connectors.record import Delivery, Receipt

_ID_LIMIT = 120  # characters of a file name that an id may take


def _utc() -> datetime:
    return datetime.now(UTC)


def push(
    folder: Folder,
    outs: Mapping[str, Out],
    deliveries: Sequence[Delivery],
    where: str,
    now: Callable[[], datetime] = _utc,
) -> list[Receipt]:
    """Writes the deliveries; one receipt each, in their order.

    A body that its file cannot hold is refused; the others are written. Raises TryLater or
    Misconfigured only when nothing was written.
    """
    unknown = {d.stream for d in deliveries} - set(outs)
    if unknown:
        raise Misconfigured(
            f"{where}: nothing in `out` is called {', '.join(sorted(unknown))}; "
            f"expected one of {', '.join(sorted(outs)) or 'none'}"
        )
    receipts: dict[str, Receipt] = {}
    for batch in _batches(outs, deliveries):
        try:
            receipts |= _written(folder, outs[batch[0].stream], batch, now())
        except OSError as error:
            if not any(r.outcome == "delivered" for r in receipts.values()):
                raise trouble(error, where) from error
            reason = error.strerror or str(error)
            receipts |= {d.id: Receipt(id=d.id, outcome="later", detail=reason) for d in batch}
    return [receipts[delivery.id] for delivery in deliveries]


def _batches(outs: Mapping[str, Out], deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """The deliveries of each file; one that is given twice goes in once."""
    for stream in dict.fromkeys(d.stream for d in deliveries):
        once = list({d.id: d for d in deliveries if d.stream == stream}.values())
        if outs[stream].per == "batch":
            yield once
        else:
            yield from ([delivery] for delivery in once)


def _written(folder: Folder, out: Out, batch: list[Delivery], now: datetime) -> dict[str, Receipt]:
    rows: dict[str, Any] = {}
    receipts: dict[str, Receipt] = {}
    for delivery in batch:
        try:
            rows[delivery.id] = out.read(delivery)
        except Refused as error:
            receipts[delivery.id] = Receipt(id=delivery.id, outcome="refused", detail=str(error))
    if not rows:
        return receipts
    first = next(iter(rows))
    name = out.name.format(stream=batch[0].stream, id=_in_a_name(first))
    folder.put(name, out.written(list(rows.values()), id=first, now=now))
    return receipts | {
        known: Receipt(id=known, outcome="delivered", native_id=f"{name}#{row}")
        for row, known in enumerate(rows, 1)
    }


def _in_a_name(id: str) -> str:
    """`id` as part of a file name; two ids never become one."""
    name = quote(id, safe="")
    if len(name) > _ID_LIMIT:
        return hashlib.sha256(id.encode()).hexdigest()
    return name
