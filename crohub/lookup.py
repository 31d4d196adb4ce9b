"""Finds messages: by state, connection, pipeline, patient or control id, newest first; and says
what became of one and what it asserted. Every search walks an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any

import orjson

from hub.clock import iso
from hub.database import Row, Session
from hub.seal import Keyring
from pipelines import bodies
from pipelines.intake import lane_digest
from pipelines.outcomes import STATES
from pipelines.places import Places
from pipelines.queue import PARTS
from pipelines.settler import OWN
from pipelines.tables import LANE_BLOCK

MOST = 500
ALL_STATES = ("done", "waiting", *STATES)

_HEAD = (
    "m.seq, m.part, m.connection, m.stream, m.key, m.at, m.received_at, m.media, m.pipeline, "
    "m.revision, o.state, o.reason, o.place, o.tries, coalesce(p.upto, 0)"
)
_FROM = (
    "from message m left join progress p on p.part = m.part left join outcome o on o.seq = m.seq "
)
# the index by lane is one of blocks of numbers: each is looked into, two thousand for a million
_OF_LANE = (
    "m.seq in (with recursive block(n) as (select (select max(seq) from message) >> "
    f"{LANE_BLOCK} union all select n - 1 from block where n > 0) select i.seq from block "
    f"cross join message i where (i.seq >> {LANE_BLOCK}) = block.n and i.lane = ?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; all that is said must hold. `patient` is the value of the lane (mostly
    the MRN) and is turned into its blind index at once. Messages before `before` only."""

    state: str = ""
    connection: str = ""
    pipeline: str = ""
    patient: str = ""
    control_id: str = ""
    since: int = 0  # microseconds: received at or after
    before: int = 0  # a message number; 0: from the newest
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A message without its body."""

    seq: int
    part: int
    connection: str
    stream: str
    key: str
    at: int
    received_at: int
    media: str
    pipeline: str
    revision: int
    state: str
    reason: str
    place: str
    tries: int

    def plain(self) -> dict[str, Any]:
        """As it is shown; times are ISO 8601, UTC."""
        return {
            "seq": self.seq, "connection": self.connection, "stream": self.stream,
            "key": self.key, "state": self.state, "reason": self.reason, "place": self.place,
            "tries": self.tries, "pipeline": self.pipeline, "revision": self.revision,
            "media": self.media, "at": iso(self.at), "received_at": iso(self.received_at),
        }  # fmt: skip


def reading(places: Places) -> Session:
    """A session that reads both stores at once and writes neither."""
    opened = places.journal(read_only=places.embedded)
    if opened.dialect == "sqlite":
        hub = f"file:{places.data / 'hub.db'}?mode=ro"
        opened.raw.execute("attach database ? as hub", (hub,))
    return opened


def find(session: Session, keyring: Keyring, wanted: Wanted) -> list[Found]:
    """Messages that were said by somebody else, newest first, at most `limit` (500)."""
    limit = min(max(wanted.limit, 1), MOST)
    parts: list[int | None] = list(range(PARTS[session.dialect]))
    if wanted.control_id or wanted.patient:  # one index for all partitions
        parts = [None]
    runs = [_rows(session, keyring, wanted, part, limit) for part in parts]
    newest_first = merge(*runs, key=lambda one: -one.seq)
    return list(islice(newest_first, limit))


def statement(keyring: Keyring, wanted: Wanted, part: int | None, limit: int) -> tuple[str, Row]:
    """The SQL of one search and its values."""
    clauses: list[str] = ["m.connection <> ?"]
    values: list[Any] = [OWN]

    def only(clause: str, value: Any) -> None:  # noqa: ANN401 - whatever the column holds
        if value:
            clauses.append(clause)
            values.append(value)

    if part is not None:
        clauses.append("o.part = ?" if wanted.state in STATES else "m.part = ?")
        values.append(part)
    only("m.control = ?", wanted.control_id)
    of_patient = "m.lane = ?" if wanted.control_id else _OF_LANE
    only(of_patient, lane_digest(keyring, wanted.patient) if wanted.patient else b"")
    only("m.connection = ?", wanted.connection)
    only("m.pipeline = ?", wanted.pipeline)
    only("m.received_at >= ?", wanted.since)
    _state(wanted.state, clauses, values)
    seq = "o.seq" if wanted.state in STATES and part is not None else "m.seq"
    only(f"{seq} < ?", wanted.before)
    source = _FROM
    if wanted.state in STATES:
        source = "from outcome o join message m on m.seq = o.seq "
        source += "left join progress p on p.part = m.part"
    sql = f"select {_HEAD} {source} where {' and '.join(clauses)} order by {seq} desc limit ?"
    return sql, (*values, limit)


def _state(state: str, clauses: list[str], values: list[Any]) -> None:
    if state in STATES:
        clauses.append("o.state = ?")
        values.append(state)
    elif state == "done":
        clauses.append("o.seq is null and m.seq <= coalesce(p.upto, 0)")
    elif state == "waiting":
        clauses.append("m.seq > coalesce(p.upto, 0)")


def _rows(
    session: Session, keyring: Keyring, wanted: Wanted, part: int | None, limit: int
) -> list[Found]:
    sql, values = statement(keyring, wanted, part, limit)
    return [_found(row) for row in session.all(sql, values)]


def one(session: Session, seq: int) -> Found | None:
    """One message by its number."""
    row = session.one(f"select {_HEAD} {_FROM} where m.seq = ?", (seq,))
    return _found(row) if row else None


def notes(session: Session, seq: int) -> list[str]:
    """Complaints of the connector that did not stop the message."""
    row = session.one("select remark from message where seq = ?", (seq,))
    return list(orjson.loads(row[0])["notes"]) if row and row[0] else []


def sources(session: Session, seqs: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Where these messages came from and how they were read, by number; none of their words."""
    rows = session.among(
        "select seq, connection, stream, pipeline, revision, received_at from message "
        "where seq in {members}",
        seqs,
    )
    return {
        row[0]: {
            "connection": row[1], "stream": row[2], "pipeline": row[3], "revision": row[4],
            "received_at": iso(row[5]),
        }
        for row in rows
    }  # fmt: skip


