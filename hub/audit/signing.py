"""The key that signs the audit (Ed25519, RFC 8032), and lines of JSON under a signature.

A line is written once and never in another form: what does not read back to the very same bytes
is not the line that was signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from hub import seal
from hub.clock import iso

Line = dict[str, Any]
_FOR = b"crohub audit\n"  # a signature of ours is good for nothing else


class Altered(Exception):
    """A line is not as it was signed. Its text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Signer:
    """The key of a hub: the private half signs, `lines` introduce it and all keys before it."""

    id: str
    lines: tuple[bytes, ...]
    private: Ed25519PrivateKey = field(repr=False)

    def stamp(self, said: Line) -> bytes:
        """`said` as a line with this key's signature at its end."""
        text = orjson.dumps({**said, "key": self.id})
        signature = self.private.sign(_FOR + text).hex()
        return orjson.dumps({**said, "key": self.id, "signature": signature})


def load(path: Path, now: int) -> Signer:
    """The key kept in `path`; made there at the first start (mode 0600)."""
    if not path.exists():
        private = Ed25519PrivateKey.generate()
        one = key_id(public_of(private))
        signer = Signer(one, (), private)
        seal.create(path, _text(signer, [_introduced(signer, signer, now)]))
    kept = json.loads(path.read_text())
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept["private"]))
    lines = tuple(line.encode() for line in kept["lines"])
    return Signer(key_id(public_of(private)), lines, private)


def rotate(path: Path, now: int) -> Signer:
    """A new key in the place of the one in `path`, which vouches for it and is forgotten. What it
    has signed stays good: its public half is kept."""
    before = load(path, now)
    private = Ed25519PrivateKey.generate()
    after = Signer(key_id(public_of(private)), (), private)
    part = path.with_suffix(".new")
    part.unlink(missing_ok=True)
    seal.create(part, _text(after, [*before.lines, _introduced(after, before, now)]))
    part.replace(path)
    seal.sync(path.parent)
    return load(path, now)


def public_of(private: Ed25519PrivateKey) -> str:
    """The public half, in hex."""
    return private.public_key().public_bytes_raw().hex()


def key_id(public: str) -> str:
    """How a key is named: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def keys_in(lines: Iterable[bytes]) -> dict[str, str]:
    """Public keys by id, each introduced by one before it; the first by itself. Raises Altered."""
    known: dict[str, str] = {}
    for raw in lines:
        said = plain(raw)
        public = str(said.get("public", ""))
        if not known:
            known[_id(public)] = public
        read(raw, known)
        if said.get("id") != _id(public):
            raise Altered("a key that is not the one it is called")
        known[said["id"]] = public
    return known


def plain(raw: bytes) -> Line:
    """A line as it was written, its signature not looked at. Raises Altered."""
    try:
        said = orjson.loads(raw)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or orjson.dumps(said) != raw:
        raise Altered("is not as it was written")
    return said


def read(raw: bytes, known: Mapping[str, str]) -> Line:
    """What a line says that one of the `known` keys (public halves by id) has signed. Raises
    Altered."""
    said = plain(raw)
    signature, one = said.pop("signature", None), said.get("key")
    if not isinstance(signature, str) or not isinstance(one, str):
        raise Altered("has no signature")
    if one not in known:
        raise Altered(f"is signed with the key {one[:16]}, which is not known")
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(known[one]))
    try:
        key.verify(bytes.fromhex(signature), _FOR + orjson.dumps(said))
    except (InvalidSignature, ValueError):
        raise Altered("does not have the signature it had") from None
    if bytes.fromhex(signature).hex() != signature:
        raise Altered("is not as it was written")
    return said


def _introduced(new: Signer, by: Signer, now: int) -> bytes:
    public = public_of(new.private)
    return by.stamp({"kind": "key", "id": new.id, "public": public, "made_at": iso(now)})


def _text(signer: Signer, lines: Iterable[bytes]) -> str:
    private = signer.private.private_bytes_raw().hex()
    return json.dumps({"private": private, "lines": [line.decode() for line in lines]})


def _id(public: str) -> str:
    try:
        if len(public) != 64:
            raise ValueError
        return key_id(public)
    except ValueError:
        raise Altered("a key that is none") from None


__all__ = ["Altered", "Line", "Signer", "key_id", "keys_in", "load", "plain", "read", "rotate"]
