"""Settles a batch of messages: assertions, identity, fold, versions, audit; one transaction.

Everything is planned in memory and written with one statement a table. The caller opens the
transaction and puts its own done-marks into it; when it fails, call `forget`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hub import approve, asking, audit, called
from hub.admission import is_admitted, people_in
from hub.assertions import assert_one, withdraw_earlier
from hub.conclude import conclude
from hub.context import Changes, Context
from hub.findings import complain
from hub.load import load, load_things
from hub.locks import lock
from hub.prepare import identifiers_of, ids_of, keys_of, prepare
from hub.said import Prepared, Said, Settled
from hub.write import write


def settle(context: Context, batch: Sequence[Said]) -> Settled:
    """Applies messages in order. Raises nothing for what a message says; whatever is raised
    (a full disk, a lost connection, a fault of ours) has changed nothing that is committed."""
    prepared = [prepare(context.keyring, said) for said in batch]
    keys, identifiers = keys_of(prepared), identifiers_of(prepared)
    seen = [s.meaning.seen for s in batch if s.meaning.seen]
    named = called.homes(context, ids_of(prepared, seen))
    lock(context, keys | called.keys_of(context, named), identifiers)
    if not context.keeps:
        context.world.clear()
    load(context, keys, identifiers)
    load_things(context, named)
    changes, settled = Changes(now=context.clock()), Settled()
    for said, statements in zip(batch, prepared, strict=True):
        settle_one(context, changes, settled, said, statements)
    write(context, changes)
    asking.put(context, changes)
    approve.put(context, changes)
    trail(context, changes, settled, batch)
    settled.born = changes.born
    return settled


def settle_one(
    context: Context,
    changes: Changes,
    settled: Settled,
    said: Said,
    statements: Sequence[Prepared],
) -> None:
    """Applies one message, or holds it back when it speaks only of people in no study."""
    if said.admission == "known_only" and not is_admitted(context, statements):
        settled.held += [(digest, said.seq) for digest in people_in(statements)]
        return
    if said.meaning.seen and not said.again and not called.is_so(context, said.meaning.seen):
        settled.late.append(said.seq)
        return
    changes.touched, before = {}, len(changes.versions)
    if said.again:
        withdraw_earlier(context, changes, said.seq)
    for one in statements:
        assert_one(context, changes, said, one)
    conclude(context, changes, said)
    complain(context, changes, said, statements)
    settled.done.append(said.seq)
    settled.unchanged += len(changes.versions) == before


def forget(context: Context) -> None:
    """After a failed transaction: drop what memory believed, the store knows better."""
    context.world.clear()
    context.fed.clear()
    context.numbers.last.clear()
    context.numbers.waiting.clear()


def trim(context: Context) -> None:
    """After a commit: keep memory bounded."""
    if len(context.world.things) > context.world_bound:
        context.world.clear()


def trail(context: Context, changes: Changes, settled: Settled, batch: Sequence[Said]) -> None:
    """Automatic changes enter the audit as one entry a batch, with the digest of its versions."""
    settled.versions = len(changes.versions)
    if not changes.versions:
        return
    digest = hashlib.sha256()
    for row in changes.versions:
        digest.update(audit.version_text(row))
    detail = (
        f'{{"versions":{len(changes.versions)},"first":{changes.versions[0][0]},'
        f'"last":{changes.versions[-1][0]},"sha256":"{digest.hexdigest()}"}}'
    )
    entry = audit.Entry(
        at=changes.now,
        actor=f"settler:{context.chain}",
        action="settle",
        object=f"messages {batch[0].seq}..{batch[-1].seq}",
        reason=f"policy {context.policy.revision or 'default'}",
        detail=detail,
    )
    audit.append(context.session, context.chain, [entry])
