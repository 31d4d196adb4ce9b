"""A table as RFC 4180 has it, in UTF-8, with no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

from hub.tabular.cells import cell
from hub.tabular.column import Column, Rows, together


def written(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """Header and rows, lines ended by CR LF."""
    return together(_lines([column.name for column in columns], rows))


def _lines(names: Sequence[str], rows: Rows) -> Iterator[bytes]:
    text = StringIO(newline="")
    write = csv.writer(text, lineterminator="\r\n").writerow
    yield _line(text, write, names)
    for row in rows:
        yield _line(text, write, row)


def _line(text: StringIO, write: Any, row: Sequence[Any]) -> bytes:  # noqa: ANN401 - csv's own
    write([cell(value) for value in row])
    line = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return line
