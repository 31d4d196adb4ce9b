"""Turns statements into lookups: the digests a batch needs are known before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.context import Context
from hub.identity import Token, key_digest, tokens
from hub.load import owner_of
from hub.model.spec import EntitySpec, entities
from hub.said import Prepared, Said
from hub.statement import Ref, SameAs, Stated, Statement

Digest = Callable[[str, str, str], bytes]  # (entity, system, native key)


def prepare(context: Context, batch: Sequence[Said]) -> list[list[Prepared]]:
    """For each message its statements, in order, with the digests of every key they name."""
    known: dict[tuple[str, str, str], bytes] = {}  # a batch names a key more than once

    def digest(entity: str, system: str, native: str) -> bytes:
        key = (entity, system, native)
        if key not in known:
            known[key] = key_digest(context, entity, system, native)
        return known[key]

    return [
        [_prepared(context, digest, said.system, one) for one in said.meaning.statements]
        for said in batch
    ]


def keys_of(prepared: Sequence[Sequence[Prepared]]) -> set[bytes]:
    """The digests of all native keys a batch names."""
    keys: set[bytes] = set()
    for message in prepared:
        for one in message:
            keys.add(one.digest)
            if one.retired:
                keys.add(one.retired)
            keys.update(digest for _, digest, _ in one.refs.values() if digest)
    return keys


def identifiers_of(prepared: Sequence[Sequence[Prepared]]) -> set[bytes]:
    """The digests of all identifiers a batch names."""
    found: set[bytes] = set()
    for message in prepared:
        for one in message:
            found.update(token.digest for token in one.tokens)
            for _, _, given in one.refs.values():
                found.update(token.digest for token in given)
    return found


def _prepared(context: Context, digest: Digest, system: str, statement: Statement) -> Prepared:
    spec = entities()[statement.entity]
    owner = entities()[owner_of(spec)]
    if isinstance(statement, SameAs):
        kept = digest(owner.name, system, statement.kept)
        retired = digest(owner.name, system, statement.retired)
        return Prepared(statement, spec, owner, kept, retired=retired)
    made = Prepared(statement, spec, owner, digest(owner.name, system, statement.key))
    if isinstance(statement, Stated):
        made.tokens = tokens(context, owner, statement.identifiers)
        for name, value in statement.fields.items():
            if isinstance(value, Ref):
                made.refs[name] = _reference(context, digest, system, value)
    return made


def _reference(
    context: Context, digest: Digest, system: str, ref: Ref
) -> tuple[EntitySpec, bytes, tuple[Token, ...]]:
    spec = entities()[ref.entity]
    owner = entities()[owner_of(spec)]
    given = tokens(context, owner, ref.identifiers)
    named = digest(owner.name, system, ref.key) if ref.key else b""
    return (owner, named, given)
