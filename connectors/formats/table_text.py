"""A table as it goes out: RFC 4180, UTF-8, with no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from io import StringIO
from typing import Any

_RUNS = ("=", "+", "-", "@", "\t", "\r")
_PLAIN = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_LONGEST = 20  # characters of a number that is summed
_ADD = Context(prec=60).add  # exact for as many rows as a file may have
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def safe(value: Any) -> str:  # noqa: ANN401 - JSON
    """`value` as a cell. What a spreadsheet would take for a formula gets a leading `'`;
    numbers are left alone. null is empty, booleans are `true` and `false`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text.startswith(_RUNS) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def number(value: Any) -> Decimal:  # noqa: ANN401 - JSON
    """What a cell counts for in a sum: nothing is 0. Raises ValueError for what is no number."""
    if value is None or value == "":
        return Decimal(0)
    text = str(value)
    if isinstance(value, bool) or len(text) > _LONGEST or not _PLAIN.fullmatch(text):
        raise ValueError("no number")
    return Decimal(text)


def written(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    delimiter: str = ",",
    totals: str = "",
    sums: Sequence[str] = (),
) -> bytes:
    """Header and rows, lines ended by CR LF.

    With `totals` a last line says `totals`, the number of rows, the sum of each column in `sums`
    and the SHA-256 of every byte before it, so that the reader can tell a whole file from part of
    one. The columns of `sums` hold numbers or nothing (`number`).
    """
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([safe(name) for name in columns])
    count, places = 0, [columns.index(name) for name in sums]
    added = [Decimal(0) for _ in places]
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
        count += 1
        added = [_ADD(so_far, number(row[at])) for so_far, at in zip(added, places, strict=True)]
    body = text.getvalue().encode()
    if not totals:
        return body
    said = [str(count), *(f"{one:f}" for one in added), hashlib.sha256(body).hexdigest()]
    line = delimiter.join([safe(totals), *said])
    return body + line.encode() + b"\r\n"
