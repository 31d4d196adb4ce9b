"""The change feed: every version once, in an order that no late writer can slip behind.

On SQLite one writer numbers versions in the order of its commits. On PostgreSQL numbers are taken
before a transaction ends, so that a smaller one can become visible after a larger: there the feed
goes by transaction id, and only below the oldest transaction still running.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from hub.database import Session
from hub.grants import is_restricted, visible
from hub.history import opened, shown_changes
from hub.model.spec import EntitySpec, entities
from hub.principal import READ, Principal
from hub.query import BadQuery
from hub.reader import Reader, scope_for
from hub.render import Record, moment
from hub.repository import among

START = ""  # the cursor before the first version
_CURSOR = re.compile(r"([0-9]{1,19})\.([0-9]{1,18})", re.ASCII)
_HOPS = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One version in the feed: `v` is its number, `n` its place among those of its record."""

    cursor: str  # where the feed goes on behind it
    v: int
    entity: str
    id: str
    n: int
    recorded_at: int
    changed: str | None  # as kept; None where it is sealed


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the feed. `next` is always given: behind the last change it is where to ask
    again; `more`: whether there is more to read at once."""

    items: list[Record]
    next: str
    more: bool


def feed(session: Session, since: str, limit: int) -> list[Change]:
    """Changes behind the cursor `since`, oldest first. Reading on from the last one's cursor
    gives every version exactly once. Raises BadQuery for what is no cursor."""
    xid, v = position(since)
    if session.dialect == "sqlite":
        rows = session.all(
            "select 0, v, entity, id, n, recorded_at, changed from version "
            "where v > ? order by v limit ?",
            (v, limit),
        )
    else:
        # the answer's column must not be called xid: `order by` would then sort its text
        rows = session.all(
            "select xid::text as transaction, v, entity, id, n, recorded_at, changed from version "
            "where (xid, v) > (?::xid8, ?) and xid < pg_snapshot_xmin(pg_current_snapshot()) "
            "order by version.xid, v limit ?",
            (str(xid), v, limit),
        )
    return [Change(f"{row[0]}.{row[1]}", *row[1:]) for row in rows]


def head(session: Session) -> str:
    """The cursor behind everything that can be read now."""
    if session.dialect == "sqlite":
        row = session.one("select coalesce(max(v), 0) from version")
        return f"0.{row[0] if row else 0}"
    row = session.one("select pg_snapshot_xmin(pg_current_snapshot())::text")
    return f"{row[0] if row else 0}.0"


def changes(reader: Reader, principal: Principal, since: str, limit: int) -> Part:
    """The feed as `principal` may see it: records outside the grants are left out, and changes
    of sealed parts without the scope for them; those never show values."""
    principal.must(READ)
    rows = feed(reader.session, since, limit)
    seen = _seen(reader, principal, rows)
    items = [_item(reader, row) for row in rows if (row.entity, row.id) in seen]
    return Part(items, rows[-1].cursor if rows else since or START, len(rows) == limit)


def _item(reader: Reader, row: Change) -> Record:
    spec = entities()[row.entity]
    item: Record = {
        "entity": row.entity, "id": row.id, "version": row.n,
        "recorded_at": moment(row.recorded_at), "cursor": row.cursor,
    }  # fmt: skip
    if not spec.sealed:
        kept = opened(reader, spec, row.v, row.changed, None)
        item["changed"] = shown_changes(spec, kept)
    return item


def _seen(reader: Reader, principal: Principal, rows: Sequence[Change]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    pairs = sorted({(row.entity, row.id) for row in rows})
    for entity, group in groupby(pairs, key=lambda pair: pair[0]):
        spec = entities()[entity]
        ids = [one for _, one in group]
        if not spec.sealed or principal.may(scope_for(spec)):
            found |= {(entity, one) for one in seen_ids(reader, principal, spec, ids)}
    return found


def seen_ids(
    reader: Reader, principal: Principal, spec: EntitySpec, ids: Sequence[str]
) -> set[str]:
    """Those of `ids` whose record, or the one it was merged into, the principal may see."""
    if not is_restricted(principal):
        return set(ids)
    owner = entities()[spec.beside or spec.name]
    leads = _survivors(reader, owner, ids)
    clauses = visible(principal, owner, reader.session.dialect)
    allowed = among(reader, owner, sorted(set(leads.values())), clauses)
    return {one for one in ids if leads[one] in allowed}


def _survivors(reader: Reader, spec: EntitySpec, ids: Sequence[str]) -> dict[str, str]:
    leads = {one: one for one in ids}
    for _ in range(_HOPS):
        rows = reader.session.among(
            f"select id, superseded_by from {spec.table.name} "
            "where superseded_by is not null and id in {members}",
            sorted(set(leads.values())),
        )
        merged: dict[str, str] = {row[0]: row[1] for row in rows}
        if not merged:
            break
        leads = {one: merged.get(lead, lead) for one, lead in leads.items()}
    return leads


def position(cursor: str) -> tuple[int, int]:
    """A cursor as something that sorts by the order of the feed. Raises BadQuery."""
    if cursor == START:
        return (0, 0)
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise BadQuery("CROHUB-BAD-CURSOR", "since: expected the `next` of an earlier answer")
    return (int(match[1]), int(match[2]))
