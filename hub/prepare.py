"""Turns statements into lookups: the digests a batch needs are known before anything is read.

It is pure and the larger part of reading a message, so it is done where messages are mapped
(`prepared`, in JSON's terms) and read where they are settled (`understood`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

from hub.dates import micros
from hub.identity import Token, key_digest, tokens
from hub.load import owner_of
from hub.model.spec import EntitySpec, entities
from hub.said import Prepared, Referred, Said, Understood
from hub.seal import Keyring
from hub.statement import (
    Complaint,
    Gone,
    Identifier,
    Meaning,
    Ref,
    SameAs,
    Seen,
    Statement,
    plain_value,
)

Digest = Callable[[str, str], str]  # (entity, native key) → its digest in hex
Plain = list[Any]  # what JSON can carry
_PLAIN = frozenset((str, int, bool))  # what is plain as it is
_micros = lru_cache(maxsize=64)(micros)  # a message says all it says with one time


def prepared(keyring: Keyring, system: str, meaning: Meaning) -> Plain:
    """What `system` means, with the digests of every key and identifier it names."""
    known: dict[tuple[str, str], str] = {}  # a message names a key more than once

    def digest(entity: str, native: str) -> str:
        key = (entity, native)
        if key not in known:
            known[key] = key_digest(keyring, entity, system, native).hex()
        return known[key]

    return [
        [_plain(keyring, digest, one) for one in meaning.statements],
        [
            [c.rule, c.place, c.expected, c.found, c.entity, c.key, c.field]
            for c in meaning.complaints
        ],
        meaning.unread,
        *([[s.entity, s.id, s.version]] if (s := meaning.seen) else []),
    ]


def understood(plain: Plain) -> Understood:
    """The inverse of `prepared`."""
    statements, complaints, unread, *seen = plain
    made = [_READ[one[0]](*one) for one in statements]
    before = Seen(*seen[0]) if seen else None
    if not complaints:
        return Understood(made, (), unread, before)
    return Understood(
        made,
        [
            Complaint(rule=r, place=p, expected=x, found=f, entity=e, key=k, field=n)
            for r, p, x, f, e, k, n in complaints
        ],
        unread,
        before,
    )


def prepare(keyring: Keyring, said: Said) -> list[Prepared]:
    """A message's statements, in order; whatever was not prepared yet is."""
    meaning = said.meaning
    if isinstance(meaning, Meaning):
        meaning = understood(prepared(keyring, said.system, meaning))
    return meaning.statements


def keys_of(batch: Sequence[Sequence[Prepared]]) -> set[bytes]:
    """The digests of all native keys a batch names."""
    keys: set[bytes] = set()
    for message in batch:
        for one in message:
            keys.add(one.digest)
            if one.retired:
                keys.add(one.retired)
            if one.refs:
                keys.update(digest for _, digest, _, _ in one.refs.values() if digest)
    return keys


def ids_of(batch: Sequence[Sequence[Prepared]], seen: Iterable[Seen]) -> set[tuple[str, str]]:
    """The records that a batch names by our own ids: entity and id."""
    found = {(one.entity, one.id) for one in seen}
    for message in batch:
        for one in message:
            if one.of:
                found.add((one.owner.name, one.of))
            for owner, digest, native, _ in one.refs.values():
                if native and not digest:
                    found.add((owner.name, native))
    return found


def identifiers_of(batch: Sequence[Sequence[Prepared]]) -> dict[bytes, bytes]:
    """The digests of all identifiers a batch names, and what each is found by."""
    found: dict[bytes, bytes] = {}
    for message in batch:
        for one in message:
            for token in one.tokens:
                found[token.digest] = token.find
            for _, _, _, given in one.refs.values():
                found.update((token.digest, token.find) for token in given)
    return found


