"""Reads a small JSON body strictly: what two readers could read in two ways is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from fastapi import Request

from hub.api.errors import Problem

_LARGEST = 65_536  # bytes
_DEEPEST = 32


async def read(request: Request, *also: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON in a request's body, whose media type may be one of `also`, too. Raises Problem:
    413 beyond 64 KiB, 415 for another media type, 400 for what is not JSON (RFC 8259) or repeats
    a name."""
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    if media not in ("application/json", *also):
        raise Problem(415, detail=f"expected {' or '.join(('application/json', *also))}")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, detail="expected no content encoding")
    kept = bytearray()
    async for chunk in request.stream():
        kept += chunk
        if len(kept) > _LARGEST:
            raise Problem(413, detail=f"expected at most {_LARGEST} bytes")
    return _parse(bytes(kept))


def _parse(body: bytes) -> Any:  # noqa: ANN401 - JSON
    if max(_depths(body), default=0) > _DEEPEST:
        raise Problem(400, "CROHUB-JSON-DEPTH", f"nested deeper than {_DEEPEST}")
    try:
        return json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=_constant, parse_int=_whole
        )
    except (ValueError, RecursionError):
        raise Problem(400, "CROHUB-JSON-SYNTAX", "the body is not JSON in UTF-8") from None


def _depths(body: bytes) -> Any:  # noqa: ANN401 - an iterator of ints
    depth = 0
    for byte in body:  # brackets in texts count too: a body of names and numbers has few
        depth += (byte in b"[{") - (byte in b"]}")
        yield depth


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem(400, "CROHUB-JSON-DUPLICATE", "an object has the same name twice")
    return found


def _constant(_: str) -> NoReturn:
    raise Problem(400, "CROHUB-JSON-NUMBER", "NaN and Infinity are no JSON")


def _whole(text: str) -> int:
    if len(text) > 19:
        raise Problem(400, "CROHUB-JSON-NUMBER", "a whole number has at most 18 digits")
    return int(text)
