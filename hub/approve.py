"""Approve before write: what a role says of a field waits until a person has decided.

Nothing is asserted before; the question carries what will be, sealed where the field is, and
accepting it makes the assertion that the message would have made. The same word of the same
message is asked about once: settled again, it is what was decided.
"""

from __future__ import annotations

from typing import Any

import orjson

from hub import decisions
from hub.context import Changes, Context
from hub.fold import standing
from hub.model.spec import EntitySpec
from hub.said import Said
from hub.things import Assertion, Fields, Xref

KIND = "approve"
_REMOVED = {"removed": True}


def waiting(
    context: Context, changes: Changes, said: Said, spec: EntitySpec, xref: Xref, made: Assertion
) -> Assertion:
    """`made` without the fields that wait for a decision; the questions are put."""
    policy = context.policy
    own = standing([a for a in xref.live if a.entity == spec.name])
    fields, kind = dict(made.fields), made.kind
    if kind == "complete":  # what it leaves out is taken away, where nobody has to be asked
        fields |= {name: _REMOVED for name in own if name not in fields}
        kind = "stated"
    for name in [n for n in fields if policy.must_ask(spec.name, n, xref.system)]:
        value = fields[name]
        if name in own and own[name].fields[name] == value:
            continue  # it says what it has said and was believed in
        if not _is_approved(context, changes, said, spec, xref, made, name, value):
            del fields[name]
    kept = Assertion(made.a, made.x, made.entity, made.seq, made.at, made.version, kind, fields)
    kept.echo = made.echo
    return kept


def _is_approved(
    context: Context,
    changes: Changes,
    said: Said,
    spec: EntitySpec,
    xref: Xref,
    made: Assertion,
    name: str,
    value: Any,  # noqa: ANN401 - JSON
) -> bool:
    text = orjson.dumps([KIND, xref.x, spec.name, name, value, made.seq]).decode()
    digest = context.keyring.digest(text)
    row = context.session.one("select state from decision where digest = ?", (digest,))
    if row:
        return bool(row[0] == "accepted")
    held: Fields = {
        "x": xref.x, "entity": spec.name, "field": name, "seq": made.seq, "at": made.at,
        "version": made.version, "value": value,
    }  # fmt: skip
    if spec.fields[name].sealed:
        held["value"] = None
        held["sealed"] = context.keyring.seal(orjson.dumps(value), held_place(held)).hex()
    changes.asked.append((digest, said.system, xref, held))
    return False


def put(context: Context, changes: Changes) -> None:
    """Opens the questions of a batch, about the records as they are at its end. An older question
    about the same word of the same system is answered by the newer."""
    for digest, system, xref, held in changes.asked:
        one = xref.entity_id
        proposal = {"entity": held["entity"], "id": one, "field": held["field"], "held": held}
        evidence = {"system": system, "message": held["seq"]}
        if "sealed" not in held:
            evidence["says"] = held["value"]
        _pass_over(context, held, one, changes.now)
        decisions.propose(
            context.session, digest=digest, kind=KIND, evidence=evidence, proposal=proposal,
            at=changes.now, expires_at=context.lapsing.expires_at(KIND, changes.now),
        )  # fmt: skip


def _pass_over(context: Context, held: Fields, one: str, at: int) -> None:
    rows = context.session.all(
        "select digest, proposal from decision where state = 'open' and kind = ? and ids = ?",
        (KIND, orjson.dumps([one]).decode()),
    )
    for digest, proposal in rows:
        other = orjson.loads(proposal)["held"]
        same = all(other[name] == held[name] for name in ("x", "entity", "field"))
        if same and (other["at"], other["seq"]) <= (held["at"], held["seq"]):
            decisions.moot(
                context.session, bytes(digest), at=at, reason="the source has said more since"
            )


def held_place(held: Fields) -> bytes:
    """Where a value that waits is sealed for."""
    return f"held|{held['x']}|{held['seq']}|{held['field']}".encode()
