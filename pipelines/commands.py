"""What a person or program orders: it arrives in the journal like anything else, is obeyed by the
settler in its turn, and enters the audit with its reason.

Orders: `replay` (messages by number, under the present or another revision; quiet unless it says
`deliver`), `pause`, `drain` and `resume` (a connection), `discard` (parked messages), `propose`
(a question to decide), `decide` (an answer), `lapse` (none came in time) and `moot` (none is needed
any more), `merge`, `unmerge` and `split` (records), `key` and `revoke` (API keys), `subscribe`,
`subscription` and `rekey` (who is told of the feed; one is paused or ended, or has another key),
`expire` (held messages whose time is over) and `erased` (their bodies are gone), `named` (how a
system that was told of a record calls it). For the audit alone: `saw` (a read of personal data),
`wrote` (a write through the API), `accept` (what a whole list misses has gone), `backfill` (what
was not said is), `redeliver` (what a subscriber was told is told again), `signed in` and `refused`
(people and keys), `configured` (what is in service from now on), `exported` (records, the audit)
and `rotated` (the audit's keys).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from hub import audit, decisions, keys, naming
from hub.context import Context
from hub.database import Session
from hub.joining import Word
from pipelines import admitting, bodies, joins, outcomes, subscriptions, tables
from pipelines.work import Work

Order = dict[str, Any]
STREAM = "command"
FOR_THE_AUDIT = (
    "saw", "accept", "backfill", "signed in", "refused", "configured", "exported", "rotated",
    "wrote", "redeliver",
)  # fmt: skip
EXPIRED_AT_ONCE = 2000  # held messages that one order lets go


def obey(session: Session, context: Context, work: Work, now: int) -> None:
    """Does what a command says, in the settler's transaction. Raises for one it does not know."""
    place = bodies.place_of(work.connection, work.key)
    order: Order = orjson.loads(bodies.unpack(context.keyring, work.body, place))
    told: dict[str, Any] = {}
    if order["do"] == "named":
        _named(session, context, order, work)
    elif order["do"] == "propose":
        _propose(context, order, now)
    elif order["do"] in joins.ORDERS:
        told = joins.obey(context, order, Word(seq=work.seq, at=now))
    else:
        _ORDERS[order["do"]](session, order, now)
    entry = audit.Entry(
        at=now,
        actor=order["by"],
        action=order["do"],
        object=str(order.get("object", "")),
        reason=order.get("reason", ""),
        detail=orjson.dumps(order.get("detail", {}) | told).decode(),
        origin=str(order.get("from", ""))[: audit.LONGEST],
    )
    audit.append(session, context.chain, [entry])


def _replay(session: Session, order: Order, now: int) -> None:
    """Marks messages to be settled again; what they asserted before is replaced then. Those whose
    bodies are gone, or about to go, cannot be."""
    named = [m["seq"] for m in order["messages"]]
    found = session.among(
        "select seq from outcome where state in ('expired', 'erased') and seq in {members}", named
    )
    gone = {row[0] for row in found}
    rows = [
        (m["seq"], m["part"], bytes.fromhex(m["lane"]), "ready", "replay", "", 0, 0, now,
         order["revision"], True)
        for m in order["messages"]
        if m["seq"] not in gone
    ]  # fmt: skip
    _quieten(session, [row[0] for row in rows], now, loud=order.get("deliver", False))
    session.upsert(tables.outcome, outcomes.COLUMNS, rows, ("seq",))


def _quieten(session: Session, seqs: list[int], now: int, *, loud: bool) -> None:
    """What these messages come to mean from now on is not told to other systems, unless asked
    for. One that was never settled before (parked, held) has still to be told of."""
    if loud:
        session.among("delete from replayed where seq in {members} returning seq", seqs)
        return
    never = session.among(
        "select seq from outcome where state <> 'ready' and not again and seq in {members}", seqs
    )
    settled = sorted(set(seqs) - {row[0] for row in never})
    rows = [(seq, now) for seq in settled]
    session.upsert(tables.replayed, ("seq", "at"), rows, ("seq",))


def _discard(session: Session, order: Order, now: int) -> None:
    for seq in order["messages"]:
        row = session.one("select lane from outcome where seq = ?", (seq,))
        session.run(
            "update outcome set state = 'aside', reason = 'discarded' where seq = ? "
            "and state in ('parked', 'blocking')",
            (seq,),
        )
        if row:
            outcomes.release_lane(session, row[0])


