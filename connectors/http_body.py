"""Reads an answer's body within limits of size and time, also when it is compressed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import httpx2

from connectors.errors import Refused
from connectors.http_policy import NoAnswer

_PIECE = 1 << 16


def whole(
    response: httpx2.Response, *, cap: int, seconds: float, now: Callable[[], datetime], told: str
) -> bytes:
    """The body. Raises Refused as soon as it is longer than `cap` bytes (after unpacking),
    NoAnswer when it has not come within `seconds`: a byte now and then is no answer."""
    ends = now() + timedelta(seconds=seconds)
    said = response.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:19]) > cap:
        raise _too_long(told, cap)
    body = bytearray()
    for piece in _pieces(response, told):
        body += piece
        if len(body) > cap:
            raise _too_long(told, cap)
        if now() > ends:
            raise NoAnswer(f"{told}: the answer did not end within {seconds:g} s")
    return bytes(body)


def lines(response: httpx2.Response, *, cap: int, told: str) -> Iterator[bytes]:
    """The lines of a body of any length, without their ends; empty ones are left out. Raises
    Refused for a line longer than `cap` bytes."""
    rest = bytearray()
    for piece in _pieces(response, told):
        rest += piece
        if b"\n" in piece:
            *done, last = rest.split(b"\n")
            rest = last
            yield from (bytes(line).strip() for line in done if line.strip())
        if len(rest) > cap:
            raise _too_long(told, cap)
    if rest.strip():
        yield bytes(rest.strip())


def _pieces(response: httpx2.Response, told: str) -> Iterator[bytes]:
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if packed in ("", "identity"):
        yield from response.iter_raw()
    elif packed in ("gzip", "x-gzip"):
        yield from _unpacked(response.iter_raw(), told)
    else:
        raise Refused(f"{told}: body packed as {packed!r}, expected gzip or none")


def _unpacked(pieces: Iterator[bytes], told: str) -> Iterator[bytes]:
    unpack, any_came = zlib.decompressobj(zlib.MAX_WBITS | 16), False
    try:
        for piece in pieces:
            left, any_came = piece, True
            while left and not unpack.eof:
                yield unpack.decompress(left, _PIECE)  # a bomb goes off in small pieces
                left = unpack.unconsumed_tail
        yield unpack.flush()
    except zlib.error:
        raise Refused(f"{told}: body is no gzip, which its headers promise") from None
    if any_came and not unpack.eof:
        raise NoAnswer(f"{told}: the packed body ended early")


def _too_long(told: str, cap: int) -> Refused:
    return Refused(
        f"{told}: answer longer than {cap} bytes; ask for smaller pages or raise `http.body_cap`"
    )
