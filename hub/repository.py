"""Reading canonical records: pages, one record, search by identifier. Every read has a principal.

A record that was merged into another is answered with the one it was merged into. A record
outside the principal's grants does not exist for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub import cursors
from hub.database import Row
from hub.enrich import enrich, sealed_type
from hub.grants import visible
from hub.identifiers import token
from hub.identity import find_digest
from hub.model.spec import EntitySpec
from hub.principal import Principal
from hub.query import Position, Query, Sought, View
from hub.reader import Reader
from hub.render import Record, sheet
from hub.sql import Clause, after, condition, members, ordered, sorted_by
from hub.statement import Identifier

_HOPS = 50  # merges of merges that are followed


@dataclass(frozen=True, slots=True)
class Page:
    """Records in the asked order; `next` is where to go on, None behind the last one."""

    items: list[Record]
    next: str | None


def page(reader: Reader, principal: Principal, spec: EntitySpec, query: Query) -> Page:
    """The records of one kind that meet every condition and identifier of `query`.

    While others are added, no record that was there at the first page is missed or comes twice.
    Raises Forbidden without the scope for reading, for a sealed part that is included, and for
    an identifier type that is personal.
    """
    own = sheet(spec.name, query.view.fields)
    rows, following = listed(reader, principal, spec, query, (*own.columns, "provenance"))
    items = own.records(rows)
    if not query.view.plain:
        enrich(reader, principal, spec, query.view, items, [row[-2] for row in rows])
    return Page(items, following)


def listed(
    reader: Reader, principal: Principal, spec: EntitySpec, query: Query, columns: Sequence[str]
) -> tuple[list[Row], str | None]:
    """The rows of a page, `id` the first of `columns` and the sorted value behind them, and the
    cursor that goes on; what `page` says of order and refusal holds here."""
    dialect = reader.session.dialect
    clauses = _clauses(reader, principal, spec, query)
    if query.after:
        clauses.append(after(query.order, query.after, dialect))
    sql = (
        f"select {', '.join(f'e.{c}' for c in columns)}, {sorted_by(query.order, dialect)} "
        f"from {spec.table.name} e where {' and '.join(clause.sql for clause in clauses)} "
        f"order by {ordered(query.order, dialect)} limit ?"
    )
    values = [value for clause in clauses for value in clause.values]
    rows = reader.session.all(sql, (*values, query.limit + 1))
    kept = rows[: query.limit]
    if kept and any(sealed_type(spec, sought.type) for sought in query.identifiers):
        reader.saw(f"{spec.name} by identifier", [row[0] for row in kept], principal)
    if len(rows) <= query.limit:
        return kept, None
    return kept, cursors.write(query.order, Position(kept[-1][-1], kept[-1][0]))


def counted(reader: Reader, principal: Principal, spec: EntitySpec, query: Query) -> int:
    """How many records meet every condition and identifier, wherever a page of them begins. That
    somebody with a personal number is there is told to the audit like the record itself."""
    clauses = _clauses(reader, principal, spec, query)
    values = [value for clause in clauses for value in clause.values]
    where = " and ".join(clause.sql for clause in clauses)
    if any(sealed_type(spec, sought.type) for sought in query.identifiers):
        rows = reader.session.all(f"select e.id from {spec.table.name} e where {where}", values)
        if rows:
            reader.saw(f"{spec.name} by identifier", [one for (one,) in rows], principal)
        return len(rows)
    row = reader.session.one(f"select count(*) from {spec.table.name} e where {where}", values)
    return int(row[0]) if row else 0


def _clauses(reader: Reader, principal: Principal, spec: EntitySpec, query: Query) -> list[Clause]:
    dialect = reader.session.dialect
    clauses = visible(principal, spec, dialect)
    clauses += [holds(reader, principal, spec, sought) for sought in query.identifiers]
    clauses += [condition(one, dialect) for one in query.conditions]
    clauses.append(Clause(f"e.superseded_by is {'not ' if query.superseded else ''}null"))
    return clauses


def get(
    reader: Reader, principal: Principal, spec: EntitySpec, one: str, view: View
) -> Record | None:
    """One record as it is believed now, or None. Its `id` is another one than asked for when the
    record was merged."""
    survivor = current(reader, principal, spec, one)
    if survivor is None:
        return None
    own = sheet(spec.name, view.fields)
    row = reader.session.one(
        f"select {', '.join(own.columns)}, provenance from {spec.table.name} where id = ?",
        (survivor,),
    )
    if row is None:
        return None
    [record] = own.records([row])
    if not view.plain:
        enrich(reader, principal, spec, view, [record], [row[-1]])
    return record


def current(reader: Reader, principal: Principal, spec: EntitySpec, one: str) -> str | None:
    """The id that `one` leads to after all merges, where the principal may see it."""
    clauses = visible(principal, spec, reader.session.dialect)
    for _ in range(_HOPS):
        row = reader.session.one(
            f"select superseded_by from {spec.table.name} where id = ?", (one,)
        )
        if row is None:
            return None
        if row[0] is None:
            break
        one = row[0]
    return one if one in among(reader, spec, [one], clauses) else None


def among(
    reader: Reader, spec: EntitySpec, ids: Sequence[str], clauses: Sequence[Clause]
) -> set[str]:
    """Those of `ids` that meet all clauses."""
    if not clauses:
        return set(ids)
    test, value = members(reader.session.dialect, ids)
    sql = f"select e.id from {spec.table.name} e where e.id {test}"
    sql += "".join(f" and {clause.sql}" for clause in clauses)
    values = [value] + [value for clause in clauses for value in clause.values]
    return {row[0] for row in reader.session.all(sql, values)}


def holds(reader: Reader, principal: Principal, spec: EntitySpec, sought: Sought) -> Clause:
    """That a record has this identifier. To find somebody by a personal number asks for the same
    scope as to read it."""
    if scope := sealed_type(spec, sought.type):
        principal.must(scope)
    found = [find_digest(reader.keyring, spec.name, sought.type, sought.value)]
    exactly = ""
    if sought.assigner is not None:
        text = token(spec.name, Identifier(sought.type, sought.value, sought.assigner))
        exactly = "and i.digest = ? "
        found.append(reader.keyring.digest(text) if text else b"")
    return Clause(
        "e.id in (select r.entity_id from identifier i join xref r on r.x = i.x "
        f"where i.find = ? {exactly}and i.entity = ? and i.type = ?)",
        [*found, spec.name, sought.type],
    )
