"""A table as lines of JSON: one object a row, in the order of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from hub.tabular.column import Column, Rows, together


def written(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """The rows; no header, since each line names its values."""
    names = [column.name for column in columns]
    return together(
        orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
        for row in rows
    )
