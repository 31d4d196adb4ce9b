"""A page of records as of another day, in the order of their ids."""

from __future__ import annotations

from collections.abc import Sequence

from hub import cursors
from hub.enrich import add_labels
from hub.grants import visible
from hub.history import Asked, then_all
from hub.meets import meets
from hub.model.spec import EntitySpec
from hub.principal import READ, Principal
from hub.query import BadQuery, Condition, Position, Query
from hub.reader import Reader
from hub.render import Record
from hub.repository import Page, holds
from hub.sql import Clause, after

_AT_ONCE = 500  # records that are worked out together
_LOOKED_AT = 5_000  # of one page: a filter that few meet gives a short page and where to go on


def page_of_past(
    reader: Reader, principal: Principal, spec: EntitySpec, query: Query, asked: Asked
) -> Page:
    """The records that met every condition then. A page may be shorter than its limit, even
    empty, and still have a next one. Identifiers and grants are those of today.

    Raises BadQuery for another order than by id and for what cannot be included.
    """
    principal.must(READ)
    _refuse(spec, query)
    items: list[Record] = []
    position, left = query.after, _LOOKED_AT
    while left > 0:
        ids = _ids(reader, principal, spec, query, position)
        for record in then_all(reader, spec, ids, asked):
            if all(_holds(spec, one, record) for one in query.conditions):
                items.append(record)
            position = Position(None, record["id"])
            if len(items) == query.limit:
                return _page(reader, principal, spec, query, items, position)
        if len(ids) < _AT_ONCE:
            return _page(reader, principal, spec, query, items, None)
        position, left = Position(None, ids[-1]), left - len(ids)
    return _page(reader, principal, spec, query, items, position)


def _refuse(spec: EntitySpec, query: Query) -> None:
    if query.order.name != "id" or query.order.descending:
        raise BadQuery("CROHUB-UNKNOWN-SORT", "a list of the past is in the order of ids")
    if query.view.provenance or query.view.include - {"labels"}:
        raise BadQuery(
            "CROHUB-UNKNOWN-INCLUDE",
            "a list of the past includes labels only; ask record by record",
        )
    columns = {field.column for field in spec.fields.values()}
    if any(one.column not in columns for one in query.conditions):
        raise BadQuery(
            "CROHUB-UNKNOWN-PARAMETER",
            f"a list of the past is filtered by: {', '.join(spec.fields)}",
        )


def _ids(
    reader: Reader,
    principal: Principal,
    spec: EntitySpec,
    query: Query,
    position: Position | None,
) -> list[str]:
    dialect = reader.session.dialect
    clauses = [*visible(principal, spec, dialect), Clause("e.superseded_by is null")]
    clauses += [holds(reader, principal, spec, sought) for sought in query.identifiers]
    if position:
        clauses.append(after(query.order, position, dialect))
    rows = reader.session.all(
        f"select e.id from {spec.table.name} e where {' and '.join(c.sql for c in clauses)} "
        f"order by e.id limit {_AT_ONCE}",
        [value for clause in clauses for value in clause.values],
    )
    return [row[0] for row in rows]


def _holds(spec: EntitySpec, one: Condition, record: Record) -> bool:
    field = next(field for field in spec.fields.values() if field.column == one.column)
    value = record[field.name]
    return meets(one, value["id"] if type(value) is dict else value)


def _page(
    reader: Reader,
    principal: Principal,
    spec: EntitySpec,
    query: Query,
    items: Sequence[Record],
    position: Position | None,
) -> Page:
    wanted = query.view.fields
    shown = [
        {n: v for n, v in one.items() if not wanted or n in wanted or n == "id"} for one in items
    ]
    if "labels" in query.view.include:
        add_labels(reader, principal, shown)
    return Page(shown, cursors.write(query.order, position) if position else None)
