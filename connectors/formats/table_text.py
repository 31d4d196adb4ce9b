"""A table as it goes out: RFC 4180, UTF-8, with no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

_RUNS = ("=", "+", "-", "@", "\t", "\r")
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


def written(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    delimiter: str = ",",
    totals: str = "",
) -> bytes:
    """Header and rows, lines ended by CR LF.

    With `totals` a last line says `totals`, the number of rows, and the SHA-256 of every byte
    before it, so that the reader can tell a whole file from part of one.
    """
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([safe(name) for name in columns])
    count = 0
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
        count += 1
    body = text.getvalue().encode()
    if not totals:
        return body
    line = delimiter.join([safe(totals), str(count), hashlib.sha256(body).hexdigest()])
    return body + line.encode() + b"\r\n"
