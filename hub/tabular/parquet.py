"""A table as Parquet, one group of rows after the other, so that its size costs no memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from hub.tabular.column import Column, Rows
from hub.tabular.sink import Sink

_GROUP = 5_000  # rows


def written(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """The rows; what each column holds stands as `kind` in its metadata."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([_field(pa, column) for column in columns])
    sink, waiting = Sink(), iter(rows)
    with parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), schema) as writer:
        while group := list(islice(waiting, _GROUP)):
            cells = zip(*group, strict=True)
            arrays = [
                pa.array(_values(column, values), field.type)
                for column, field, values in zip(columns, schema, cells, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _field(pa: Any, column: Column) -> Any:  # noqa: ANN401 - pyarrow has no types
    types = {
        "integer": pa.int64(), "number": pa.float64(), "flag": pa.bool_(),
        "moment": pa.timestamp("us", tz="UTC"), "texts": pa.list_(pa.string()),
    }  # fmt: skip
    return pa.field(
        column.name, types.get(column.kind, pa.string()), metadata={"kind": column.kind}
    )


def _values(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    if column.kind == "moment":
        return [None if one is None else datetime.fromisoformat(one) for one in values]
    if column.kind == "json":
        return [None if one is None else orjson.dumps(one).decode() for one in values]
    if column.kind == "number":
        return [None if one is None else float(one) for one in values]
    return values
