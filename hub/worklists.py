"""What waits for a person: findings about the data, and questions to decide."""

from __future__ import annotations

from collections.abc import Sequence

from hub.changes import seen_ids
from hub.clock import now
from hub.database import Row
from hub.decisions import COLUMNS, shown
from hub.grants import is_restricted
from hub.model.spec import entities
from hub.principal import READ, Forbidden, Principal
from hub.query import BadQuery
from hub.reader import Reader
from hub.render import Record, moment
from hub.repository import Page
from hub.sql import Clause

_FINDING = (
    "id, rule, entity, entity_id, field, place, found, expected, seq, opened_at, closed_at, owner"
)
_DAY = 86_400_000_000  # microseconds


def findings(
    reader: Reader,
    principal: Principal,
    *,
    rule: str = "",
    entity: str = "",
    is_open: bool | None = True,
    after: str = "",
    limit: int = 100,
) -> Page:
    """Findings by the time they were opened. `is_open` None: closed ones too. Of records outside
    the principal's grants nothing is shown, so that a page may be shorter than its limit."""
    principal.must(READ)
    clauses = [Clause("id > ?", [after])] if after else []
    clauses += [Clause("rule = ?", [rule])] if rule else []
    clauses += [Clause("entity = ?", [entity])] if entity else []
    if is_open is not None:
        clauses.append(Clause(f"closed_at is {'' if is_open else 'not '}null"))
    rows = _rows(reader, f"select {_FINDING} from finding", clauses, limit)
    seen = _seen(reader, principal, rows[:limit])
    items = [_finding(row) for row in rows[:limit] if row[0] in seen]
    return Page(items, rows[limit - 1][0] if len(rows) > limit else None)


def decisions(
    reader: Reader,
    principal: Principal,
    *,
    kind: str = "",
    state: str = "",
    after: str = "",
    limit: int = 100,
) -> Page:
    """Decisions by the time they were asked for. Raises Forbidden for a principal who is confined
    to some studies: a question may be about records of others."""
    principal.must(READ)
    if is_restricted(principal):
        raise Forbidden(f"{principal.name} may see some studies only, decisions span all")
    clauses = [Clause("id > ?", [after])] if after else []
    clauses += [Clause("kind = ?", [kind])] if kind else []
    clauses += [Clause("state = ?", [state])] if state else []
    rows = _rows(reader, f"select {COLUMNS} from decision", clauses, limit)
    return Page(
        [shown(row) for row in rows[:limit]],
        rows[limit - 1][0] if len(rows) > limit else None,
    )


def _rows(reader: Reader, sql: str, clauses: Sequence[Clause], limit: int) -> list[Row]:
    where = " and ".join(clause.sql for clause in clauses)
    values = [value for clause in clauses for value in clause.values]
    if any("\0" in value for value in values):
        raise BadQuery("CROHUB-BAD-VALUE", "a filter holds a character that no record has")
    sql += f" where {where}" if where else ""
    return reader.session.all(f"{sql} order by id limit ?", (*values, limit + 1))


def _seen(reader: Reader, principal: Principal, rows: Sequence[Row]) -> set[str]:
    if not is_restricted(principal):
        return {row[0] for row in rows}
    by_entity: dict[str, dict[str, list[str]]] = {}
    for one, _, entity, entity_id, *_ in rows:
        if entity_id:
            by_entity.setdefault(entity, {}).setdefault(entity_id, []).append(one)
    seen: set[str] = set()
    for entity, own in by_entity.items():
        for entity_id in seen_ids(reader, principal, entities()[entity], sorted(own)):
            seen.update(own[entity_id])
    return seen


def _finding(row: Row) -> Record:
    one, rule, entity, entity_id, field, place, found, expected, seq, opened, closed, owner = row
    return {
        "id": one, "rule": rule, "entity": entity, "entity_id": entity_id, "field": field,
        "place": place, "found": found, "expected": expected, "message": seq,
        "opened_at": moment(opened), "closed_at": moment(closed) if closed else None,
        "owner": owner, "state": "closed" if closed else "open",
        "age_days": ((closed or now()) - opened) // _DAY,
    }  # fmt: skip
