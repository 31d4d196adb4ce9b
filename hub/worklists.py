"""What waits for a person: findings about the data, and questions to decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from hub.changes import seen_ids
from hub.clock import micros, now
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
    "id, rule, entity, entity_id, field, place, found, expected, seq, opened_at, closed_at, owner, "
    "study_id, since, evidence, signed_off_at, signed_off_by, signed_off_reason, signed_off_until"
)
# what a person accepted as it is waits for nobody, until systems say something else of it
STATES = {
    "open": "closed_at is null and signed_off_at is null",
    "signed_off": "closed_at is null and signed_off_at is not null",
    "closed": "closed_at is not null",
}
_DAY = 86_400_000_000  # microseconds
_STUDY = 8  # where the study stands behind the first four columns of _FINDING


def findings(
    reader: Reader,
    principal: Principal,
    *,
    rule: str = "",
    entity: str = "",
    check: str = "",
    study: str = "",
    state: str = "open",
    after: str = "",
    limit: int = 100,
) -> Page:
    """Findings by the time they were opened, of one of STATES or, where that is "", of any; those
    of a `check` by its name, of a study by its id. Of records outside the principal's grants
    nothing is shown, so that a page may be shorter than its limit."""
    principal.must(READ)
    clauses = [Clause("id > ?", [after])] if after else []
    clauses += [Clause("rule = ?", [rule])] if rule else []
    clauses += [Clause("entity = ?", [entity])] if entity else []
    clauses += [Clause("rule like ?", [f"check.{check}.%"])] if check else []
    clauses += [Clause("study_id = ?", [study])] if study else []
    clauses += [Clause(STATES[state])] if state else []
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
    for one, _, entity, entity_id, *rest in rows:
        if entity_id and _is_of_theirs(principal, rest[_STUDY]):
            by_entity.setdefault(entity, {}).setdefault(entity_id, []).append(one)
    seen: set[str] = set()
    for entity, own in by_entity.items():
        for entity_id in seen_ids(reader, principal, entities()[entity], sorted(own)):
            seen.update(own[entity_id])
    return seen


def _is_of_theirs(principal: Principal, study: str | None) -> bool:
    """A finding about a person or a place, whom all may see, can be about one study of theirs."""
    return not study or principal.studies is None or study in principal.studies


def _finding(row: Row) -> Record:
    one, rule, entity, entity_id, field, place, found, expected, seq, opened, closed, owner = row[
        :12
    ]
    study, since, evidence, *signed = row[12:]
    ended = closed or now()
    first = _first_moment(since) if since else opened
    return {
        "id": one, "rule": rule, "entity": entity, "entity_id": entity_id, "field": field,
        "place": place, "found": found, "expected": expected, "message": seq,
        "opened_at": moment(opened), "closed_at": moment(closed) if closed else None,
        "owner": owner, "state": _state(closed, signed[0]), "age_days": (ended - first) // _DAY,
        "study_id": study, "since": since, "evidence": _evidence(evidence),
        "signed_off": _signed_off(*signed),
    }  # fmt: skip


def _state(closed: int | None, signed_off: int | None) -> str:
    return "closed" if closed else "signed_off" if signed_off else "open"


def _first_moment(day: str) -> int:
    return micros(datetime.fromisoformat(day).replace(tzinfo=UTC))


def _evidence(kept: str) -> list[Record]:
    """What each system says, and when it said so."""
    said: list[Record] = orjson.loads(kept) if kept else []
    return [one | {"at": moment(one["at"]) if one["at"] else None} for one in said]


def _signed_off(
    at: int | None, by: str | None, reason: str | None, until: str | None
) -> Record | None:
    return {"at": moment(at), "by": by, "reason": reason, "until": until} if at else None
