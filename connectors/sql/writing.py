"""Writes deliveries into tables by upsert: all in one transaction, each with its own receipt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, exc
from sqlalchemy.dialects import postgresql, sqlite

from connectors.errors import Misconfigured, Refused
from connectors.formats import json_text
from connectors.record import Delivery, Receipt
from connectors.sql.tables import TableOut, known

# both say it in the same words
_INSERT: dict[str, Callable[..., sqlite.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,  # type: ignore[dict-item]
}
_ROW_FAULTS = (exc.IntegrityError, exc.DataError)


def write(
    connection: Connection, outs: Mapping[str, TableOut], deliveries: Sequence[Delivery]
) -> list[Receipt]:
    """A receipt each, good once the transaction is committed. A row that the table does not take
    is refused, the others stand."""
    if connection.dialect.name not in _INSERT:
        raise Misconfigured(
            f"rows are put only into {' and '.join(_INSERT)}, not into {connection.dialect.name}"
        )
    return [_one(connection, outs[one.stream], one) for one in deliveries]


def _one(connection: Connection, out: TableOut, delivery: Delivery) -> Receipt:
    try:
        row = _cells(delivery, out)
        with connection.begin_nested():
            connection.execute(_upsert(connection.dialect.name, out, row))
    except Refused as error:
        return Receipt(id=delivery.id, outcome="refused", detail=str(error))
    except _ROW_FAULTS as error:
        # its words quote the values: only its kind may be told
        kind = type(error.orig).__name__
        return Receipt(id=delivery.id, outcome="refused", detail=f"{out.table}: {kind}")
    native = ",".join(str(row[key]) for key in out.keys)
    return Receipt(id=delivery.id, outcome="delivered", native_id=native)


def _upsert(dialect: str, out: TableOut, row: dict[str, Any]) -> Any:  # noqa: ANN401 - of a dialect
    insert = _INSERT[dialect](known(out.table, out.db_schema, out.columns)).values(row)
    rest = {name: insert.excluded[name] for name in row if name not in out.keys}
    if not rest:
        return insert.on_conflict_do_nothing(index_elements=list(out.keys))
    return insert.on_conflict_do_update(index_elements=list(out.keys), set_=rest)


def _cells(delivery: Delivery, out: TableOut) -> dict[str, Any]:
    values = json_text.read(delivery.body)
    if not isinstance(values, dict):
        raise Refused("the body is no JSON object; expected one member a column")
    surplus = sorted(set(values) - set(out.columns))
    if surplus:
        raise Refused(f"no column is called {', '.join(surplus)}")
    lacking = [key for key in out.keys if values.get(key) is None]
    if lacking:
        raise Refused(f"no value for the key {', '.join(lacking)}")
    nested = [name for name, value in values.items() if isinstance(value, dict | list)]
    if nested:
        raise Refused(f"{', '.join(nested)} is a list or an object; a cell holds one value")
    return values
