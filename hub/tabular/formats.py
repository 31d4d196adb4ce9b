"""The forms in which a table goes out, by the name that a caller asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hub.tabular import csv_text, ndjson, parquet, workbook
from hub.tabular.column import Column, Rows


@dataclass(frozen=True, slots=True)
class Format:
    """`written` gives the bytes piece by piece; it reads the rows as it goes. `nested`: whether a
    value may be an object, as in an answer of the API."""

    name: str
    media: str
    written: Callable[[Sequence[Column], Rows], Iterator[bytes]]
    nested: bool = False


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        made.name: made
        for made in (
            Format("ndjson", "application/x-ndjson", ndjson.written, nested=True),
            Format("csv", "text/csv; charset=utf-8", csv_text.written),
            Format("parquet", "application/vnd.apache.parquet", parquet.written),
            Format(
                "xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                workbook.written,
            ),
        )
    }
)
