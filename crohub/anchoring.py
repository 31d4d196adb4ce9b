"""Signed heads of the audit in places outside the data folder: every so often, and at the end.

A place is a file, a folder or the address of a webhook. Where nothing has happened since the last
line, none is added. What a place that cannot be reached misses is in the next line it gets.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from connectors.address import origin
from connectors.errors import Misconfigured
from hub.audit import signing
from hub.audit.heads import Heads, heads, stamped
from hub.audit.signing import Altered, plain
from pipelines.places import Places
from pipelines.settings import Deployment

log = structlog.get_logger("audit")
NAME = "audit-heads.jsonl"
_LAST = 1 << 20  # bytes at a file's end that hold its last line
_TIMEOUT = 10.0  # seconds a webhook may take


@dataclass(frozen=True, slots=True)
class Anchors:
    """Where signed heads go."""

    files: tuple[Path, ...]
    hooks: tuple[str, ...]


def anchors(deployment: Deployment, data: Path) -> Anchors:
    """As hub.yaml says, else a file beside it. Raises Misconfigured for a place in the data folder:
    whoever could rewrite the audit could rewrite that too."""
    said = deployment.hub.audit.anchor or (NAME,)
    hooks = tuple(one for one in said if one.startswith(("http://", "https://")))
    files = tuple(_file(deployment.folder / one) for one in said if one not in hooks)
    for file in files:
        if data.resolve() in file.resolve().parents:
            raise Misconfigured(
                f"hub.yaml: audit.anchor: {file} lies in the data folder; expected a place outside"
            )
    return Anchors(files, hooks)


def _file(said: Path) -> Path:
    return said / NAME if said.is_dir() else said


@dataclass(slots=True)
class Anchoring:
    """Signs the heads of one hub. `trouble` says, by place, why it could not be written."""

    places: Places
    anchors: Anchors
    clock: Callable[[], int]
    trouble: dict[str, str] = field(default_factory=dict)
    _told: dict[str, Heads] = field(default_factory=dict)  # webhook → what it was last told

    def tick(self) -> None:
        """One round: whatever place has not heard of the newest entries hears of them."""
        session = self.places.hub(read_only=self.places.embedded)
        try:
            found = heads(session)
        finally:
            session.close()
        if not found:
            return
        signer = signing.load(self.places.signing_key, self.clock())
        for file in self.anchors.files:
            self._try(str(file), lambda: self._write(file, signer, found))  # noqa: B023 - at once
        for hook in self.anchors.hooks:  # its path or query may hold a secret
            self._try(origin(hook), lambda: self._post(hook, signer, found))  # noqa: B023 - at once

    def _try(self, place: str, do: Callable[[], None]) -> None:
        try:
            do()
        except OSError as error:
            if self.trouble.get(place) != str(error):
                log.error("audit heads not written", place=place, error=str(error))
            self.trouble[place] = str(error)
        else:
            self.trouble.pop(place, None)

    def _write(self, file: Path, signer: signing.Signer, found: Heads) -> None:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "rb+", buffering=0) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # nodes may share a place
            stream.seek(max(0, file.stat().st_size - _LAST))
            end = stream.read()
            last = end.rstrip(b"\n").rpartition(b"\n")[2]
            if _says(last) == found:
                return
            torn = b"\n" if end and not end.endswith(b"\n") else b""  # a power cut in the middle
            stream.write(torn + stamped(signer, found, self.clock(), last) + b"\n")
            os.fsync(stream.fileno())

    def _post(self, hook: str, signer: signing.Signer, found: Heads) -> None:
        if self._told.get(hook) == found:
            return
        _send(hook, stamped(signer, found, self.clock()))
        self._told[hook] = found


def _says(line: bytes) -> Heads:
    try:
        said = plain(line)
    except Altered:
        return {}
    chains = said.get("chains", {})
    return {chain: (n, hash_) for chain, (n, hash_) in chains.items()}


def _send(hook: str, line: bytes) -> None:
    """Raises OSError when it is not taken; the address, which may hold a secret, is not told."""
    import httpx2

    try:
        answer = httpx2.post(
            hook, content=line, headers={"Content-Type": "application/json"}, timeout=_TIMEOUT
        )
    except httpx2.HTTPError as error:
        raise OSError(f"{type(error).__name__}; expected an answer") from None
    if not answer.is_success:
        raise OSError(f"it answered {answer.status_code}; expected 2xx")
