"""Reads a page of a view: for whom, of which studies, as of when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from hub import clock, cursors
from hub.database import Row, Session
from hub.principal import READ, Forbidden, Principal
from hub.query import Position
from hub.reader import Reader
from hub.render import Record
from hub.sql import Clause, after, condition, members, ordered, sorted_by
from hub.views.asked import UNIT, Asked
from hub.views.view import Column, View
from hub.views.words import Words

_MOST_STUDIES = 1000  # that one name may mean


@dataclass(frozen=True, slots=True)
class Answer:
    """A page: `next` is where to go on, None behind the last row. `as_of` is the moment the rows
    are of."""

    items: list[Record]
    next: str | None
    as_of: str


def page(
    reader: Reader, principal: Principal, view: View, asked: Asked, *, now: str = ""
) -> Answer:
    """A page of a view, in the asked order; `now`: the moment it is, "": this one. Raises Forbidden
    for a view of the whole institution and a caller who may see a part of it only."""
    principal.must(READ)
    now = now or clock.iso(clock.now())
    grants = _granted(principal, view)
    scope = _scope(reader.session, principal, asked)
    rows = _rows(reader.session, view, asked, scope, grants, now)
    shown = [one for one in view.columns if not asked.fields or one.name in asked.fields]
    kept = rows[: asked.limit]
    items = [_record(view, shown, row, principal) for row in kept]
    following = None
    if len(rows) > asked.limit:
        following = cursors.write(asked.order, Position(kept[-1][-1], kept[-1][0]))
    return Answer(items, following, now)


def _scope(session: Session, principal: Principal, asked: Asked) -> list[str] | None:
    """The studies that are read at all; None: every one."""
    if not asked.study:
        return None if principal.studies is None else sorted(principal.studies)
    found = studies_named(session, asked.study)
    if principal.studies is not None:
        found = [one for one in found if one in principal.studies]
    return found


def studies_named(session: Session, name: str) -> list[str]:
    """The studies that people call so: by id, the institution's or the sponsor's number, acronym
    or title."""
    columns = ("id", "local_protocol_no", "sponsor_protocol_no", "acronym", "title")
    rows = session.all(
        "select id from study where superseded_by is null and "
        f"({' or '.join(f'{one} = ?' for one in columns)}) limit ?",
        (*(name for _ in columns), _MOST_STUDIES),
    )
    return [row[0] for row in rows]


def _granted(principal: Principal, view: View) -> list[tuple[str, frozenset[str]]]:
    found = []
    for column, granted in (("study_id", principal.studies), ("study_site_id", principal.sites)):
        if granted is None:
            continue
        if not view.has(column):
            raise Forbidden(f"{principal.name} may see a part only, {view.name} is of the whole")
        found.append((column, granted))
    return found


def _rows(
    session: Session,
    view: View,
    asked: Asked,
    scope: Sequence[str] | None,
    grants: Iterable[tuple[str, frozenset[str]]],
    now: str,
) -> list[Row]:
    dialect = session.dialect
    words = Words(dialect=dialect, narrowed=scope is not None)
    clauses = [condition(one, dialect) for one in asked.conditions]
    for column, granted in grants:
        test, value = members(dialect, sorted(granted))
        clauses.append(Clause(f"e.{column} {test}", [value]))
    if asked.after:
        clauses.append(after(asked.order, asked.after, dialect))
    begin, values = _begin(words, scope, now)
    where = " and ".join(clause.sql for clause in clauses) or "1 = 1"
    columns = ", ".join(f"e.{one.name}" for one in view.columns)
    sql = (
        f"with {begin} select e.id, {columns}, {sorted_by(asked.order, dialect)} "
        f"from ({view.sql(words)}) e where {where} "
        f"order by {ordered(asked.order, dialect)} limit ?"
    )
    values += [value for clause in clauses for value in clause.values]
    return session.all(sql, (*values, asked.limit + 1))


def _begin(words: Words, scope: Sequence[str] | None, now: str) -> tuple[str, list[Any]]:
    """What a view's SQL may refer to: the day and the moment, and the studies asked for."""
    first = "clock(today, moment) as (select cast(? as text), cast(? as bigint))"
    values: list[Any] = [now[:10], clock.micros(datetime.fromisoformat(now))]
    if scope is None:
        return first, values
    if words.dialect == "sqlite":
        ids, given = "select value from json_each(?)", orjson.dumps(list(scope)).decode()
        return f"{first}, scope(id) as ({ids})", [*values, given]
    return f"{first}, scope(id) as (select unnest(cast(? as text[])))", [*values, list(scope)]


def _record(view: View, shown: Sequence[Column], row: Row, principal: Principal) -> Record:
    cells = dict(zip((one.name for one in view.columns), row[1:-1], strict=True))
    made: Record = {"id": row[0]}
    for one in shown:
        allowed = not one.scope or principal.may(one.scope)
        made[one.name] = _shown(one, cells[one.name]) if allowed else None
    return made


def _shown(column: Column, value: Any) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return None
    if column.kind == "money":
        return str((Decimal(value) / UNIT).quantize(Decimal("0.01")))
    if column.kind == "flag":
        return bool(value)
    return value
