"""Reads a page of a view: for whom, of which studies, as of when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub import clock, cursors, feeds
from hub.database import Row, Session
from hub.history import Asked as Clocks
from hub.principal import READ, Forbidden, Principal
from hub.query import Position
from hub.reader import Reader
from hub.render import Record
from hub.sql import Clause, after, condition, members, ordered, sorted_by
from hub.views import limit, past
from hub.views.asked import UNIT, Asked
from hub.views.place import Place, present
from hub.views.scope import begin
from hub.views.view import Column, View

_MOST_STUDIES = 1000  # that one name may mean
Grants = Sequence[tuple[str, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A page: `next` is where to go on, None behind the last row. `as_of`: the moment the rows
    are of. `freshness`: the systems that speak of them, and when each was last settled. `summed`:
    until when the sums among them tell of everything."""

    items: list[Record]
    next: str | None
    as_of: str
    freshness: Mapping[str, str | None]
    summed: str


def page(
    reader: Reader,
    principal: Principal,
    view: View,
    asked: Asked,
    *,
    now: str = "",
    seconds: float = limit.LONGEST,
) -> Answer:
    """A page of a view, in the asked order; `now`: the moment it is, "": this one. Raises Forbidden
    for a view of the whole institution and a caller who may see a part of it only, and BadQuery
    for what would take longer than `seconds`."""
    with place_of(reader, principal, view, asked, now) as place:
        sql, values = statement(place, principal, view, asked)
        with limit.within(place.session, seconds, ", ".join(("study", *view.narrowed_by))):
            rows = place.session.all(f"{sql} limit ?", (*values, asked.limit + 1))
    fresh = freshness(reader.session, view)
    shown = rows[: asked.limit]
    items = [record(view, asked, row, principal, place.now, fresh) for row in shown]
    following = None
    if len(rows) > asked.limit:
        following = cursors.write(asked.order, Position(shown[-1][-1], shown[-1][0]))
    kept = view.name, *_SUMS
    summed = place.summed if any(f" {name} " in sql for name in kept) else ""
    return Answer(items, following, place.now, fresh, summed)


_SUMS = ("study_sum", "accrual_sum", "enrollment_sum")


@contextmanager
def place_of(
    reader: Reader, principal: Principal, view: View, asked: Asked, now: str
) -> Iterator[Place]:
    """Where the view is read: the store, or the past that was asked for."""
    principal.must(READ)
    now = now or clock.iso(clock.now())
    scope = _scope(reader.session, principal, asked)
    if asked.clocks == Clocks():
        yield present(reader.session, scope, now)
        return
    with past.then(reader, view, asked.clocks, scope) as place:
        yield place


def freshness(session: Session, view: View) -> dict[str, str | None]:
    """When something of each system that speaks of a view's records was last settled."""
    heard = feeds.heard(session, view.entities)
    return {system: clock.iso(at) if at else None for system, at in heard.items()}


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


def _granted(principal: Principal, view: View) -> Grants:
    found: list[tuple[str, frozenset[str]]] = []
    for column, granted in (("study_id", principal.studies), ("study_site_id", principal.sites)):
        if granted is None:
            continue
        if not view.has(column):
            raise Forbidden(f"{principal.name} may see a part only, {view.name} is of the whole")
        found.append((column, granted))
    return found


def statement(
    place: Place, principal: Principal, view: View, asked: Asked
) -> tuple[str, list[Any]]:
    """The SQL of a question without its limit, and its values."""
    dialect = place.session.dialect
    clauses = [condition(one, dialect) for one in asked.conditions]
    for column, granted in _granted(principal, view):
        test, value = members(dialect, sorted(granted))
        clauses.append(Clause(f"e.{column} {test}", [value]))
    if asked.after:
        clauses.append(after(asked.order, asked.after, dialect))
    head, values = begin(dialect, place.scope, place.now)
    where = " and ".join(clause.sql for clause in clauses) or "1 = 1"
    columns = ", ".join(f"e.{one.name}" for one in view.columns)
    sql = (
        f"with {head} select e.id, {columns}, {sorted_by(asked.order, dialect)} "
        f"from {_source(place, view)} e where {where} "
        f"order by {_ordered(place, view, asked)}"
    )
    return sql, [*values, *(value for clause in clauses for value in clause.values)]


def _ordered(place: Place, view: View, asked: Asked) -> str:
    """The `order by`. Of rows that are few, PostgreSQL must not look for the first in the index of
    all: it cannot know how few there are."""
    by, dialect = ordered(asked.order, place.session.dialect), place.session.dialect
    few = place.scope is not None or {c.column for c in asked.conditions} & set(view.narrowed_by)
    if few and dialect == "postgresql" and asked.order.name == "id":
        return by.replace("e.id", "(e.id || '')")
    return by


def _source(place: Place, view: View) -> str:
    """Where the rows come from: kept, or worked out now."""
    if not (place.kept and view.kept):
        return f"({view.sql(place.words)})"
    if not place.words.narrowed:
        return view.name
    return f"(select * from {view.name} where {place.words.of('study_id')})"


def record(
    view: View,
    asked: Asked,
    row: Row,
    principal: Principal,
    now: str,
    fresh: Mapping[str, str | None],
) -> Record:
    """A row as it is answered: the columns, the moment it is of, and how old each source is."""
    made: Record = {"id": row[0]}
    for one, value in zip(view.columns, row[1:-1], strict=True):
        if not asked.fields or one.name in asked.fields:
            made[one.name] = _shown(one, value) if _allowed(one, principal) else None
    for name, about in (("as_of", now), ("freshness", fresh)):
        if not asked.fields or name in asked.fields:
            made[name] = about
    return made


def _allowed(column: Column, principal: Principal) -> bool:
    return not column.scope or principal.may(column.scope)


def _shown(column: Column, value: Any) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return None
    if column.kind == "money":
        return str((Decimal(value) / UNIT).quantize(Decimal("0.01")))
    if column.kind == "flag":
        return bool(value)
    return value
