"""Keys at work: sealing what is personal, and finding it again without opening it.

A sealed cell is `key id (1 byte) | nonce (12) | AES-256-GCM ciphertext and tag`, with
table|row|column as associated data, so that a cell moved elsewhere does not open. A blind index
is HMAC-SHA-256 under a key of its own, cut to 16 bytes (RFC 2104 §5).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_BLOCK = 64  # bytes that SHA-256 takes in at a time
_MARKS = [bytes([number]) for number in range(256)]


class CannotOpen(Exception):
    """A sealed cell does not open: another key, another place, or altered bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Keyring:
    """The sealing keys by id, the one new cells get, and the key of the blind index."""

    current: int
    ciphers: dict[int, AESGCM] = field(repr=False)
    index_key: bytes = field(repr=False)
    # HMAC's two hashes with the key taken in already (RFC 2104 §4): a third of the time
    _inner: Any = field(init=False, repr=False)
    _outer: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        key = self.index_key
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        for name, pad in (("_inner", 0x36), ("_outer", 0x5C)):
            object.__setattr__(self, name, hashlib.sha256(bytes(byte ^ pad for byte in block)))

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """`plain` encrypted for `place` (table|row|column)."""
        nonce = _nonces.next()
        sealed = self.ciphers[self.current].encrypt(nonce, plain, place)
        return _MARKS[self.current] + nonce + sealed

    def open(self, cell: bytes, place: bytes) -> bytes:
        """What was sealed for `place`. Raises CannotOpen, naming the place, never the content."""
        cipher = self.ciphers.get(cell[0])
        if cipher is None:
            raise CannotOpen(f"{place.decode()}: sealed with key {cell[0]}, which is not here")
        try:
            return cipher.decrypt(cell[1 : 1 + _NONCE], cell[1 + _NONCE :], place)
        except InvalidTag:
            raise CannotOpen(f"{place.decode()}: altered, or moved from another place") from None

    def digest(self, text: str) -> bytes:
        """The 16-byte blind index of `text`: equal texts, equal bytes; no way back."""
        inner = self._inner.copy()
        inner.update(text.encode())
        outer = self._outer.copy()
        outer.update(inner.digest())
        found: bytes = outer.digest()
        return found[:16]


class _Nonces(threading.local):
    """Random nonces, each handed out once; threads never share a block."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.next = _from_blocks().__next__


def _from_blocks() -> Iterator[bytes]:
    """Fetched from the kernel in blocks: a call for each would cost more than sealing."""
    while True:
        block = os.urandom(_NONCE * 256)
        yield from [block[at : at + _NONCE] for at in range(0, len(block), _NONCE)]


_nonces = _Nonces()


os.register_at_fork(after_in_child=_nonces.begin)  # a child must not repeat its parent's


def load(path: Path) -> Keyring:
    """The keyring kept in `path`; made there at the first start (mode 0600)."""
    if not path.exists():
        _create(path)
    kept = json.loads(path.read_text())
    keys = {int(number): AESGCM(base64.b64decode(key)) for number, key in kept["keys"].items()}
    return Keyring(int(kept["current"]), keys, base64.b64decode(kept["index"]))


def _create(path: Path) -> None:
    def fresh() -> str:
        return base64.b64encode(os.urandom(32)).decode()

    create(path, json.dumps({"current": 1, "keys": {"1": fresh()}, "index": fresh()}))


def create(path: Path, body: str) -> None:
    """A file of keys, readable by its owner alone (mode 0600); one that is there stays."""
    part = path.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)  # two first starts at once: the first key wins
    except FileExistsError:
        pass
    finally:
        part.unlink()
    sync(path.parent)


def sync(folder: Path) -> None:
    """The folder's entries on disk: what is sealed from now on must find its key again."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
