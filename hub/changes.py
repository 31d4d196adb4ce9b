"""The change feed: every version once, in an order that no late writer can slip behind.

On SQLite one writer numbers versions in the order of its commits. On PostgreSQL numbers are taken
before a transaction ends, so that a smaller one can become visible after a larger: there the feed
goes by transaction id, and only below the oldest transaction still running.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import orjson

from hub.database import Session
from hub.grants import is_restricted, of_studies, visible
from hub.history import shown_changes
from hub.model.spec import EntitySpec, entities
from hub.policy import PERSON
from hub.principal import READ, Principal
from hub.query import BadQuery
from hub.reader import Reader, scope_for
from hub.render import Record, moment
from hub.repository import among

START = ""  # the cursor before the first version
NOW = "now"  # the cursor behind the last, whichever that is
_CURSOR = re.compile(r"([0-9]{1,19})\.([0-9]{1,18})", re.ASCII)
_AHEAD = "since: lies behind the end of this store; read all anew: it may have been restored"
_HOPS = 50
_PAGE, _SCANNED = 500, 10_000  # versions read at a time, and for one answer


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
    seq: int = 0  # the message it came of


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes are asked for; empty: whatever the kind or the study."""

    entities: frozenset[str] = frozenset()
    studies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the feed. `next` is always given: behind the last change it is where to ask
    again; `more`: whether there is more to read at once. `end`: what lies between `next` and it is
    known to be nothing."""

    items: list[Record]
    next: str
    more: bool
    end: str


def feed(session: Session, since: str, limit: int) -> list[Change]:
    """Changes behind the cursor `since`, oldest first. Reading on from the last one's cursor
    gives every version exactly once. Raises BadQuery for what is no cursor."""
    xid, v = position(since)
    if session.dialect == "sqlite":
        return _changes(session, f"{_LITE} where v > ? order by v limit ?", (v, limit))
    full = f"{_FULL} where (xid, v) > (?::xid8, ?) and {_SETTLED} {_IN_TURN} limit ?"
    return _changes(session, full, (str(xid), v, limit))


def stretch(session: Session, since: str, limit: int, entity: str) -> tuple[list[Change], str]:
    """Of the next `limit` changes behind `since` those of one entity, oldest first, and the cursor
    behind all of them, "" where there are none. Raises BadQuery for what is no cursor."""
    xid, v = position(since)
    if session.dialect == "sqlite":
        among = "select v from version where v > ? order by v limit ?"
        row = session.one(f"select max(v) from ({among})", (v, limit))
        if row is None or row[0] is None:
            return [], ""
        own = f"{_LITE} where v > ? and v <= ? and entity = ? order by v"
        return _changes(session, own, (v, row[0], entity)), f"0.{row[0]}"
    among = f"select xid, v from version where (xid, v) > (?::xid8, ?) and {_SETTLED} {_IN_TURN}"
    last = f"select l.xid::text, l.v from ({among} limit ?) l order by l.xid desc, l.v desc limit 1"
    row = session.one(last, (str(xid), v, limit))
    if row is None:
        return [], ""
    own = f"{_FULL} where (xid, v) > (?::xid8, ?) and (xid, v) <= (?::xid8, ?) and entity = ? "
    return _changes(session, own + _IN_TURN, (str(xid), v, *row, entity)), f"{row[0]}.{row[1]}"


_COLUMNS = "v, entity, id, n, recorded_at, changed, seq"
_LITE = f"select 0, {_COLUMNS} from version"
# the answer's column must not be called xid: `order by` would then sort its text
_FULL = f"select xid::text as transaction, {_COLUMNS} from version"
_SETTLED = "xid < pg_snapshot_xmin(pg_current_snapshot())"
_IN_TURN = "order by version.xid, v"


def _changes(session: Session, sql: str, values: Sequence[object]) -> list[Change]:
    return [Change(f"{row[0]}.{row[1]}", *row[1:]) for row in session.all(sql, values)]


def head(session: Session) -> str:
    """The cursor behind everything that can be read now."""
    if session.dialect == "sqlite":
        row = session.one("select coalesce(max(v), 0) from version")
        return f"0.{row[0] if row else 0}"
    row = session.one("select pg_snapshot_xmin(pg_current_snapshot())::text")
    return f"{row[0] if row else 0}.0"


def held_back(session: Session) -> int | None:
    """When the oldest version was written (microseconds) that is committed and cannot be told yet,
    for a transaction that began before it still runs; None: there is none."""
    if session.dialect == "sqlite":
        return None
    row = session.one(
        "select recorded_at from version where xid >= pg_snapshot_xmin(pg_current_snapshot()) "
        "order by xid, v limit 1"
    )
    return row[0] if row else None


def changes(
    reader: Reader,
    principal: Principal,
    since: str,
    limit: int,
    wanted: Wanted | None = None,
) -> Part:
    """The feed as `principal` may see it: records outside the grants are left out, and changes
    of sealed parts without the scope for them; those never show values. However little of it is
    wanted, one answer reads 10,000 versions at most; `more` says that there are others."""
    principal.must(READ)
    wanted = wanted or Wanted()
    end = head(reader.session)  # asked before reading: nothing is passed over that comes meanwhile
    since = end if since == NOW else since
    if position(since) > position(end):
        raise BadQuery("CROHUB-CURSOR-AHEAD", _AHEAD)
    items: list[Record] = []
    for _ in range(_SCANNED // _PAGE):
        rows = feed(reader.session, since, _PAGE)
        found = select(reader, principal, rows, wanted)[: limit - len(items)]
        items += shown(reader.session, found)
        if len(items) == limit:
            last = found[-1].cursor
            return Part(items, last, found[-1] is not rows[-1] or len(rows) == _PAGE, last)
        since = rows[-1].cursor if rows else since
        if len(rows) < _PAGE:
            return Part(items, since, more=False, end=max(since, end, key=position))
    return Part(items, since, more=True, end=since)


def select(
    reader: Reader, principal: Principal, rows: Sequence[Change], wanted: Wanted
) -> list[Change]:
    """Those of `rows` that are wanted and that the principal may see."""
    found = asked(principal, rows, wanted)
    seen = _seen(reader, principal, found, wanted)
    return [one for one in found if (one.entity, one.id) in seen]


def asked(principal: Principal, rows: Sequence[Change], wanted: Wanted) -> list[Change]:
    """Those of `rows` whose kind is wanted and may be told; which records may, `select` says."""
    may = {
        name: not spec.sealed or principal.may(scope_for(spec))
        for name, spec in entities().items()
        if not wanted.entities or name in wanted.entities
    }
    return [one for one in rows if may.get(one.entity)]


def shown(session: Session, rows: Sequence[Change]) -> list[Record]:
    """Changes as they are told."""
    systems = _told_by(session, rows)
    return [_item(row, systems.get(row.seq)) for row in rows]


def _item(row: Change, system: str | None) -> Record:
    spec = entities()[row.entity]
    item: Record = {
        "entity": row.entity, "id": row.id, "version": row.n,
        "recorded_at": moment(row.recorded_at), "cursor": row.cursor,
        "by": "person" if system == PERSON else system, "message": row.seq,
    }  # fmt: skip
    if not spec.sealed:
        item["changed"] = shown_changes(spec, orjson.loads(row.changed or "{}"))
    return item


def _told_by(session: Session, rows: Sequence[Change]) -> Mapping[int, str]:
    """Which system said the message that a change came of; without those by which the hub itself
    or a person changed what is believed."""
    found = session.among(
        "select distinct assertion.seq, xref.system from assertion "
        "join xref on xref.x = assertion.x where assertion.seq in {members}",
        sorted({row.seq for row in rows}),
    )
    return dict(found)


def _seen(
    reader: Reader, principal: Principal, rows: Sequence[Change], wanted: Wanted
) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    pairs = sorted({(row.entity, row.id) for row in rows})
    for entity, group in groupby(pairs, key=lambda pair: pair[0]):
        spec = entities()[entity]
        ids = [one for _, one in group]
        found |= {(entity, one) for one in seen_ids(reader, principal, spec, ids, wanted.studies)}
    return found


def seen_ids(
    reader: Reader,
    principal: Principal,
    spec: EntitySpec,
    ids: Sequence[str],
    studies: frozenset[str] = frozenset(),
) -> set[str]:
    """Those of `ids` whose record, or the one it was merged into, the principal may see; with
    `studies` only records of these."""
    if not (is_restricted(principal) or studies):
        return set(ids)
    owner = entities()[spec.beside or spec.name]
    leads = _survivors(reader, owner, ids)
    clauses = visible(principal, owner, reader.session.dialect)
    clauses += of_studies(owner, reader.session.dialect, studies) if studies else []
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
