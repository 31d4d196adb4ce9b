"""The contract: a connector is its own settings plus the verbs it can do.

`pull`, `push` and `check` are synchronous and are called from a thread; `listen` is a coroutine
because one loop holds many sockets.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, PrivateAttr

from connectors.facts import Facts
from connectors.record import Delivery, Receipt, Record
from connectors.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What `check` found: can the system be reached, does it let us in, what is it?"""

    ok: bool
    detail: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The hub's word on one record, given only after it is on disk.

    `kept`: stored, now or before with the same body; one effect. `conflict`: the key is known
    with another body; stored beside it and parked. `unread`: stored and set aside, no pipeline
    reads this stream. `refused`: stored, but not acceptable here (`reason` says why).
    `full`: not stored, there is no room; the sender must keep it.
    """

    outcome: Literal["kept", "conflict", "unread", "refused", "full"]
    reason: str = ""
    again: bool = False  # it had been stored before


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a connection's address on the hub's own server, its bytes as they came.
    Names of headers are in lower case; `rest` is the path behind the connection's name."""

    headers: Mapping[str, str]
    body: bytes
    rest: str = ""

    def header(self, name: str) -> str:
        """A header's value, "" where there is none."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP status, and the seconds until the caller may try again (0: nothing is said)."""

    status: int
    after: int = 0


# Told host and port (0: the hub's own) once connections are taken.
Started = Callable[[str, int], None]

# Hands a record over. The future resolves after the fsync; it never raises for a bad record.
Accept = Callable[[Record], "Future[Accepted]"]


class Connector(BaseModel):
    """Settings of one connected system. Subclasses add fields and at least one verb."""

    # hidden: a secret written where its reference belongs must not reach a log
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    # True: nothing is said to it before a person has approved it
    decided: ClassVar[bool] = False
    facts: ClassVar[Facts] = Facts()

    _world: World = PrivateAttr(default_factory=World)

    def within(self, world: World) -> Self:
        """The same connection in other surroundings."""
        other = self.model_copy()
        other._world = world  # noqa: SLF001 - our own, of another instance
        return other

    def check(self) -> Health:
        """Is the system reachable, are we let in, which version answers? Never raises for a
        system that is down: that is the answer. Changes nothing there."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to check it")


@runtime_checkable
class Pulls(Protocol):
    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """Records of `stream` after cursor `since` ("" = from the beginning), oldest first.

        Resuming from any record's cursor loses nothing; repeating is allowed. Raises TryLater,
        Refused or Misconfigured; what was yielded before the raise stands.
        """
        ...


@runtime_checkable
class Whole(Protocol):
    def is_whole(self, stream: str) -> bool:
        """Is a pull of `stream` always the whole list, so that what is missing has gone?

        Each record names its thing (`Record.of`), once a list; unchanged content has an
        unchanged `message_key`. Records without cursors: each pull reads the list from its
        beginning, and one that brings nothing is an empty list. With cursors: a pull gives one
        list, the next after `since`, and nothing when there is none.
        """
        ...


@runtime_checkable
class Listens(Protocol):
    async def listen(self, accept: Accept) -> None:
        """Serve until cancelled. A sender is answered only after `accept`'s future resolved."""
        ...


@runtime_checkable
class Hooked(Listens, Protocol):
    """Listens at `/hooks/<connection>` of the hub's own server instead of a port of its own."""

    @property
    def largest(self) -> int:
        """Bytes of a body; of a longer one nothing is read."""
        ...

    async def receive(self, call: Call) -> Reply:
        """Called while `listen` runs, and answered 2xx only after `accept`'s future resolved."""
        ...


@runtime_checkable
class Pushes(Protocol):
    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Say these, in order; one receipt each, same order. Delivering the same id twice must
        leave one thing there. Raises TryLater or Misconfigured only when nothing was sent."""
        ...


@runtime_checkable
class Counts(Protocol):
    def counts(self) -> Mapping[str, int]:
        """What happened since this connector was made that no record tells of: connections that
        were refused, frames that were too large. The same few names each time."""
        ...


@runtime_checkable
class Answers(Protocol):
    def answer(self, body: bytes, *, id: str, fault: str, now: datetime) -> Delivery | None:
        """What a sender that asked for it (`Record.answer`) is told of its message once that is
        settled, to be pushed; None when it wants no such answer. `fault` says why the message
        was not taken, as a code of HL7 table 0357; "": it was. The same `id` again is the same
        answer again. Never a value of the message."""
        ...