def _gate(session: Session, order: Order, now: int) -> None:
    state = {"pause": "paused", "drain": "draining"}[order["do"]]
    row = (order["object"], state, now, order["by"], order.get("reason", ""))
    columns = ("connection", "state", "since", "by", "reason")
    session.upsert(tables.gate, columns, [row], ("connection",))


def _resume(session: Session, order: Order, now: int) -> None:
    session.run("delete from gate where connection = ?", (order["object"],))


def _propose(context: Context, order: Order, now: int) -> None:
    decisions.propose(
        context.session,
        digest=bytes.fromhex(order["object"]),
        kind=order["kind"],
        evidence=order["evidence"],
        proposal=order["proposal"],
        at=now,
        expires_at=order.get("expires_at") or context.lapsing.expires_at(order["kind"], now),
    )


def _moot(session: Session, order: Order, now: int) -> None:
    decisions.moot(session, bytes.fromhex(order["object"]), at=now, reason=order["reason"])


def _lapse(session: Session, order: Order, now: int) -> None:
    """Questions that nobody has answered in their time."""
    for question in decisions.lapse(session, before=order["before"], by=order["by"]):
        if question.kind == admitting.KIND:
            admitting.passed_over(session, question)


def _key(session: Session, order: Order, now: int) -> None:
    keys.put(session, order["key"])


def _revoke(session: Session, order: Order, now: int) -> None:
    keys.revoke(session, order["object"], now)


def _subscribe(session: Session, order: Order, now: int) -> None:
    subscriptions.put(session, order["subscription"])


def _rekey(session: Session, order: Order, now: int) -> None:
    subscriptions.rekey(session, order["subscription"], now)


def _subscription(session: Session, order: Order, now: int) -> None:
    subscriptions.change(session, order["object"], order["state"], order["reason"], now)


def _expire(session: Session, order: Order, now: int) -> None:
    """What has been held since before `before`, oldest first, at most EXPIRED_AT_ONCE: nobody
    waits for it any more. What a research link has released meanwhile is left alone."""
    rows = session.all(
        "select seq from outcome where state = 'held' and at < ? order by at, seq limit ?",
        (order["before"], EXPIRED_AT_ONCE),
    )
    seqs = [seq for (seq,) in rows]
    session.among("delete from held where seq in {members} returning seq", seqs)
    session.among(
        "update outcome set state = 'expired', reason = 'no research link in time' "
        "where state = 'held' and seq in {members} returning seq",
        seqs,
    )


def _erased(session: Session, order: Order, now: int) -> None:
    session.among(
        "update outcome set state = 'erased' where state = 'expired' and seq in {members} "
        "returning seq",
        order["messages"],
    )


def _entered(session: Session, order: Order, now: int) -> None:
    """Has no other effect than its entry in the audit: what it speaks of is done elsewhere."""


def _named(session: Session, context: Context, order: Order, work: Work) -> None:
    """The target of a delivery answered with its key of the record. Where an identifier says that
    the key is another's, a person decides."""
    entity, one = order["entity"], order["id"]
    said = naming.Named(
        system=order["system"], entity=entity, one=one, native=order["key"],
        seq=work.seq, at=work.at,
    )  # fmt: skip
    found = naming.name(context, said)
    outcomes.release(session, found.born)
    if found.against:
        text = f"named|{order['system']}|{one}|{found.other}"
        decisions.propose(
            session,
            digest=hashlib.sha256(text.encode()).digest()[:16],
            kind="identity",
            evidence={"question": "named", "system": order["system"], "against": found.against},
            proposal={"entity": entity, "ids": [one, found.other]},
            at=(at := context.clock()),
            expires_at=context.lapsing.expires_at("identity", at),
        )


_ORDERS: Mapping[str, Callable[[Session, Order, int], None]] = MappingProxyType(
    {
        "replay": _replay,
        "discard": _discard,
        "pause": _gate,
        "drain": _gate,
        "resume": _resume,
        "moot": _moot,
        "lapse": _lapse,
        "key": _key,
        "revoke": _revoke,
        "subscribe": _subscribe,
        "subscription": _subscription,
        "rekey": _rekey,
        "expire": _expire,
        "erased": _erased,
        **dict.fromkeys(FOR_THE_AUDIT, _entered),
    }
)
