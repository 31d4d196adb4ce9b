"""What travels between a connector and the rest: a record in, a delivery out, a receipt back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Said = Literal["said", "gone"]
Dated = Literal["said", "instead", "arrival"]
Answer = Literal["", "AL", "ER", "SU"]  # HL7 table 0155; "": none


@dataclass(slots=True, kw_only=True)  # nobody changes one; frozen, making it takes thrice as long
class Record:
    """One thing as a source said it.

    `message_key` is unique within the connection: the same key with the same body is the same
    message. `body` is exactly what came over the wire; nothing may be re-written on the way.
    """

    stream: str  # "ADT", "Patient", "roster"
    message_key: str  # HL7 MSH-3|4|10; type/id@version; else file fingerprint + position
    at: datetime  # aware; when the source says it was so
    body: bytes
    media: str  # "hl7v2", "application/fhir+json", "text/csv;row", "application/json"
    said: Said = "said"  # a delete feed says "gone"
    of: str = ""  # the thing's own id within its stream, where the stream is pulled whole
    cursor: str = ""  # where a pull may resume after this record
    test: bool = False  # the source itself marks it as no production data (MSH-11 T)
    fault: str = ""  # why it cannot be understood; it is kept and parked with this reason
    notes: tuple[str, ...] = ()  # complaints that do not stop it; they become findings
    # instead: its own time is unreadable, another place of it gave `at`; arrival: no place did, so
    # that `at` is when it came and says nothing of what was so
    dated: Dated = "said"
    answer: Answer = ""  # once it is settled: always, on error, on success (MSH-16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One thing to say to a target. `id` is stable over every attempt, so that the target can
    recognise a repetition (MSH-10, Idempotency-Key, If-None-Exist)."""

    id: str
    stream: str
    body: bytes
    media: str
    target: Mapping[str, str] = field(default_factory=dict)  # how the target addresses it


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one delivery.

    `delivered`: acknowledged or read back. `refused`: the target will never take it.
    `later`: not taken now, the same again may succeed. `unknown`: sent, no answer.
    """

    id: str
    outcome: Literal["delivered", "refused", "later", "unknown"]
    detail: str = ""  # the target's own words, without patient data
    native_id: str = ""  # the id the target gave it
    retry_after: float = 0.0  # seconds the target asked us to wait
    # later: it answered, and it is only this one that it cannot take now (a conflict, a lock)
    answered: bool = False
    confirmed: bool = True  # delivered: False where the target was not asked to acknowledge it
