"""HL7 v2 over MLLP: a listener that answers for what is stored, and a sender that reads answers."""

from __future__ import annotations

import ipaddress
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, field_validator, model_validator

from connectors.errors import Misconfigured
from connectors.facts import Facts
from connectors.formats.er7_header import header
from connectors.formats.er7_time import write_time
from connectors.hl7v2.answer import From, Refusal, application_answer
from connectors.hl7v2.intake import MEDIA, VERSIONS, Rules
from connectors.hl7v2.listener import COUNTED, Desk, Limits, Started, serve
from connectors.hl7v2.sender import Line, Target, reach
from connectors.hl7v2.tls import Tls, client_context, server_context
from connectors.protocol import Accept, Connector, Health
from connectors.record import Delivery, Receipt


class Hl7v2(Connector):
    """One HL7 v2 interface: `port` to listen on, or `target_host` and `target_port` to send to."""

    facts: ClassVar[Facts] = Facts(
        pulls="listens: ADT, SIU, MFN, PMU, DFT, MDM, ORM, ORU, CRM, CSU",
        incremental="sent as it happens",
        deletes="events (A11, S17, B03, C02 …)",
        pushes="any message, original and enhanced acknowledgement",
        auth="TLS, mutual TLS",
        tested="python-hl7",
    )

    host: str = Field(default="127.0.0.1", description="The address of this machine to listen on.")
    port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="The port to listen on; 0: any that is free; unsaid: only sends.",
    )
    tls: Tls | None = Field(
        default=None, description="The listener's certificate, and which clients are let in."
    )
    insecure: bool = Field(default=False, description="Listens beyond this machine without TLS.")
    target_host: str = Field(default="", description="The host to send to; empty: only listens.")
    target_port: int = Field(default=2575, ge=1, le=65535, description="The port to send to.")
    target_tls: Tls | None = Field(
        default=None, description="TLS of the sender; unsaid: sends without."
    )

    accepts: tuple[str, ...] = Field(
        default=(), description="Types that are taken: ADT, ADT^A01; none: every type."
    )
    versions: tuple[str, ...] = Field(
        default=VERSIONS, description="Versions of HL7, MSH-12, that are taken."
    )
    no_control_id: Literal["refuse", "hash"] = Field(
        default="refuse", description="Without MSH-10 a message is refused, or known by its hash."
    )
    reused_control_id: Literal["refuse", "accept"] = Field(
        default="refuse", description="Other content under an MSH-10 again is refused or accepted."
    )
    charset: Literal["strict", "tolerant"] = Field(
        default="strict",
        description="Strict believes MSH-18; tolerant lets it be wrong about the bytes.",
    )
    application: str = Field(
        default="", description="MSH-3 of our answers; empty: as we were addressed."
    )
    facility: str = Field(
        default="", description="MSH-4 of our answers; empty: as we were addressed."
    )
    timezone: str = Field(
        default="UTC", description="Time zone of times without an offset, e.g. Europe/Berlin."
    )

    max_frame: int = Field(
        default=16 * 1024 * 1024,
        ge=1024,
        description="Bytes of one message; a larger one is refused.",
    )
    idle_timeout: float = Field(
        default=30.0, gt=0, description="Seconds between two pieces of a message."
    )
    frame_timeout: float = Field(default=120.0, gt=0, description="Seconds for a whole message.")
    ack_timeout: float = Field(
        default=30.0, gt=0, description="Seconds that the sender waits for an answer."
    )
    max_connections: int = Field(
        default=1000, ge=1, description="Connections that are held at once."
    )
    max_unanswered: int = Field(
        default=64, ge=1, description="Messages of one connection that wait for their answer."
    )

    _counts: Counter[str] = PrivateAttr(default_factory=Counter)
    _line: Line | None = PrivateAttr(default=None)

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"no time zone is called {value!r}; e.g. Europe/Berlin") from None
        return value

    @field_validator("application", "facility")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        if any(char in "|\\\r\n" or char < " " for char in value):
            raise ValueError("expected a name without | \\ or line ends")
        return value

    @model_validator(mode="after")
    def _does_something(self) -> Hl7v2:
        if self.port is None and not self.target_host:
            raise ValueError("expected port (to listen), or target_host (to send)")
        if self.port is not None and not (self.tls or self.insecure or _is_local(self.host)):
            raise ValueError(
                f"listening on {self.host} without tls: patients' data would cross the network in "
                "the clear; give tls, or say insecure: true"
            )
        return self

    async def listen(
        self,
        accept: Accept,
        *,
        started: Started | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Serve until cancelled. A message is answered only after `accept`'s future resolved; what
        came in a frame is always handed over, with its fault when it is refused. `started` is told
        host and port once connections are taken."""
        if self.port is None:
            raise Misconfigured("expected port: where to listen")
        desk = Desk(
            accept=accept,
            rules=self._rules(),
            limits=self._limits(),
            we=From(self.application, self.facility),
            now=now,
            names=frozenset(self.tls.names if self.tls else ()),
            counts=self._counts,
        )
        context = server_context(self.tls) if self.tls else None
        await serve(desk, self.host, self.port, tls=context, started=started)

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Send these, in order, each after the answer to the one before; one receipt each.

        A delivery's `id` is for our books: its body carries its own MSH-10, by which the receiver
        knows a repetition. After an outcome that is unknown the connection is opened anew. Raises
        TryLater when no connection could be made and nothing was sent.
        """
        if self._line is None:
            self._line = Line(self._target(), self.ack_timeout)
        return self._line.push(deliveries)

    def answer(self, body: bytes, *, id: str, fault: str, now: datetime) -> Delivery | None:
        """The application acknowledgement of enhanced mode (HL7 v2.5.1 §2.9.3.2), AA or AE; `id`
        is its MSH-10. It goes to `target_host`, as everything that is pushed."""
        against = Refusal("AE", fault, 0, "the message was not processed") if fault else None
        we, stamp = From(self.application, self.facility), write_time(now.astimezone(self._zone()))
        said = application_answer(header(body), against, we=we, stamp=stamp, control_id=id)
        return Delivery(id=id, stream="ACK", body=said, media=MEDIA) if said else None

    def counts(self) -> Mapping[str, int]:
        """Of the listener: connections taken, and those that were closed, by why."""
        return {name: self._counts[name] for name in COUNTED}

    def close(self) -> None:
        """End the sender's connection, if one is open."""
        if self._line is not None:
            self._line.close()

    def check(self) -> Health:
        """Does the target take a connection (and let us in over TLS)? Is our port to be had?"""
        if self.target_host:
            return reach(self._target(), self.ack_timeout)
        found = _check_port(self.host, self.port or 0)
        return replace(found, detail=f"{found.detail}; {_NO_WAY_BACK}") if found.ok else found

    def _target(self) -> Target:
        if not self.target_host:
            raise Misconfigured("expected target_host: where to send")
        context = client_context(self.target_tls) if self.target_tls else None
        return Target(self.target_host, self.target_port, context)

    def _rules(self) -> Rules:
        return Rules(
            zone=self._zone(),
            accepts=frozenset(self.accepts),
            versions=frozenset(self.versions),
            hash_without_id=self.no_control_id == "hash",
            hash_with_id=self.reused_control_id == "accept",
            believe_bytes=self.charset == "tolerant",
        )

    def _zone(self) -> tzinfo:
        return UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)

    def _limits(self) -> Limits:
        return Limits(
            frame=self.max_frame,
            idle=self.idle_timeout,
            total=self.frame_timeout,
            connections=self.max_connections,
            unanswered=self.max_unanswered,
        )


# a sender that wants to hear what became of its message hears only that it is stored
_NO_WAY_BACK = "without target_host, application answers (MSH-16) have no way back"


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_port(host: str, port: int) -> Health:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = _answers(host, port)
            return Health(
                ok=taken,
                detail=f"{host}:{port} is listening"
                if taken
                else f"{host}:{port} cannot be listened on: {error.strerror}",
            )
    return Health(ok=True, detail=f"{host}:{port} is free to listen on")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False
