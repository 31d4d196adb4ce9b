"""From a frame to a record: who sent it, what it is, and what stands against accepting it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import NamedTuple

from connectors.formats import er7, er7_charset
from connectors.formats.er7_event import event_time
from connectors.formats.er7_header import BOM, MOST_REPETITIONS, Header, Unreadable, apart
from connectors.formats.er7_time import read_time
from connectors.hl7v2.answer import Refusal
from connectors.record import Answer, Dated, Record

VERSIONS = (
    *("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6"),
    *("2.7", "2.7.1", "2.8", "2.8.1", "2.8.2", "2.9", "2.9.1"),
)
MEDIA = "hl7v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What this connection accepts. The defaults are the strict ones."""

    zone: tzinfo  # of times that state no offset
    accepts: frozenset[str] = frozenset()  # "ADT" or "ADT^A01"; empty = everything
    versions: frozenset[str] = frozenset(VERSIONS)
    hash_without_id: bool = False  # a message without MSH-10 is known by its content
    hash_with_id: bool = False  # a control id may come again with another message
    believe_bytes: bool = False  # MSH-18 may lie: the bytes decide
    known: dict[Header, _Judged] = field(default_factory=dict, compare=False, repr=False)


class Taken(NamedTuple):
    """One message, ready to be stored, and what stands against accepting it (None: nothing)."""

    record: Record
    like: Header | None  # as `apart` gives it; None: there is no message to read
    against: Refusal | None
    control_id: str = ""

    @property
    def is_alike(self) -> bool:
        """Whether others with other control ids share `like`, so that it may be remembered."""
        return bool(self.like and self.control_id and not self.like.control_id)

    @property
    def header(self) -> Header | None:
        """Its header, but for the time."""
        return self.like and self.like._replace(control_id=self.control_id)


class _Judged(NamedTuple):
    """What follows from a header, whatever its time and control id."""

    against: Refusal | None
    sender: str  # what the control id is unique within
    stream: str
    test: bool
    answer: Answer


def take(body: bytes, rules: Rules, now: Callable[[], datetime]) -> Taken:
    """What `body` is. Never raises: what cannot be read becomes a record with its fault, since
    everything that came in a frame is kept."""
    try:
        like, time, control_id = apart(body)
    except Unreadable as error:
        return _unreadable(body, error, now())
    alike = control_id and not like.control_id
    judged = _judged(like, rules) if alike else _judge(like, rules)
    against = judged.against or _against_body(body, like, rules)
    notes: list[str] = []
    at, dated = read_time(time, rules.zone), _SAID
    if at is None:
        at, dated = _without_time(body, rules, now, notes)
    if not (body.isascii() and body.startswith(b"MSH")):
        notes += _about_bytes(body, like)
    key = judged.sender + control_id
    if not control_id or rules.hash_with_id or against is not None:
        key = _key_by_content(key, body)
    record = Record(
        stream=judged.stream,
        message_key=key,
        at=at,
        body=body,
        media=MEDIA,
        test=judged.test,
        fault=against.told if against else "",
        notes=tuple(notes) if notes else (),
        dated=dated,
        answer="" if against else judged.answer,
    )
    return Taken(record, like, against, control_id)


_SAID: Dated = "said"


def _without_time(
    body: bytes, rules: Rules, now: Callable[[], datetime], notes: list[str]
) -> tuple[datetime, Dated]:
    """For a message whose MSH-7 is no point in time: EVN-2, else when it arrived."""
    at = event_time(body, rules.zone)
    took = "EVN-2" if at else "the time of arrival"
    notes.append(f"MSH-7 is no point in time, {took} was taken")
    return (at, "instead") if at else (now(), "arrival")


def _judged(like: Header, rules: Rules) -> _Judged:
    """Of a message that has a control id; worked out once for all that are alike."""
    known = rules.known.get(like)
    if known is None:
        if len(rules.known) >= _MOST_KNOWN:
            rules.known.clear()
        known = rules.known[like] = _judge(like._replace(control_id="-"), rules)
    return known


def _judge(head: Header, rules: Rules) -> _Judged:
    return _Judged(
        against=_against_header(head, rules),
        sender=f"{head.sending_app}|{head.sending_facility}|",
        stream=head.type or "-",
        test=head.processing_id in _TEST,
        answer=_wanted(head),
    )


_MOST_KNOWN = 1024
_TEST = ("T", "D")
_WANTED: dict[str, Answer] = {"AL": "AL", "ER": "ER", "SU": "SU"}


def _wanted(head: Header) -> Answer:
    """Which application answer is sent after settling. A sender that fills MSH-16 alone has had
    its only answer at once (`answer.code`)."""
    return _WANTED.get(head.app_ack.strip(), "") if head.accept_ack.strip() else ""


def refuse_whole(body: bytes, reason: str, code: str, now: datetime) -> Taken:
    """A frame that is refused as one, kept with its `reason`."""
    refusal = Refusal("AR", code, 0, reason)
    record = Record(
        stream="-",
        message_key=f"sha256:{sha256(body).hexdigest()}",
        at=now,
        body=body,
        media=MEDIA,
        fault=refusal.told,
    )
    return Taken(record, None, refusal)


def _unreadable(body: bytes, error: Unreadable, now: datetime) -> Taken:
    return refuse_whole(body, error.reason, error.code, now)


def _key_by_content(key: str, body: bytes) -> str:
    """MSH-3|4|10 with the content's hash, where the control id alone does not identify. One that
    is refused does not use up its control id: it may come again, corrected."""
    return f"{key}|sha256:{sha256(body).hexdigest()}"


def _against_header(head: Header, rules: Rules) -> Refusal | None:
    if not head.type:
        return Refusal("AR", "101", 9, "MSH-9 is empty, expected the message type")
    if rules.accepts and not _is_accepted(head, rules.accepts):
        known = any(name.partition("^")[0] == head.type for name in rules.accepts)
        return Refusal(
            "AR", "201" if known else "200", 9, "this connection does not accept this message type"
        )
    if not head.control_id and not rules.hash_without_id:
        return Refusal("AR", "101", 10, "MSH-10 is empty, expected the message's control id")
    if head.processing_id not in _PROCESSING:
        return Refusal("AR", "202", 11, "MSH-11 is not P, T or D")
    if head.version not in rules.versions:
        return Refusal("AR", "203", 12, "MSH-12 names a version this connection does not accept")
    return None


_PROCESSING = ("P", "T", "D")


def _is_accepted(head: Header, accepts: frozenset[str]) -> bool:
    return head.type in accepts or f"{head.type}^{head.trigger}" in accepts


def _against_body(body: bytes, head: Header, rules: Rules) -> Refusal | None:
    if b"\0" in body:
        return Refusal("AE", "102", 0, "the message holds a NUL byte")
    if not rules.believe_bytes:
        lie = er7_charset.lies(body, head.charset)
        if lie:
            return Refusal("AE", "102", 18, lie)
    if len(body) > MOST_REPETITIONS:
        try:
            er7.read(body)
        except Unreadable as error:
            return Refusal("AE", error.code, 0, error.reason)
    return None


def _about_bytes(body: bytes, head: Header) -> list[str]:
    notes = []
    if body.startswith(BOM):
        notes.append("a byte order mark before MSH was passed over")
    complaint = er7_charset.decode(body.removeprefix(BOM), head.charset)[2]
    if complaint:
        notes.append(complaint)
    return notes
