"""Writes deliveries into a folder as tables, each file whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.errors import Misconfigured, Refused
from connectors.files.folder import Folder, trouble
from connectors.files.stream import Delimiter
from connectors.formats import json_text, table_text, tables
from connectors.record import Delivery, Receipt

_ID_LIMIT = 120  # characters of a file name that an id may take


def _a_name(pattern: str) -> str:
    rest = pattern.replace("{stream}", "").replace("{id}", "", 1)
    if "{id}" not in pattern or any(c in rest for c in "/\\{}") or pattern[0] in ".-":
        raise ValueError("expected a file name with {id} in it, and {stream} where wanted")
    return pattern


class TableOut(BaseModel):
    """How the deliveries of one stream become files.

    A file is named by the first delivery in it: the same deliveries again are the same file.
    Where batches may be cut differently when repeated, `per: delivery` gives each its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = Field(min_length=1)
    name: Annotated[str, AfterValidator(_a_name)] = "{stream}-{id}.csv"
    per: Literal["batch", "delivery"] = "batch"
    delimiter: Delimiter = ","
    totals: str = ""  # "TRL": a last line with this, the number of rows and their SHA-256


def push(
    folder: Folder, outs: dict[str, TableOut], deliveries: Sequence[Delivery], where: str
) -> list[Receipt]:
    """Writes the deliveries; one receipt each, in their order.

    A body is a JSON object of column names and values, or one row with its header. One that is
    neither, or has a column the file lacks, is refused; the others are written. Raises TryLater
    or Misconfigured only when nothing was written.
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
            receipts |= _written(folder, outs[batch[0].stream], batch)
        except OSError as error:
            if not any(r.outcome == "delivered" for r in receipts.values()):
                raise trouble(error, where) from error
            reason = error.strerror or str(error)
            receipts |= {d.id: Receipt(id=d.id, outcome="later", detail=reason) for d in batch}
    return [receipts[delivery.id] for delivery in deliveries]


def _batches(outs: dict[str, TableOut], deliveries: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """The deliveries of each file; one that is given twice goes in once."""
    for stream in dict.fromkeys(d.stream for d in deliveries):
        once = list({d.id: d for d in deliveries if d.stream == stream}.values())
        if outs[stream].per == "batch":
            yield once
        else:
            yield from ([delivery] for delivery in once)


def _written(folder: Folder, out: TableOut, batch: list[Delivery]) -> dict[str, Receipt]:
    rows: dict[str, list[Any]] = {}
    receipts: dict[str, Receipt] = {}
    for delivery in batch:
        try:
            rows[delivery.id] = _cells(delivery, out.columns)
        except Refused as error:
            receipts[delivery.id] = Receipt(id=delivery.id, outcome="refused", detail=str(error))
    if not rows:
        return receipts
    name = out.name.format(stream=batch[0].stream, id=_in_a_name(next(iter(rows))))
    table = table_text.written(
        out.columns, rows.values(), delimiter=out.delimiter, totals=out.totals
    )
    folder.put(name, table)
    return receipts | {
        known: Receipt(id=known, outcome="delivered", native_id=f"{name}#{row}")
        for row, known in enumerate(rows, 1)
    }


def _cells(delivery: Delivery, columns: tuple[str, ...]) -> list[Any]:
    if delivery.media.startswith(tables.MEDIA):
        values: Any = tables.read_row(delivery.body, delivery.media)
    else:
        values = json_text.read(delivery.body)
    if not isinstance(values, dict):
        raise Refused("the body is no JSON object; expected one member a column")
    surplus = sorted(set(values) - set(columns))
    if surplus:
        raise Refused(f"no column is called {', '.join(surplus)}")
    nested = [name for name, value in values.items() if isinstance(value, dict | list)]
    if nested:
        raise Refused(f"{', '.join(nested)} is a list or an object; a cell holds one value")
    return [values.get(column) for column in columns]


def _in_a_name(id: str) -> str:
    """`id` as part of a file name; two ids never become one."""
    name = quote(id, safe="")
    if len(name) > _ID_LIMIT:
        return hashlib.sha256(id.encode()).hexdigest()
    return name