def body(session: Session, keyring: Keyring, seq: int) -> bytes | None:
    """The message as it came over the wire; b"" once it was erased, None where there is none.
    Whoever shows it enters that in the audit."""
    row = session.one("select connection, key, body from message where seq = ?", (seq,))
    if row is None:
        return None
    if not row[2]:
        return b""
    return bodies.unpack(keyring, row[2], bodies.place_of(row[0], row[1]))


def asserted(session: Session, seq: int) -> Iterator[dict[str, Any]]:
    """What a message asserted, in order; of a sealed entity only that it did. A reference is the
    record that it leads to now."""
    for row in session.all(
        "select a.a, a.entity, x.entity_id, a.kind, a.said, a.sealed is not null, a.at "
        "from assertion a join xref x on x.x = a.x where a.seq = ? order by a.a",
        (seq,),
    ):
        yield {
            "entity": row[1], "id": row[2], "kind": row[3], "at": iso(row[6]) if row[6] else None,
            "sealed": bool(row[5]),
            "said": _led(session, orjson.loads(row[4])) if row[4] else None,
        }  # fmt: skip


def _led(session: Session, said: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(said, list):
        return [_led(session, one) for one in said]
    if not isinstance(said, dict):
        return said
    if set(said) == {"x"}:
        row = session.one("select entity, entity_id from xref where x = ?", (said["x"],))
        return {"entity": row[0], "id": row[1]} if row else None
    return {name: _led(session, value) for name, value in said.items()}


def _found(row: Row) -> Found:
    seq, upto = row[0], row[14]
    state = row[10] or ("done" if seq <= upto else "waiting")
    return Found(
        seq=seq, part=row[1], connection=row[2], stream=row[3], key=row[4], at=row[5],
        received_at=row[6], media=row[7], pipeline=row[8], revision=row[9], state=state,
        reason=row[11] or "", place=row[12] or "", tries=row[13] or 0,
    )  # fmt: skip