def _plain(keyring: Keyring, digest: Digest, statement: Statement) -> Plain:
    entity = statement.entity
    owner = _specs(entity)[1]
    if isinstance(statement, SameAs):
        kept, retired = statement.kept, statement.retired
        digests = (digest(owner.name, kept), digest(owner.name, retired))
        said = "linked" if statement.linked else "same"
        return [said, entity, kept, digests[0], retired, digests[1], statement.withdrawn]
    at = _micros(statement.at) if statement.at else None
    key = statement.key
    if isinstance(statement, Gone):
        return ["gone", entity, key, digest(owner.name, key), at]
    fields = dict(statement.fields)
    refs: dict[str, Plain] = {}
    for name in [name for name, value in fields.items() if type(value) not in _PLAIN]:
        value = fields[name]
        if type(value) is Ref:
            fields[name], refs[name] = None, _reference(keyring, digest, value)
        else:
            fields[name] = plain_value(value)
    kind = "complete" if statement.complete else "stated"
    given = _tokens(keyring, owner, statement.identifiers)
    return [
        kind, entity, key, digest(owner.name, key), given, fields, refs, at, statement.version,
        *([statement.of] if statement.of else []),
    ]  # fmt: skip


def _reference(keyring: Keyring, digest: Digest, ref: Ref) -> Plain:
    owner = _specs(ref.entity)[1]
    named = digest(owner.name, ref.key) if ref.key and not ref.id else ""
    return [owner.name, named, ref.id or ref.key, _tokens(keyring, owner, ref.identifiers)]


def _tokens(keyring: Keyring, owner: EntitySpec, given: Sequence[Identifier]) -> list[Plain]:
    return [
        [
            t.digest.hex(),
            t.find.hex(),
            t.type,
            t.assigner,
            t.value,
            t.strong,
            t.single,
            *((t.since, t.until) if t.since or t.until else ()),
        ]
        for t in tokens(keyring, owner, given)
    ]


def _stated(
    kind: Any,  # noqa: ANN401 - read from JSON
    entity: str,
    key: str,
    digest: str,
    given: list[Plain],
    fields: dict[str, Any],
    refs: dict[str, Plain],
    at: int | None,
    version: str,
    of: str = "",
) -> Prepared:
    spec, owner = _specs(entity)
    held = _held(given) if given else ()
    known = {name: _referred(*ref) for name, ref in refs.items()} if refs else {}
    return Prepared(
        kind, spec, owner, key, bytes.fromhex(digest), held, fields, known, at, version, of=of
    )


def _gone(_kind: str, entity: str, key: str, digest: str, at: int | None) -> Prepared:
    return Prepared("gone", *_specs(entity), key, bytes.fromhex(digest), at=at)


def _same(
    kind: Any,  # noqa: ANN401 - read from JSON
    entity: str,
    kept: str,
    digest: str,
    retired: str,
    other: str,
    withdrawn: object,
) -> Prepared:
    return Prepared(
        kind,
        *_specs(entity),
        kept,
        bytes.fromhex(digest),
        retired_key=retired,
        retired=bytes.fromhex(other),
        withdrawn=bool(withdrawn),
    )


_READ: dict[str, Callable[..., Prepared]] = {
    "stated": _stated, "complete": _stated, "gone": _gone, "same": _same,
    "linked": _same,
}  # fmt: skip


def _referred(entity: str, digest: str, key: str, given: list[Plain]) -> Referred:
    return (entities()[entity], bytes.fromhex(digest), key, _held(given))


def _held(given: list[Plain]) -> tuple[Token, ...]:
    read = bytes.fromhex
    return tuple(
        [
            Token(read(digest), read(find), type_, assigner, value, strong, single, *period)
            for digest, find, type_, assigner, value, strong, single, *period in given
        ]
    )


@cache
def _specs(entity: str) -> tuple[EntitySpec, EntitySpec]:
    """An entity and the one whose keys it goes by."""
    spec = entities()[entity]
    return spec, entities()[owner_of(spec)]
