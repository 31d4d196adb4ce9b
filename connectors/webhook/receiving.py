"""Receives events over the hub's own HTTP server: kept as they came, answered once on disk."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import ClassVar, Literal

import orjson
from pydantic import Field, PrivateAttr

from connectors.errors import Misconfigured, Refused
from connectors.facts import Facts
from connectors.pagers import MaybePath, find
from connectors.protocol import Accept, Call, Connector, Health, Reply, Started
from connectors.record import Record
from connectors.secrets import reveal
from connectors.webhook.proof import Header, NotTrusted, Proof, SecretPath

_STREAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,79}")
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SOON = 5  # seconds until a sender that met a full house may come back
_LATER = 60


@dataclass(slots=True)
class _Desk:
    """What is at hand while it listens."""

    accept: Accept
    loop: asyncio.AbstractEventLoop
    waiting: int = 0


class Webhook(Connector):
    """Events that are posted to `/hooks/<connection>`.

    `verification` is how the sender proves who it is. An event is known by `id_header`; without
    one by its content (`hash`), or each call is an event of its own (`new`), as it must be where
    equal bytes mean that something happened again. Its stream is named by a header or by a path
    into its JSON, else it is `stream`.
    """

    facts: ClassVar[Facts] = Facts(
        pulls="events posted to the hub",
        incremental="sent as it happens",
        deletes="events",
        auth="Standard Webhooks, HMAC, bearer",
        tested="standardwebhooks",
    )

    verification: Proof = Field(description="How the sender proves who it is.")
    id_header: Header = Field(
        default="webhook-id", description="The header by which an event is known."
    )
    without_id: Literal["hash", "new"] = Field(
        default="hash",
        description="Without the header equal bytes are one event (hash), or each call (new).",
    )
    stream: str = Field(
        default="event",
        pattern=f"^{_STREAM.pattern}$",
        description="The stream of an event that does not say its own.",
    )
    stream_header: Header | Literal[""] = Field(
        default="", description="The header that names the stream; empty: none does."
    )
    stream_path: MaybePath = Field(
        default="", description="Where the JSON names the stream, a JMESPath; empty: nowhere."
    )
    media: str = Field(default="application/json", description="The media type of the body.")
    largest: int = Field(
        default=1 << 20, gt=0, description="Bytes of one event; a larger one is refused."
    )
    max_unanswered: int = Field(
        default=64, ge=1, description="Events held in memory until they are stored."
    )

    _desk: _Desk | None = PrivateAttr(default=None)

    def check(self) -> Health:
        """Can the secrets be read? The address is the hub's own."""
        try:
            for name, value in self.verification:
                if name in ("secret", "former_secret", "token") and value is not None:
                    reveal(value)
        except Misconfigured as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=f"listens at /hooks/, proof: {self.verification.kind}")

    async def listen(self, accept: Accept, *, started: Started | None = None) -> None:
        """Takes events until cancelled; they come by `receive`."""
        self._desk = _Desk(accept, asyncio.get_running_loop())
        if started:
            started("/hooks/", 0)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._desk = None

    async def receive(self, call: Call) -> Reply:
        """The answer to one call, given once the event is on disk. Nothing is said about why a
        call is not trusted."""
        if len(call.body) > self.largest:
            return Reply(413)
        try:
            sent = self._proven(call)
        except NotTrusted as error:
            return Reply(404 if error.unknown else 401)
        except Misconfigured:  # `check` and the doctor say what
            return Reply(503, after=_LATER)
        desk = self._desk
        if desk is None or desk.waiting >= self.max_unanswered:
            return Reply(503, after=_SOON if desk else _LATER)
        desk.waiting += 1
        try:
            said = await desk.accept(self._record(call, sent or self._world.now()))
        finally:
            desk.waiting -= 1
        return Reply(503, after=_SOON) if said.outcome == "full" else Reply(202)

    def _proven(self, call: Call) -> datetime | None:
        """When the call was sent, where its proof says so. Raises NotTrusted."""
        if call.rest and not isinstance(self.verification, SecretPath):
            raise NotTrusted(unknown=True)
        return self.verification.prove(call, self._world.now())

    def _record(self, call: Call, at: datetime) -> Record:
        stream, fault, note = self._stream(call)
        return Record(
            stream=stream,
            message_key=self._key(call, at),
            at=at,
            body=call.body,
            media=self.media,
            fault=fault,
            notes=(note,) if note else (),
        )

    def _key(self, call: Call, at: datetime) -> str:
        named = call.header(self.id_header)
        if _ID.fullmatch(named):
            return named
        digest = sha256(call.body).hexdigest()[:32]
        if self.without_id == "hash":
            return f"sha256/{digest}"
        return f"{self._world.now().isoformat()}/{digest[:16]}"

    def _stream(self, call: Call) -> tuple[str, str, str]:
        """(stream, fault, note): where the event does not say which, it is `stream`."""
        said: object = call.header(self.stream_header) if self.stream_header else ""
        if self.stream_path:
            try:
                said = find(self.stream_path, orjson.loads(call.body))
            except (orjson.JSONDecodeError, Refused):
                return self.stream, "no JSON in which `stream_path` could look", ""
        if not (self.stream_path or self.stream_header):
            return self.stream, "", ""
        if isinstance(said, str) and _STREAM.fullmatch(said):
            return said, "", ""
        return self.stream, "", "the event names no stream where one is expected"
