"""Raw bodies at rest: compressed, sealed for their place, and back again byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import zstandard

from hub.seal import Keyring

_PLAIN, _PACKED = b"\x00", b"\x01"
_MANY = 8  # to begin with many costs as much as compressing two
_local = threading.local()  # a compressor is not safe to share between threads


def pack(keyring: Keyring, body: bytes, place: bytes) -> bytes:
    """`body` ready to be stored at `place`."""
    return keyring.seal(_marked(body, _compressor().compress(body)), place)


def pack_all(keyring: Keyring, some: Sequence[bytes], places: Sequence[bytes]) -> list[bytes]:
    """As `pack`, for many at once: other threads get one turn meanwhile, not one for each."""
    if len(some) < _MANY or not all(some):  # the compressor takes none without content
        return [pack(keyring, body, place) for body, place in zip(some, places, strict=True)]
    packed = _compressor().multi_compress_to_buffer(list(some))
    return [
        keyring.seal(_marked(body, packed[n].tobytes()), place)
        for n, (body, place) in enumerate(zip(some, places, strict=True))
    ]


def unpack(keyring: Keyring, cell: bytes, place: bytes) -> bytes:
    """The body that `pack` stored; b"" for one that was erased. Raises hub.seal.CannotOpen when
    it was altered or moved."""
    if not cell:
        return b""
    marked = keyring.open(cell, place)
    if marked[:1] == _PLAIN:
        return marked[1:]
    return _decompressor().decompress(marked[1:])


def place_of(connection: str, key: str) -> bytes:
    """Where a message's body is sealed for. A key that came again with another body is stored
    with `#` and a hash behind it, after its body was sealed: what stands before `#` counts."""
    return f"message|{connection}|{key.partition('#')[0]}".encode()


def _marked(body: bytes, packed: bytes) -> bytes:
    return _PACKED + packed if len(packed) < len(body) else _PLAIN + body


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(
            level=1, dict_data=_dictionary(), write_content_size=True
        )
    made: zstandard.ZstdCompressor = _local.compressor
    return made


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary())
    made: zstandard.ZstdDecompressor = _local.decompressor
    return made


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    # phrases that messages share; a stored body needs the same file to come back, so it only
    # ever gets successors with other names
    phrases = files("pipelines").joinpath("phrases-1.txt").read_bytes()
    return zstandard.ZstdCompressionDict(phrases, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
