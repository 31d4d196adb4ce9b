"""Entries of the audit for whoever looks through it: by person, by what they did, by record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hub.clock import iso
from hub.database import Row, Session

MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; all that is said must hold. `about` is an id or a name that the object
    or the detail holds; `since` and `until` are microseconds. Automatic changes are left out
    unless `settled`."""

    actor: str = ""
    action: str = ""
    about: str = ""
    since: int = 0
    until: int = 0
    settled: bool = False
    limit: int = 50


def find(session: Session, wanted: Wanted) -> list[dict[str, Any]]:
    """Entries, the newest first, at most `limit`."""
    clauses, values = _clauses(wanted)
    rows = session.all(
        "select chain, n, at, actor, action, object, reason, origin, detail from audit "
        f"where {' and '.join(clauses)} order by at desc, chain, n desc limit ?",
        (*values, min(max(wanted.limit, 1), MOST)),
    )
    return [_shown(row) for row in rows]


def _clauses(wanted: Wanted) -> tuple[Sequence[str], Sequence[Any]]:
    asked: list[tuple[str, Any]] = [
        ("actor = ?", wanted.actor),
        ("action = ?", wanted.action),
        ("at >= ?", wanted.since),
        ("at < ?", wanted.until),
    ]
    found = [(clause, value) for clause, value in asked if value]
    clauses, values = [clause for clause, _ in found], [value for _, value in found]
    if wanted.about:
        # replaced and not matched: a name may hold signs that mean something in a pattern
        clauses.append("(replace(object, ?, '') <> object or replace(detail, ?, '') <> detail)")
        values += [wanted.about, wanted.about]
    if not wanted.settled and wanted.action != "settle":
        clauses.append("action <> 'settle'")
    return clauses or ["1 = 1"], values


def _shown(row: Row) -> dict[str, Any]:
    chain, n, at, actor, action, object_, reason, origin, detail = row
    return {
        "entry": f"{chain}/{n}", "at": iso(at), "actor": actor, "action": action,
        "object": object_, "reason": reason, "origin": origin, "detail": orjson.loads(detail),
    }  # fmt: skip
