"""Requests with a key of the caller's: each is carried out once, and answered the same when it
comes again (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub.database import Row, Session
from hub.seal import Keyring
from pipelines.journal import Also
from pipelines.writer import Writer

KEPT = 30 * 86_400_000_000  # microseconds that an answer is known
_RUNNING = 15_000_000  # after that the one who began it is taken for dead
Found = tuple[bytes, int, bytes | None]  # hash, at, answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Of one node. What changes goes through the journal's writer."""

    writer: Writer
    keyring: Keyring
    clock: Callable[[], int]

    def begin(self, digest: bytes, hash: bytes) -> str | bytes:
        """An answer: the one that was given before. `new`; `again`: it was begun and nobody knows
        what came of it, so that it is to be carried on; `running`; `other`: it asked for something
        else."""
        found: list[Found] = []
        now = self.clock()

        def enter(session: Session) -> None:
            session.run("delete from request where at < ?", (now - KEPT,))
            row = session.one("select hash, at, answer from request where digest = ?", (digest,))
            if row:
                found.append((bytes(row[0]), row[1], row[2]))
            else:
                _put(session, digest, hash, now)

        self.writer.keep([], also=[enter])
        return self._verdict(digest, hash, now, found[0]) if found else "new"

    def end(self, digest: bytes, answer: bytes | None) -> None:
        """What it was answered with; None: nothing yet, whoever comes again carries it on."""
        sealed = None if answer is None else self.keyring.seal(answer, _place(digest))
        at = self.clock() - (_RUNNING if answer is None else 0)
        sql = "update request set answer = ?, at = ? where digest = ?"
        self.writer.keep([], also=[_doing(sql, (sealed, at, digest))])

    def forget(self, digest: bytes) -> None:
        """It changed nothing and may be made anew."""
        sql = "delete from request where digest = ?"
        self.writer.keep([], also=[_doing(sql, (digest,))])

    def _verdict(self, digest: bytes, hash: bytes, now: int, found: Found) -> str | bytes:
        known, at, answer = found
        if known != hash:
            return "other"
        if answer is not None:
            return self.keyring.open(bytes(answer), _place(digest))
        return "running" if now - at < _RUNNING else "again"


def _doing(sql: str, values: Row) -> Also:
    def do(session: Session) -> None:
        session.run(sql, values)

    return do


def _put(session: Session, digest: bytes, hash: bytes, now: int) -> None:
    session.run(
        "insert into request (digest, hash, at, answer) values (?, ?, ?, null)", (digest, hash, now)
    )


def _place(digest: bytes) -> bytes:
    return b"request|" + digest.hex().encode() + b"|answer"
