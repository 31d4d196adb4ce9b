"""Data-quality problems as records: opened once, closed by themselves when the data are right."""

from __future__ import annotations

from collections.abc import Sequence

from hub.asking import ask
from hub.clock import uuid7
from hub.context import Changes, Context
from hub.database import Row
from hub.identity import Against
from hub.relations import APART, REFUSED
from hub.said import Prepared, Said
from hub.statement import Complaint
from hub.things import Xref, born


def complain(
    context: Context, changes: Changes, said: Said, statements: Sequence[Prepared]
) -> None:
    """Opens a finding for each complaint of a message, and closes those that an earlier message
    about the same things opened and this one no longer gives reason for."""
    if not said.meaning.complaints and not context.world.open_findings:
        return  # the everyday case
    known = context.world.by_digest
    keys = {
        (one.entity, "" if one.kind in ("same", "linked") else one.key): known.get(one.digest)
        for one in statements
    }
    current = set()
    for complaint in said.meaning.complaints:
        xref = keys.get((complaint.entity, complaint.key))
        digest = _digest(context, said, complaint, xref)
        current.add(digest)
        _open(context, changes, said, complaint, xref, digest)
    _close(context, changes, {xref.x for xref in keys.values() if xref}, current)


def contradicted(
    context: Context, changes: Changes, said: Said, one: Prepared, xref: Xref, against: Against
) -> None:
    """An identifier says two things are one and something else says they are not: nothing is
    tied, and a person is asked."""
    if against.what in (APART, REFUSED):
        return  # a person has decided, or was asked before
    complaint = Complaint(
        rule="identity-contradicted",
        place=against.what,
        expected=f"one {against.what} of one assigner for one {one.owner.name}",
        entity=one.owner.name,
        field=against.what,
    )
    if _open(context, changes, said, complaint, xref, _digest(context, said, complaint, xref)):
        other = min(against.thing.xrefs, key=born)
        ask(changes, xref, other, "contradicted", said.system, against=against.what)


def _digest(context: Context, said: Said, complaint: Complaint, xref: Xref | None) -> bytes:
    whose = str(xref.x) if xref else said.system
    return context.keyring.digest(
        f"finding|{complaint.rule}|{whose}|{complaint.field}|{complaint.place}"
    )


def _open(
    context: Context,
    changes: Changes,
    said: Said,
    complaint: Complaint,
    xref: Xref | None,
    digest: bytes,
) -> bool:
    if _is_open(context, xref, digest):
        return False
    one, x = uuid7(changes.now), xref.x if xref else None
    row: Row = (
        one, digest, complaint.rule, x, complaint.entity, xref.entity_id if xref else None,
        complaint.field, complaint.place, complaint.found, complaint.expected, said.seq,
        changes.now, None, said.system,
    )  # fmt: skip
    changes.findings.append(row)
    context.world.open_findings.setdefault(x, {})[digest] = (one, complaint.rule)
    return True


def _is_open(context: Context, xref: Xref | None, digest: bytes) -> bool:
    if digest in context.world.open_findings.get(xref.x if xref else None, ()):
        return True
    if xref:
        return False  # the open findings of a key come into the world with it
    found = context.session.one(
        "select id from finding where digest = ? and closed_at is null", (digest,)
    )
    return found is not None


def _close(context: Context, changes: Changes, xs: set[int], current: set[bytes]) -> None:
    for x in xs:
        opened = context.world.open_findings.get(x)
        for digest, (one, rule) in list(opened.items()) if opened else ():
            if digest not in current and rule != "identity-contradicted":
                changes.closed.append((changes.now, one))
                del context.world.open_findings[x][digest]
