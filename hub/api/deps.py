"""What the API needs from whoever puts the server together, and its sessions for reading."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from hub.checks.settings import Checks
from hub.database import Session
from hub.policy import Policy
from hub.principal import Principal
from hub.provenance import Sources, Story
from hub.reader import Saw
from hub.seal import Keyring
from hub.watch import Watch

_BEGIN = {"sqlite": "begin", "postgresql": "begin isolation level repeatable read read only"}


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a message by now. `done`: settled; `late`: the record had changed before;
    `waiting`, `held`: not settled yet; anything else: not taken, for `reason`."""

    seq: int
    state: str
    reason: str = ""


class Once(Protocol):
    """Requests with a key of the caller's, by digest: each is carried out once."""

    def begin(self, digest: bytes, hash: bytes) -> str | bytes:
        """The answer that was given before, or: new, again, running, other."""
        ...

    def end(self, digest: bytes, answer: bytes | None) -> None:
        """Keeps an answer; None: there is none yet."""
        ...

    def forget(self, digest: bytes) -> None:
        """Nothing was changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """`system_of`: for which system somebody speaks, "" for none. `say`: stores a message of
    theirs (body, key, and what the audit calls it) and waits a little for its settling."""

    system_of: Callable[[Principal], str]
    say: Callable[[Principal, bytes, str, str], Came]
    once: Once


class Busy(Exception):
    """Every session is in use, and stayed so for as long as a caller should wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the change feed is followed, in seconds: between looks at the store, between signs of
    life, between looks whether a key still opens; how long a reader may take no byte, and a
    failing store be left alone."""

    poll: float = 0.25
    heartbeat: float = 15.0
    recheck: float = 5.0
    stall: float = 60.0
    calm: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """`open_session` opens a session for reading only. `open_paths` need no key: health, and
    whatever has a way of its own to know its callers (a path that ends in / covers all below).
    `embedded`: the store is a SQLite file, which tells when something was committed. `refused` is
    told who was turned away, or "" for nobody known, from where and at what. `policy` is the one in
    force, `sources` what is known of messages, `forms` how provenance is written besides: media
    type and what makes the document. `noted` tells the audit of an export: whose, of what."""

    open_session: Callable[[], Session]
    keyring: Keyring
    clock: Callable[[], int]
    saw: Saw
    open_paths: tuple[str, ...] = ("/healthz", "/readyz")
    # gives an order in somebody's name: what came of it, None where that is not known yet
    order: Callable[[Principal, dict[str, Any]], dict[str, Any] | None] | None = None
    sessions: int = 8
    streams: int = 64  # that follow the change feed at a time
    pace: Pace = Pace()
    ending: Callable[[], bool] = lambda: False  # whether the server has been told to end
    refused: Callable[[str, str, str], None] = lambda who, origin, what: None
    embedded: bool = False
    policy: Policy = field(default_factory=Policy)
    checks: Checks = field(default_factory=Checks)
    sources: Sources = lambda seqs: {}
    forms: Mapping[str, tuple[str, Callable[[Story], Any]]] = field(default_factory=dict)
    writing: Writing | None = None  # how a write becomes a message; None: there are none
    noted: Callable[[Principal, str, dict[str, Any]], None] = lambda who, what, detail: None


@contextmanager
def moment(session: Session) -> Iterator[None]:
    """Whatever is read within is of one moment of the store."""
    session.raw.execute(_BEGIN[session.dialect])
    yield
    session.raw.commit()


class Sessions:
    """A few sessions for reading, opened when they are first needed and used in turn.

    `watch` tells whether what they showed can have changed; only the event loop may ask it.
    """

    def __init__(
        self,
        open_session: Callable[[], Session],
        most: int,
        patience: float = 5.0,
        *,
        embedded: bool = False,
    ) -> None:
        self.watch = Watch(open_session, embedded=embedded)
        self._open = open_session
        self._patience = patience
        self._room = threading.BoundedSemaphore(most)
        self._idle: list[Session] = []

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that shows one moment of the store. Raises Busy when none becomes free.

        After a failure the session is closed: nobody knows what state it is in.
        """
        if not self._room.acquire(timeout=self._patience):
            raise Busy
        try:
            session = self._take()
            try:
                with moment(session):
                    yield session
            except BaseException:
                session.close()
                raise
            self._idle.append(session)
        finally:
            self._room.release()

    def close(self) -> None:
        """Closes what is idle; call it when no request runs any more."""
        self.watch.close()
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Session:
        try:
            return self._idle.pop()  # atomic, and last in, first out keeps caches warm
        except IndexError:
            return self._open()
