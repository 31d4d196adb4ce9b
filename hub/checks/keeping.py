"""What a check found becomes findings: opened once, kept in today's words, closed by itself when it
is right again. One that a person has signed off waits until what systems say of it changes, or
until its day is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import orjson

from hub import tables
from hub.checks.check import Check, Discrepancy, Evidence
from hub.clock import uuid7
from hub.database import Session
from hub.seal import Keyring

FAILED = "failed"  # the kind that says a check could not be made
HUB = "hub"  # the scope of a check that is bounded by nothing
_COLUMNS = (
    "id", "digest", "rule", "entity", "entity_id", "field", "place", "found", "expected", "seq",
    "opened_at", "owner", "scope", "study_id", "since", "evidence",
)  # fmt: skip
_LONGEST = 200  # characters of who should act and of what makes a finding distinct


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the findings of one run."""

    opened: int = 0
    reworded: int = 0
    closed: int = 0
    returned: int = 0  # of those that were signed off

    @property
    def changed(self) -> bool:
        return bool(self.opened or self.reworded or self.closed or self.returned)


@dataclass(frozen=True, slots=True)
class _Open:
    """A finding as it stands."""

    id: str
    found: str
    act: str
    since: str
    evidence: str
    signed_off: bool
    until: str


def keep(
    session: Session,
    keyring: Keyring,
    check: Check,
    scopes: Sequence[str],
    found: Iterable[Discrepancy],
    *,
    now: int,
    today: date,
) -> Kept:
    """Makes the open findings of `check` about these studies or people (their ids) those of
    `found`, in the caller's transaction. Raises ValueError for one that is about another."""
    current = {digest(keyring, check, one): one for one in found}
    if strange := {scope_of(check, one) for one in current.values()} - set(scopes):
        raise ValueError(f"{check.name} found something about {len(strange)} it was not asked of")
    known = _known(session, check, scopes)
    new = [(key, one) for key, one in current.items() if key not in known]
    rows = [_row(check, key, one, now) for key, one in new]
    session.insert(tables.finding, _COLUMNS, rows)
    still = [(was, current[key]) for key, was in known.items() if key in current]
    returned = sum(_returns(session, was, one, today) for was, one in still)
    reworded = sum(_reword(session, was, one) for was, one in still)
    gone = [was.id for key, was in known.items() if key not in current]
    session.among(
        "update finding set closed_at = ? where id in {members} returning id", gone, (now,)
    )
    return Kept(len(new), reworded, len(gone), returned)


def fail(
    session: Session,
    keyring: Keyring,
    check: Check,
    scopes: Sequence[str],
    *,
    now: int,
    today: date,
) -> Kept:
    """The check itself failed: what it found before stands, and a finding says that it may be out
    of date; the next run that succeeds closes it."""
    failed = [_failure(check, one, today) for one in scopes]
    known = _known(session, check, scopes)
    new = [(key, one) for one in failed if (key := digest(keyring, check, one)) not in known]
    rows = [_row(check, key, one, now) for key, one in new]
    session.insert(tables.finding, _COLUMNS, rows)
    return Kept(opened=len(new))


def _failure(check: Check, scope: str, today: date) -> Discrepancy:
    entity = {"study": "Study", "person": "Person", "hub": ""}[check.scope]
    return Discrepancy(
        kind=FAILED, entity=entity, id="" if check.scope == "hub" else scope,
        study=scope if check.scope == "study" else "", person=scope, evidence=(), since=today,
        sentence=f"The check of {check.title} could not be made; what it found before may be "
        "out of date.",
        act="whoever runs the hub: its log tells more",
    )  # fmt: skip


def sign_off(session: Session, one: str, *, by: str, reason: str, until: str, at: int) -> str:
    """Accepts an open finding of a check as it is, `until` the end of a day or, where that is "",
    for good. Its sentence; "" where there is no such finding."""
    row = session.one(
        "select found from finding where id = ? and closed_at is null and rule like 'check.%'",
        (one,),
    )
    if row is None:
        return ""
    session.run(
        "update finding set signed_off_at = ?, signed_off_by = ?, signed_off_reason = ?, "
        "signed_off_until = ? where id = ?",
        (at, by, reason, until or None, one),
    )
    return str(row[0])


def digest(keyring: Keyring, check: Check, one: Discrepancy) -> bytes:
    """By what the same discrepancy is known again."""
    return keyring.digest(f"check|{check.rule(one.kind)}|{one.entity}|{one.id}|{one.about}")


def scope_of(check: Check, one: Discrepancy) -> str:
    """The id of what a run that finds it is bounded by."""
    return {"study": one.study, "person": one.person, "hub": HUB}[check.scope]


def shown(text: str) -> list[dict[str, Any]]:
    """The evidence of a finding as it is kept: system, says, of, at."""
    found: list[dict[str, Any]] = orjson.loads(text) if text else []
    return found


def _known(session: Session, check: Check, scopes: Sequence[str]) -> dict[bytes, _Open]:
    rows = session.among(
        "select digest, id, found, expected, since, evidence, signed_off_at, signed_off_until "
        "from finding where closed_at is null and rule like ? and scope in {members}",
        list(scopes),
        (check.rule("%"),),
    )
    return {
        bytes(key): _Open(one, says, act, since or "", evidence, at is not None, until or "")
        for key, one, says, act, since, evidence, at, until in rows
    }


def _row(check: Check, key: bytes, one: Discrepancy, now: int) -> tuple[Any, ...]:
    act = one.act[:_LONGEST]
    return (
        uuid7(now), key, check.rule(one.kind), one.entity, one.id or None, "",
        one.about[:_LONGEST], one.sentence, act, 0, now, act, scope_of(check, one),
        one.study or None, one.since.isoformat(), _evidence(one),
    )  # fmt: skip


def _returns(session: Session, was: _Open, one: Discrepancy, today: date) -> bool:
    """Whether what was signed off waits for somebody again."""
    is_over = bool(was.until) and was.until < str(today)
    if not was.signed_off or not (is_over or _changed(was, one)):
        return False
    session.run(
        "update finding set signed_off_at = null, signed_off_by = null, "
        "signed_off_reason = null, signed_off_until = null where id = ?",
        (was.id,),
    )
    return True


def _reword(session: Session, was: _Open, one: Discrepancy) -> bool:
    """Brings an open finding up to date; what a person has said of it (its owner) stays."""
    says = (one.sentence, one.act[:_LONGEST], one.since.isoformat(), _evidence(one))
    if says == (was.found, was.act, was.since, was.evidence):
        return False
    session.run(
        "update finding set owner = case when owner = expected then ? else owner end, found = ?, "
        "expected = ?, since = ?, evidence = ? where id = ?",
        (says[1], *says, was.id),
    )
    return True


def _changed(was: _Open, one: Discrepancy) -> bool:
    """Whether systems say something else now; that they say the same again, or of more records
    beside, is no change."""
    before = {(said["system"], said["says"]) for said in shown(was.evidence)}
    return before != {(said.system, said.says) for said in one.evidence}


def _evidence(one: Discrepancy) -> str:
    return orjson.dumps([_plain(said) for said in one.evidence]).decode()


def _plain(said: Evidence) -> dict[str, Any]:
    return asdict(said)
